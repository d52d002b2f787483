#ifndef MUSTER_REGISTRY_ROWS_H
#define MUSTER_REGISTRY_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "model/cidr.h"
#include "model/id.h"

/* What people configure: a struct for each kind of row. They are plain values without pointers (the one exception is
 * marked), so a row can be copied anywhere. An optional text that is not set is "". `no` is the row's number. The
 * registry gives it, and never again after a deletion; it is 0 in a row that is to be inserted. */

#define PLACE_NAME_SIZE (LIMIT_NAME + 1)

struct place {
    char country[PLACE_NAME_SIZE], region[PLACE_NAME_SIZE], city[PLACE_NAME_SIZE];
};

enum { ENTERPRISE_IP_ALLOW_MAX = 64 };

struct enterprise_row {
    uint32_t no;
    char enterprise_id[ID_HEX_LEN + 1];
    uint8_t secret_salt[16];
    uint8_t secret_hash[32]; /* SHA-256 of salt and secret */
    char name[LIMIT_NAME + 1];
    uint32_t hourly_quota;
    bool secret_required;    /* the header calls must give the secret (contract, "auth, /v1/users") */
    uint32_t ip_allow_count; /* 0 = no restriction */
    struct cidr ip_allow[ENTERPRISE_IP_ALLOW_MAX];
};

enum registration { REGISTRATION_OPEN, REGISTRATION_KNOWN };
/* "open", "known", in the order of the enum, ended by NULL. */
extern const char *const registration_words[];
enum pacing { PACING_AUTO, PACING_ON, PACING_OFF }; /* auto: on for MQTT 3.1 sessions */

/* In which frames controls are sent. CONTROL_AUTO: in the kind of frame in which the device reports. */
enum control_frames { CONTROL_AUTO, CONTROL_0090, CONTROL_0093 };

struct product_row {
    uint32_t no;
    char product_key[ID_HEX_LEN + 1];
    char product_secret[ID_HEX_LEN + 1];
    char name[LIMIT_NAME + 1];
    bool remote_control;
    enum registration registration;
    enum pacing pacing;
    enum control_frames control;
    uint32_t definition; /* the version in force; 0 = none */
};

struct app_row {
    uint32_t no;
    char appid[ID_HEX_LEN + 1];
    char name[LIMIT_NAME + 1];
    uint32_t enterprise; /* that of its products; 0 while they have none */
};

struct user_row {
    uint32_t no;
    uint32_t app;
    char uid[ID_HEX_LEN + 1];
    char username[LIMIT_NAME + 1], phone[LIMIT_NAME + 1], email[LIMIT_NAME + 1];
    char name[LIMIT_NAME + 1], gender[LIMIT_NAME + 1], birthday[LIMIT_NAME + 1];
    char address[LIMIT_NAME + 1], remark[LIMIT_NAME + 1];
    char auth_src[1024]; /* JSON text */
    bool is_anonymous;
    bool is_disabled; /* searches and counts leave him out; bindings stay */
    int64_t created_at, updated_at;
    struct place place;
};

enum device_type { DEVICE_NORMAL, DEVICE_CENTER_CONTROL, DEVICE_SUB_DEV, DEVICE_BLUETOOTH };
/* "normal", "center_control", "sub_dev", "bluetooth", in the order of the enum, ended by NULL. */
extern const char *const device_type_words[];
const char *device_type_text(enum device_type type); /* static */

/* Where a device's place comes from: configured by an operator, or located by its address. The configured place
 * wins. */
enum place_source { PLACE_NONE, PLACE_CONFIGURED, PLACE_LOCATED };

struct device_row {
    uint32_t no;
    uint32_t product;
    char did[DID_LEN + 1];
    char mac[LIMIT_MAC + 1];
    char passcode[LIMIT_PASSCODE + 1];
    char device_sn[LIMIT_NAME + 1];
    enum device_type type;
    bool is_disabled;
    /* An operator has disabled it, so registering does not enable it. Only with is_disabled. */
    bool is_barred;
    int64_t created_at; /* Unix seconds: when it was registered or imported */
    struct place place;
    enum place_source place_source;
    bool has_coordinates;
    double longitude, latitude;
    uint32_t group; /* 0 = in none */
};

struct token_row {
    uint8_t hash[32]; /* SHA-256 of the token's 32 digits */
    uint32_t enterprise, product;
    int64_t expires_at;
};

struct group_row {
    uint32_t no;
    uint32_t product;
    uint32_t parent; /* 0 = root */
    char gid[ID_HEX_LEN + 1];
};

/* The part of a user that the fleet index follows. */
struct user_brief {
    uint32_t no, app;
    bool is_disabled;
    struct place place;
};

/* A device was bound to a user from one moment to another. */
struct binding_row {
    uint32_t no;
    uint32_t device, user, app;
    bool is_owner;
    int64_t since, until; /* Unix seconds; until is 0 while the binding holds */
};

/* The part of a binding that the fleet index follows. */
struct bound_row {
    uint32_t no, device, user;
    int64_t since, until; /* as above */
};

/* When a user was first bound to a device of a product. The device may be deleted. */
struct first_bound_row {
    uint32_t product, user;
    int64_t since;
};

struct association_row {
    uint32_t enterprise, product;
};

struct definition_row {
    uint32_t product, version;
    struct str json; /* valid during the call that hands the row over */
};

#endif
