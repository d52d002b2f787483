#ifndef MUSTER_FLEET_EVENTS_H
#define MUSTER_FLEET_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "fleet/fleet_apply.h"
#include "fleet/pool.h"

/* The fault and alert events of a product, counted. For each device and point that ever had an event: how many are
 * kept, and since when one is open (a point has at most one open event). The events themselves are in the journal. A
 * device and point take 20 bytes, and 12 more while an event is open.
 *
 * The entries of one device are a list that begins at its column `events`. A report goes through all entries
 * (report_events.c). All zero is empty. Not thread-safe. */
struct event_tally {
    uint32_t device; /* 0 = free */
    uint32_t next;   /* the next entry of the same device; 0 = none */
    uint32_t point;  /* points.h */
    uint32_t total;
    uint32_t open; /* block of the pool: struct event_open; 0 = no event is open */
};

struct events {
    struct event_tally *at; /* number 0 is none */
    uint32_t count, cap, free;
};

void events_free(struct events *e);

/* head is the address of the device's column. Counts one event more; it is open if event->resolved_us is 0. MU_E_NOMEM:
 * nothing has changed. */
MU_MUST_USE enum mu_err events_add(struct events *e, struct pool *pool, uint32_t *head,
                                   const struct fleet_event *event);
/* Closes the point's open event. */
void events_resolve(struct events *e, struct pool *pool, uint32_t head, uint32_t point);
/* Counts one event less, a closed one. */
void events_forget(struct events *e, struct pool *pool, uint32_t *head, uint32_t point);
/* Removes all entries of a device. */
void events_drop(struct events *e, struct pool *pool, uint32_t *head);
/* Moves all entries of a device to the events of another product. MU_E_NOMEM: some of them have moved. */
MU_MUST_USE enum mu_err events_move(struct events *from, struct events *to, struct pool *pool, uint32_t *head);
/* How many events of a device are counted. */
uint32_t events_total(const struct events *e, uint32_t head);
/* Copies the open events, at most cap; returns how many. */
size_t events_open(const struct events *e, const struct pool *pool, uint32_t head, struct fleet_event *out, size_t cap);

#endif
