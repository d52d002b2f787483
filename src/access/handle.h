#ifndef MUSTER_ACCESS_HANDLE_H
#define MUSTER_ACCESS_HANDLE_H

#include "access/session.h"

/* Handlers of the packets that clients send, one file per kind: handle_connect.c and so on. flags are those of the
 * fixed header; body is what follows it. A handler that finds the packet wrong ends the session. Only a new session
 * gets CONNECT, only a live one the others. Loop thread. */
typedef void (*packet_handler)(struct session *s, uint8_t flags, struct bytes body);

void handle_connect(struct session *s, uint8_t flags, struct bytes body);
/* The committer's answer to the login of a session that claims its device. */
void handle_claimed(struct session *s, enum mu_err err);
/* A session that claims its device ends: accounts for the refusal, and returns what CONNACK says. */
enum mqtt_reason handle_claim_ended(struct session *s, enum end_reason reason);
void handle_publish(struct session *s, uint8_t flags, struct bytes body);
void handle_puback(struct session *s, uint8_t flags, struct bytes body);
void handle_pubrec(struct session *s, uint8_t flags, struct bytes body);
void handle_pubcomp(struct session *s, uint8_t flags, struct bytes body);
void handle_pubrel(struct session *s, uint8_t flags, struct bytes body);
void handle_subscribe(struct session *s, uint8_t flags, struct bytes body);
void handle_unsubscribe(struct session *s, uint8_t flags, struct bytes body);
void handle_pingreq(struct session *s, uint8_t flags, struct bytes body);
void handle_disconnect(struct session *s, uint8_t flags, struct bytes body);

#endif
