#ifndef MUSTER_FLEET_EVENTS_H
#define MUSTER_FLEET_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "fleet/fleet_apply.h"
#include "fleet/pool.h"

/* The fault and alert events of a product, counted: for each device and point that ever had one, how
 * many are kept, and since when one is open (a point has at most one open event). The events
 * themselves are in the journal. 20 bytes for a device and point, 12 more while it is open.
 *
 * The entries of one device are a list, which begins at its column `events`; a report goes through all of
 * them (report_events.c). All zero is empty. Not thread-safe. */
struct event_tally {
    uint32_t device; /* 0 = free */
    uint32_t next;   /* of the same device; 0 = none */
    uint32_t point;  /* points.h */
    uint32_t total;
    uint32_t open; /* block of the pool: struct event_open; 0 = none is */
};

struct events {
    struct event_tally *at; /* number 0 is none */
    uint32_t count, cap, free;
};

void events_free(struct events *e);

/* head is the device's column. An event more; it is open if event->resolved_us is 0. MU_E_NOMEM:
 * nothing has changed. */
MU_MUST_USE enum mu_err events_add(struct events *e, struct pool *pool, uint32_t *head,
                                   const struct fleet_event *event);
/* The point's open event is open no more. */
void events_resolve(struct events *e, struct pool *pool, uint32_t head, uint32_t point);
/* An event less, which is not open. */
void events_forget(struct events *e, struct pool *pool, uint32_t *head, uint32_t point);
/* Takes out all of a device. */
void events_drop(struct events *e, struct pool *pool, uint32_t *head);
/* Moves all of a device to another product's. MU_E_NOMEM: some of it. */
MU_MUST_USE enum mu_err events_move(struct events *from, struct events *to, struct pool *pool, uint32_t *head);
/* Copies the open ones out, at most cap; returns how many. */
size_t events_open(const struct events *e, const struct pool *pool, uint32_t head, struct fleet_event *out, size_t cap);

#endif
