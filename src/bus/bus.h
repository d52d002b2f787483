#ifndef MUSTER_BUS_BUS_H
#define MUSTER_BUS_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* How nodes talk to each other: short messages that come at once or not at all. Whatever must not be lost is in the
 * store; the bus only says that it is there. So everybody who listens also looks by himself now and then, and when
 * on_gap says that messages may have been missed.
 *
 * Over PostgreSQL a message is a NOTIFY: some tenths of a millisecond from node to node, and no further service to
 * run. */
struct bus;

/* Larger than a control with the largest frame; a NOTIFY takes 7,999 characters. */
enum { BUS_BODY_MAX = 4096 };

struct bus_message {
    uint64_t from; /* the start of a node */
    uint8_t kind;  /* what it means is the business of sender and receiver */
    const void *body;
    size_t len;
};

struct bus_options {
    const char *uri;
    uint64_t boot; /* of this node */
    void *ctx;
    /* Both on the bus's own thread; they must not block for long. */
    void (*on_message)(void *ctx, const struct bus_message *m);
    void (*on_gap)(void *ctx); /* it listens now, for the first time or again: look at everything */
};

/* Starts the thread. The first connection is made by it, so the server may be down. MU_E_NOMEM. */
MU_MUST_USE enum mu_err bus_start(struct bus **out, const struct bus_options *options);
/* Sends what waits, if that is possible at once, and ends. NULL is allowed. */
void bus_stop(struct bus *bus);

/* To the node of that start; 0: to all others. Any thread; copies the body and never blocks. Messages that one thread
 * sends to a node come in order. */
void bus_send(struct bus *bus, uint64_t to, uint8_t kind, const void *body, size_t len);

struct bus_figures {
    uint64_t sent, received, lost; /* messages; lost: those that could not be sent */
};
struct bus_figures bus_figures(struct bus *bus);

#endif
