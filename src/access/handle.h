#ifndef MUSTER_ACCESS_HANDLE_H
#define MUSTER_ACCESS_HANDLE_H

#include "access/session.h"

/* One packet that a client has sent, one file per kind: handle_connect.c and so on. flags are those
 * of the fixed header, body what follows it. A handler that finds the packet wrong ends the
 * session. CONNECT comes to new sessions only, the others to live ones. Loop thread. */
typedef void (*packet_handler)(struct session *s, uint8_t flags, struct bytes body);

void handle_connect(struct session *s, uint8_t flags, struct bytes body);
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
