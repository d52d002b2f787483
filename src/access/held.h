#ifndef MUSTER_ACCESS_HELD_H
#define MUSTER_ACCESS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets that wait behind a PUBLISH of a paced session: PINGRESP, SUBACK, acknowledgements. They go
 * one by one. Firmware that needs that asks for one thing at a time and has one or two here; a
 * client that has many reads streams as they are, and gets them together. */
struct held;

/* Adds a packet behind the others; *h is made if it is NULL. false: no room, or no memory. */
bool held_add(struct held **h, const void *packet, size_t len);
/* What goes next: the oldest packet, or all of them if there are many. */
const uint8_t *held_next(const struct held *h, size_t *len);
/* All of them. */
const uint8_t *held_all(const struct held *h, size_t *len);
/* The first len bytes have gone, of one packet or of all; *h is NULL after the last. */
void held_gone(struct held **h, size_t len);
/* What is here now goes before the next PUBLISH: until that is so held_has_turn is true. */
void held_give_turn(struct held *h);
bool held_has_turn(const struct held *h);

#endif
