#ifndef MUSTER_FLEET_PLACE_COUNTS_H
#define MUSTER_FLEET_PLACE_COUNTS_H

#include "fleet/columns.h"
#include "fleet/hash.h"
#include "fleet/index.h"

/* Devices and their events, counted by place. A product's are kept as its devices change, so that a report
 * on all of a product goes through its places, not through its devices. Disabled devices do not count.
 *
 * A cell of 16 bytes for each place and thing that has ever been counted there: cells stay, as places and
 * points do. Not thread-safe; without memory the program ends, as with all that fleet_apply does. */
struct fleet;

enum place_count {
    COUNT_DEVICES,     /* special: online */
    COUNT_ACTIVATED,   /* ever */
    COUNT_FAULTY,
    COUNT_ALERT,
    COUNT_WITH_FAULTS, /* + enum fleet_event_kind: that have such events; special: open ones */
    COUNT_WITH_ALERTS,
    COUNT_POINTS       /* from here on: the events of point what - COUNT_POINTS (points.h); special: open */
};

struct place_cell {
    uint32_t place, what;
    uint32_t n;
    uint32_t special;  /* so many of n */
};

struct place_counts {
    const struct hash_key *key;
    struct index by_place;
    struct place_cell *at; /* number 0 is none */
    uint32_t count, cap;
};

void place_counts_init(struct place_counts *c, const struct hash_key *key);
void place_counts_free(struct place_counts *c);

/* Adds a device's events to any counts. by: 1, or -1 to take them out. */
void place_counts_add_events(struct place_counts *c, const struct fleet *f, struct row r, int by);

/* Takes a device as its row says into its product's counts, or out of them: out before it changes, in
 * again after it has. _device: product, place, disabled, online, faulty, alert, activated. _events: product,
 * place, disabled, events. */
void place_counts_device(struct fleet *f, struct row r, int by);
void place_counts_events(struct fleet *f, struct row r, int by);

#endif
