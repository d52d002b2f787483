#ifndef MUSTER_FLEET_FLEET_H
#define MUSTER_FLEET_FLEET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "journal/journal.h"
#include "model/datapoint.h"
#include "model/quota.h"
#include "model/undecoded.h"
#include "registry/rows.h"

/* The fleet: everything that a request, a login or a report asks about, in memory. It holds the catalog (products,
 * enterprises, tokens, groups) and the devices, as columns and bitmaps. It is a cache of registry and journal and can
 * always be rebuilt from them.
 *
 * Only the committer's thread changes it (fleet_apply.h). Everything here reads: any thread, never blocking for long
 * (one reader-writer lock, held only while data is copied). What is returned is a copy, except catalog objects. */
struct fleet;

/* --- catalog --------------------------------------------------------------------------------------
 * A catalog object is never moved or freed while the program runs, so a pointer to one may be kept. Fields that can
 * change are atomic; what they pointed to before stays readable. */

struct fleet_definition {
    uint32_t version;
    struct datapoint_plan *plan;
    uint32_t *points; /* by datapoint id: the numbers of fault and alert points (fleet_apply.h) */
    const char *json; /* as GET datapoint answers, `ui` included (derived if not stored) */
    size_t json_len;
    size_t named; /* length of json up to the end of the product's name of that time; 0 = no name */
};

struct fleet_product {
    uint32_t no;
    char product_key[ID_HEX_LEN + 1];
    _Atomic(const struct product_row *) row;             /* name, secret and settings of now */
    _Atomic(const struct fleet_definition *) definition; /* in force; NULL = none */
    _Atomic uint32_t enterprise;                         /* associated; 0 = none */
};

struct fleet_enterprise {
    uint32_t no;
    char enterprise_id[ID_HEX_LEN + 1];
    _Atomic(const struct enterprise_row *) row;
    struct quota *quota;      /* kept in a file if the fleet was given one */
    struct quota refusals;    /* refused controls that were written to the audit log */
    struct quota_share share; /* of the quota, where several nodes count together */
};

/* Calls fn for each enterprise. */
void fleet_visit_enterprises(struct fleet *f, void (*fn)(void *ctx, struct fleet_enterprise *e), void *ctx);

struct fleet_token {
    struct fleet_enterprise *enterprise;
    const struct fleet_product *product;
    int64_t expires_at;
};

/* NULL if unknown. */
const struct fleet_product *fleet_product_by_key(struct fleet *f, struct str product_key);
const struct fleet_product *fleet_product_by_no(struct fleet *f, uint32_t no);
struct fleet_enterprise *fleet_enterprise_by_id(struct fleet *f, struct str enterprise_id);
/* Any version of a product's definition, also an old one; NULL if there is none. */
const struct fleet_definition *fleet_definition(struct fleet *f, uint32_t product, uint32_t version);
bool fleet_token_find(struct fleet *f, const uint8_t hash[32], struct fleet_token *out);
/* Finds a group's number and its product's; false if the group is unknown. */
bool fleet_group_find(struct fleet *f, struct str gid, uint32_t *group, uint32_t *product);

/* --- devices --------------------------------------------------------------------------------- */
struct fleet_device {
    uint32_t no;
    const struct fleet_product *product;
    char did[DID_LEN + 1];
    char mac[LIMIT_MAC + 1];
    char passcode[LIMIT_PASSCODE + 1];
    char device_sn[LIMIT_NAME + 1];
    enum device_type type;
    bool is_disabled, is_online, is_faulty, is_alert;
    bool is_placed; /* the operator has set its place, or it was located by its address */
    int64_t created_at, activated_at, online_latest, last_report; /* Unix seconds; 0 = never */
    int64_t last_message_us, last_session_us;                     /* moments of its newest records */
    /* its last report had a serial number (0x0093), so its controls get one too (device-access 3) */
    bool numbers_reports;
    uint64_t open_boot; /* the start in which its session began that has no end on record; 0 = there is none */
    struct place place;
    bool has_coordinates;
    double longitude, latitude;
    uint32_t group;
    struct journal_versions versions;
};

bool fleet_device_by_did(struct fleet *f, struct str did, struct fleet_device *out);
bool fleet_device_by_no(struct fleet *f, uint32_t no, struct fleet_device *out);
/* The latest registration of a mac (contract, endpoint 5). */
bool fleet_device_by_mac(struct fleet *f, const struct fleet_product *product, struct str mac,
                         struct fleet_device *out);
