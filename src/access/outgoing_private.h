#ifndef MUSTER_ACCESS_OUTGOING_PRIVATE_H
#define MUSTER_ACCESS_OUTGOING_PRIVATE_H

#include "access/outbox.h"
#include "access/outgoing.h"

/* What outgoing.c (PUBLISHes, and in what order all goes) has from outgoing_packet.c (all other packets). */

/* To look into: an empty one if there is none. */
const struct outbox *outgoing_look(const struct session *s);
/* To put something in: made if there is none; NULL without memory. */
struct outbox *outgoing_box(struct session *s);

/* false: the connection is ending, and says why in closed(). */
bool outgoing_write(struct session *s, const void *bytes, size_t len);
/* Is there a PUBLISH that has not been written? */
bool outgoing_publish_waits(const struct session *s);
/* Writes a packet apart from all others, now or later; to a paced session. */
void outgoing_packet_apart(struct session *s, const void *bytes, size_t len);
/* Writes what was held back longest; there is something. */
void outgoing_release_next(struct session *s);
/* A PUBLISH has had its time: what has gathered behind it goes before the next one. */
void outgoing_give_turn(struct session *s);

#endif
