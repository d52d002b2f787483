#ifndef MUSTER_ACCESS_OUTGOING_PRIVATE_H
#define MUSTER_ACCESS_OUTGOING_PRIVATE_H

#include "access/outbox.h"
#include "access/outgoing.h"

/* What outgoing.c (PUBLISHes, and the order of all packets) uses of outgoing_packet.c (all other packets). */

/* The outbox for reading; an empty one if there is none. */
const struct outbox *outgoing_look(const struct session *s);
/* The outbox for adding something; made if there is none. NULL without memory. */
struct outbox *outgoing_box(struct session *s);

/* false: the connection is ending, and says why in closed(). */
bool outgoing_write(struct session *s, const void *bytes, size_t len);
/* Is there a PUBLISH that has not been written? */
bool outgoing_publish_waits(const struct session *s);
/* Writes a packet apart from all others, now or later; to a paced session. */
void outgoing_packet_apart(struct session *s, const void *bytes, size_t len);
/* Writes the oldest held packet; there must be one. */
void outgoing_release_next(struct session *s);
/* The time of a PUBLISH is over: the packets that gathered behind it go before the next PUBLISH. */
void outgoing_give_turn(struct session *s);

#endif