/* Finds a device by a name that people use: its did, product_key/mac, or its mac. A mac means its latest registration;
 * if several products know the mac, the first of them. others: how many more products know it. */
bool fleet_device_by_name(struct fleet *f, struct str name, struct fleet_device *out, unsigned *others);
/* Finds a device whose mac is written in another way: in another case, with or without separators. name:
 * product_key/mac, or a mac. Looks at every device, the lowest number first. */
bool fleet_device_like(struct fleet *f, struct str name, struct fleet_device *out);

/* The civil days on which the device was active, in ascending order; at most cap. Returns how many. */
size_t fleet_active_days(struct fleet *f, uint32_t no, int32_t *days, size_t cap);

/* The start of another node that holds the device's session; 0: none does. */
uint64_t fleet_device_holder(struct fleet *f, uint32_t no);

/* This process holds the device's session. */
bool fleet_device_is_here(struct fleet *f, uint32_t no);

/* Whether this node holds the session of the device that began with its session record of that number. */
bool fleet_session_is(struct fleet *f, uint32_t no, uint64_t login);

/* What a login needs, cheaper than a whole row. */
struct fleet_login {
    uint32_t no;
    const struct fleet_product *product;
    bool is_disabled, is_placed;
    char passcode[LIMIT_PASSCODE + 1];
};
bool fleet_login_find(struct fleet *f, struct str did, struct fleet_login *out);

/* The device's last datapoint state and the definition it is written under. Appends the image to out. If the device has
 * sent none yet, *definition is NULL and nothing is appended. */
void fleet_device_state(struct fleet *f, uint32_t no, const struct fleet_definition **definition, struct buf *out);

/* --- search ---------------------------------------------------------------------------------- */
enum fleet_tri { FLEET_ANY = -1, FLEET_NO = 0, FLEET_YES = 1 };
struct fleet_filter {
    const struct fleet_product *product;
    uint32_t group;                   /* with its subtree; 0 = any */
    struct str country, region, city; /* .at NULL = any */
    enum fleet_tri online, faulty, alert;
    bool show_disabled;
    int64_t active_since; /* reported at or after; 0 = any */
    struct str did, mac;  /* .at NULL = any */
    const uint32_t *only; /* NULL = any; otherwise only these device numbers */
    size_t only_count;
};
/* Rows newest created_at first, then by did (contract, endpoint 6). rows has room for limit;
 * returns how many were written; *total = all that match. */
size_t fleet_search(struct fleet *f, const struct fleet_filter *filter, uint64_t skip, uint64_t limit,
                    struct fleet_device *rows, uint64_t *total);

/* --- days that are over --------------------------------------------------------------------------
 * Answers about the activity (report.h: report_active, _activated, _users_active) for days up to last_day (INT32_MIN: there are no
 * such days) stay the same as long as the version is the same. So a caller can keep an answer together with the
 * version. It must ask for the version before it asks for the answer. */
struct fleet_past {
    uint64_t version; /* never gets smaller */
    int32_t last_day; /* the day before the newest day on which anything has happened */
};
struct fleet_past fleet_get_past(struct fleet *f);

/* Calls fn whenever a device is online although it is disabled or deleted, so that its session can be ended. This
 * covers every way to disable a device, also when its login and the disabling cross. fn runs on the committer's thread
 * with the fleet locked: it posts a mail and returns. NULL = nobody watches. */
void fleet_watch_disabled(struct fleet *f, void (*fn)(void *ctx, uint32_t device), void *ctx);

/* Reports since the start that could not be decoded, for the products that have had one: at most cap. The counts of the
 * other products are added up in *others. Returns how many. */
struct fleet_undecoded {
    char product_key[ID_HEX_LEN + 1];
    uint64_t counts[UNDECODED_COUNT]; /* by cause */
};
size_t fleet_undecoded(struct fleet *f, struct fleet_undecoded *out, size_t cap, struct fleet_undecoded *others);

enum fleet_event_kind { EVENT_FAULT, EVENT_ALERT };

struct fleet_counts {
    uint64_t products, enterprises, devices, online, tokens;
    uint64_t unusable_states; /* device states left out at the start because their definition is gone */
};
void fleet_count(struct fleet *f, struct fleet_counts *out);

#endif
