#ifndef MUSTER_FLEET_DAY_SETS_H
#define MUSTER_FLEET_DAY_SETS_H

#include <roaring/roaring.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "fleet/plain_bits.h"

/* Sets of devices by civil day: the devices that were active, or that were activated. A day of which nothing is known
 * has no set. A set takes a bit for each of the devices, and less where nearly all or nearly none are in it. All zero
 * is empty. Not thread-safe. */
struct day_set {
    int32_t day;
    bool loose;   /* the journal has single entries of this day, or its set has deleted devices: retention.h */
    bool pending; /* the day is being written as a set, or forgotten */
    roaring_bitmap_t *devices;
};

struct day_sets {
    struct day_set *at; /* sorted by day */
    uint32_t count, cap;
};

void day_sets_free(struct day_sets *s);
/* The set of a day, added if there is none; NULL: out of memory. The pointer is valid until the next change. */
struct day_set *day_sets_require(struct day_sets *s, int32_t day);
/* NULL if there is none. */
const struct day_set *day_sets_find(const struct day_sets *s, int32_t day);
void day_sets_remove(struct day_sets *s, int32_t day);

/* The index of the first set of that day or of a later day; count if there is none. */
uint32_t day_sets_lower_bound(const struct day_sets *s, int32_t day);
/* Adds all devices of a range of days to a set; both ends are included. */
void day_sets_add(const struct day_sets *s, int32_t first, int32_t last, struct plain_bits *to);

#endif
