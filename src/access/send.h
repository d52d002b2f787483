#ifndef MUSTER_ACCESS_SEND_H
#define MUSTER_ACCESS_SEND_H

#include "access/session.h"

/* The packets that we send. Loop thread. */

/* A client of 5.0 that does not take even this packet cannot be answered. */
#define CONNACK_5_LEAST 5

/* client_id: told to a client of 5.0 that has none; else NULL. A reason other than MQTT_SUCCESS is a refusal. In 5.0
 * properties are left out if the packet would be larger than the client accepts. false: the protocol has no such
 * answer, or the client does not accept its size; nothing was sent. */
bool send_connack(struct session *s, enum mqtt_reason reason, const char *client_id);

#define ACK_SIZE 4
/* PUBACK, PUBREC, PUBREL, PUBCOMP of success; returns the size. Pure. */
size_t send_ack_packet(uint8_t out[ACK_SIZE], enum mqtt_type type, uint16_t id);
void send_ack(struct session *s, enum mqtt_type type, uint16_t id);
/* PUBREL or PUBCOMP of an id that is not open; 5.0 is told so. */
void send_unknown_id(struct session *s, enum mqtt_type type, uint16_t id);

/* Bytes of the whole PUBLISH. Pure. */
size_t send_publish_size(enum mqtt_version version, const char *topic, bool has_id, size_t len);
/* Appends it; out's err tells of a failure. id 0: QoS 0, else QoS 1. Pure. */
void send_publish_append(struct buf *out, enum mqtt_version version, const char *topic, uint16_t id,
                         const uint8_t *payload, size_t len);

enum { SEND_CODES_MAX = 64 };
/* SUBACK, UNSUBACK; at most SEND_CODES_MAX codes. */
void send_codes(struct session *s, enum mqtt_type type, uint16_t id, const uint8_t *codes, size_t count);

void send_pingresp(struct session *s);
/* Goes before what pacing holds back, since nothing follows. false before 5.0, which has no such packet. */
bool send_disconnect(struct session *s, enum mqtt_reason reason);

#endif
