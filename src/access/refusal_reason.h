#ifndef MUSTER_ACCESS_REFUSAL_REASON_H
#define MUSTER_ACCESS_REFUSAL_REASON_H

/* Why somebody was not let in: at which door, as a label of /metrics, and in words. A device that asked over
 * /dev is answered with the words behind ": ". */
/* clang-format off: a table */
#define REFUSAL_TABLE(X)                                                                                              \
    X(REFUSED_SEATS, DOOR_CONNECTION, "too_many", "connection: too many in all")                                      \
    X(REFUSED_SEATS_OF_ADDRESS, DOOR_CONNECTION, "too_many_of_address", "connection: too many from this address")     \
    X(REFUSED_HANDSHAKE, DOOR_CONNECTION, "tls_handshake", "connection: the TLS handshake failed")                    \
    X(REFUSED_SILENT, DOOR_LOGIN, "no_connect", "login: no CONNECT within 10 s")                                      \
    X(REFUSED_NO_CONNECT, DOOR_LOGIN, "no_mqtt", "login: what came first is no CONNECT")                              \
    X(REFUSED_MALFORMED, DOOR_LOGIN, "malformed", "login: malformed CONNECT")                                         \
    X(REFUSED_VERSION, DOOR_LOGIN, "version", "login: not a version of MQTT that is spoken here")                     \
    X(REFUSED_STOPPING, DOOR_LOGIN, "stopping", "login: the server is stopping")                                      \
    X(REFUSED_NO_CREDENTIALS, DOOR_LOGIN, "no_credentials", "login: no user name or no password")                     \
    X(REFUSED_NO_DID, DOOR_LOGIN, "no_did", "login: the user name is no did")                                         \
    X(REFUSED_UNKNOWN_DID, DOOR_LOGIN, "unknown_did", "login: unknown did")                                           \
    X(REFUSED_PASSCODE, DOOR_LOGIN, "wrong_passcode", "login: wrong passcode")                                        \
    X(REFUSED_DISABLED, DOOR_LOGIN, "disabled", "login: the device is disabled")                                      \
    X(REFUSED_WILL, DOOR_LOGIN, "foreign_will", "login: a will on a foreign topic")                                   \
    X(REFUSED_PACKET_SIZE, DOOR_LOGIN, "packet_size", "login: it takes no packet as large as a CONNACK")              \
    X(REFUSED_DISK_FULL, DOOR_LOGIN, "disk_full", "login: the server's disk is full")                                 \
    X(REFUSED_MEMORY, DOOR_LOGIN, "memory", "login: out of memory")                                                   \
    X(REFUSED_NOT_STORED, DOOR_LOGIN, "not_stored", "login: it could not be stored")                                  \
    X(REFUSED_REPLACED, DOOR_LOGIN, "taken_over", "login: another login of the device came before it was complete")   \
    X(REFUSED_KICKED, DOOR_LOGIN, "kicked", "login: the operator ended it before it was complete")                    \
    X(REFUSED_REGISTER_KEY, DOOR_REGISTRATION, "malformed_product_key",                                               \
      "register: product_key is missing or malformed")                                                                \
    X(REFUSED_REGISTER_MAC, DOOR_REGISTRATION, "malformed_mac", "register: mac is missing or malformed")              \
    X(REFUSED_REGISTER_PASSCODE, DOOR_REGISTRATION, "malformed_passcode",                                             \
      "register: passcode is missing or malformed")                                                                   \
    X(REFUSED_REGISTER_ADDRESS, DOOR_REGISTRATION, "too_many_of_address",                                             \
      "register: too many registrations from this address")                                                           \
    X(REFUSED_REGISTER_PRODUCT, DOOR_REGISTRATION, "unknown_product", "register: unknown product_key")                \
    X(REFUSED_REGISTER_RATE, DOOR_REGISTRATION, "too_many_of_product",                                                \
      "register: too many registrations of this product")                                                             \
    X(REFUSED_REGISTER_GUESSES, DOOR_REGISTRATION, "too_many_passcodes", "register: too many passcodes for this mac") \
    X(REFUSED_REGISTER_BARRED, DOOR_REGISTRATION, "disabled", "register: the operator has disabled it")               \
    X(REFUSED_REGISTER_NOT_IMPORTED, DOOR_REGISTRATION, "not_imported",                                               \
      "register: mac and passcode were not imported")                                                                 \
    X(REFUSED_PROVISION_DID, DOOR_REQUEST, "provision_unknown_did", "provision: unknown did")                         \
    X(REFUSED_DISABLE_DID, DOOR_REQUEST, "disable_unknown_did", "disable: unknown did")                               \
    X(REFUSED_DISABLE_PASSCODE, DOOR_REQUEST, "disable_wrong_passcode", "disable: wrong passcode")                    \
    X(REFUSED_DISABLE_GUESSES, DOOR_REQUEST, "disable_too_many_passcodes", "disable: too many wrong passcodes")       \
    X(REFUSED_FIRMWARE_DID, DOOR_REQUEST, "firmware_unknown_did", "firmware check: unknown did")                      \
    X(REFUSED_FIRMWARE_PASSCODE, DOOR_REQUEST, "firmware_wrong_passcode", "firmware check: wrong passcode")           \
    X(REFUSED_FIRMWARE_GUESSES, DOOR_REQUEST, "firmware_too_many_passcodes", "firmware check: too many wrong passcodes")
/* clang-format on */

enum refusal_reason {
#define X(name, door, label, text) name,
    REFUSAL_TABLE(X)
#undef X
        REFUSAL_COUNT
};

enum refusal_door { DOOR_CONNECTION, DOOR_LOGIN, DOOR_REGISTRATION, DOOR_REQUEST, DOOR_COUNT };

enum refusal_door refusal_door(enum refusal_reason reason);
const char *refusal_label(enum refusal_reason reason);
const char *refusal_text(enum refusal_reason reason);

#endif
