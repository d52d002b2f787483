#ifndef MUSTER_ACCESS_MQTT_PACKET_H
#define MUSTER_ACCESS_MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/text.h"

/* Reading MQTT packets: the parts that all kinds share. Pure.
 *
 * A function that reads from a packet returns an mqtt_reason: MQTT_SUCCESS, or what is wrong, as a reason of MQTT 5.0.
 * In a session of 3.1 or 3.1.1 the reason only ends the session. */

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};

/* The protocol level of CONNECT. */
enum mqtt_version { MQTT_UNKNOWN = 0, MQTT_3_1 = 3, MQTT_3_1_1 = 4, MQTT_5 = 5 };

enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_WITH_WILL = 0x04,
    MQTT_NO_SUBSCRIBERS = 0x10,
    MQTT_NO_SUBSCRIPTION = 0x11,
    MQTT_UNSPECIFIED = 0x80,
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_OTHER_ERROR = 0x83, /* "implementation specific" */
    MQTT_BAD_VERSION = 0x84,
    MQTT_BAD_CLIENT_ID = 0x85,
    MQTT_BAD_CREDENTIALS = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_UNAVAILABLE = 0x88,
    MQTT_SHUTTING_DOWN = 0x8b,
    MQTT_BAD_AUTHENTICATION = 0x8c,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_TAKEN_OVER = 0x8e,
    MQTT_BAD_FILTER = 0x8f,
    MQTT_BAD_TOPIC = 0x90,
    MQTT_ID_IN_USE = 0x91,
    MQTT_UNKNOWN_PACKET_ID = 0x92,
    MQTT_RECEIVE_MAXIMUM = 0x93,
    MQTT_BAD_TOPIC_ALIAS = 0x94,
    MQTT_TOO_LARGE = 0x95,
    MQTT_RATE_TOO_HIGH = 0x96,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE = 0x98,
    MQTT_BAD_PAYLOAD = 0x99,
    MQTT_NO_RETAIN = 0x9a,
    MQTT_NO_SHARED = 0x9e,
    MQTT_NO_SUBSCRIPTION_IDS = 0xa1,
};

/* --- the fixed header -------------------------------------------------------------------------*/
#define MQTT_HEAD_MAX 5 /* type and flags, and a remaining length of at most four bytes */

struct mqtt_head {
    uint8_t type; /* enum mqtt_type, or a value that no packet has */
    uint8_t flags;
    uint8_t size;  /* of the header itself */
    uint32_t body; /* bytes that follow it */
};

enum mqtt_head_status { MQTT_HEAD_WHOLE, MQTT_HEAD_PART, MQTT_HEAD_BAD };
enum mqtt_head_status mqtt_read_head(const uint8_t *bytes, size_t len, struct mqtt_head *out);

/* Of a PUBLISH with these flags; 3 is none. */
static inline uint8_t mqtt_qos(uint8_t flags)
{
    return flags >> 1 & 3;
}

/* --- fields -----------------------------------------------------------------------------------*/
/* A length and that many bytes; text must be UTF-8 without NUL. The result points into the packet;
 * r is bad afterwards if there is none. */
struct str mqtt_read_text(struct bytes *r);
struct str mqtt_read_binary(struct bytes *r);

/* --- properties (5.0) -------------------------------------------------------------------------*/
enum mqtt_property {
    MQTT_P_PAYLOAD_FORMAT = 1,
    MQTT_P_MESSAGE_EXPIRY = 2,
    MQTT_P_CONTENT_TYPE = 3,
    MQTT_P_RESPONSE_TOPIC = 8,
    MQTT_P_CORRELATION = 9,
    MQTT_P_SUBSCRIPTION_ID = 11,
    MQTT_P_SESSION_EXPIRY = 17,
    MQTT_P_ASSIGNED_CLIENT = 18,
    MQTT_P_SERVER_KEEP_ALIVE = 19,
    MQTT_P_AUTH_METHOD = 21,
    MQTT_P_AUTH_DATA = 22,
    MQTT_P_REQUEST_PROBLEM = 23,
    MQTT_P_WILL_DELAY = 24,
    MQTT_P_REQUEST_RESPONSE = 25,
    MQTT_P_REASON_TEXT = 31,
    MQTT_P_RECEIVE_MAXIMUM = 33,
    MQTT_P_TOPIC_ALIAS_MAXIMUM = 34,
    MQTT_P_TOPIC_ALIAS = 35,
    MQTT_P_RETAIN_AVAILABLE = 37,
    MQTT_P_USER = 38,
    MQTT_P_PACKET_MAXIMUM = 39,
    MQTT_P_WILDCARDS_AVAILABLE = 40,
    MQTT_P_IDS_AVAILABLE = 41,
    MQTT_P_SHARED_AVAILABLE = 42,
};

/* Sets of them: one bit each. */
#define MQTT_P_BIT(property) (UINT64_C(1) << (property))
#define MQTT_P_OF_ACK        (MQTT_P_BIT(MQTT_P_REASON_TEXT) | MQTT_P_BIT(MQTT_P_USER))

struct mqtt_properties {
    uint64_t seen;            /* which were there */
    uint16_t receive_maximum; /* 65535 unless told */
    uint32_t packet_maximum;  /* UINT32_MAX unless told */
    uint32_t session_expiry;  /* seconds; 0 unless told */
};

/* Reads a property length and the properties. It is an error if one is not in `allowed`, is there twice, or has a value
 * that the protocol forbids. Properties that we do not use are checked and dropped. */
enum mqtt_reason mqtt_read_properties(struct bytes *r, uint64_t allowed, struct mqtt_properties *out);

/* PUBACK, PUBREC, PUBREL, PUBCOMP as clients send them: a packet id and, in 5.0, perhaps one of the type's
 * reasons, and properties. */
struct mqtt_ack {
    uint16_t id;
    uint8_t reason; /* an enum mqtt_reason; MQTT_SUCCESS if there is none */
};
enum mqtt_reason mqtt_read_ack(enum mqtt_type type, struct bytes body, enum mqtt_version version, struct mqtt_ack *out);

#endif
