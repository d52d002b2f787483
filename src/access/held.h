#ifndef MUSTER_ACCESS_HELD_H
#define MUSTER_ACCESS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets that wait behind a PUBLISH of a paced session: PINGRESP, SUBACK, acknowledgements. They go one by one. A
 * firmware that needs this asks for one thing at a time and has one or two packets here. A client with many packets
 * here can read a stream, and gets them together. */
struct held;

/* Adds a packet behind the others; *h is made if it is NULL. false: no room, or no memory. */
bool held_add(struct held **h, const void *packet, size_t len);
/* What to send next: the oldest packet, or all of them if there are many. */
const uint8_t *held_next(const struct held *h, size_t *len);
/* All of them. */
const uint8_t *held_all(const struct held *h, size_t *len);
/* The first len bytes (one packet, or all of them) have been sent. *h is NULL after the last. */
void held_gone(struct held **h, size_t len);
/* The packets that are here now go before the next PUBLISH; held_has_turn is true until they have gone. */
void held_give_turn(struct held *h);
bool held_has_turn(const struct held *h);

#endif
