#ifndef MUSTER_FLEET_DAY_SETS_H
#define MUSTER_FLEET_DAY_SETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "base/err.h"
#include "fleet/plain_bits.h"

/* Sets of devices by civil day: the devices that were active, or that were activated. A day of which nothing is known
 * has no set. A set takes a bit for each of the devices, and less where nearly all or nearly none are in it. All zero
 * is empty. Not thread-safe. */
struct day_set {
    int32_t day;
    bool loose;   /* the journal has single entries of this day, or its set has deleted devices: retention.h */
    bool pending; /* the day is being written as a set, or forgotten */
    /* One of the two is NULL. A day of activity that is over is folded: the reports read that without a copy. */
    roaring_bitmap_t *devices;
    char *folded; /* packed_set.h */
};

/* The devices as a bitmap, to change them; the set is no longer folded. If memory runs out in this or in
 * day_set_fold, the program ends. */
roaring_bitmap_t *day_set_unfold(struct day_set *s);
void day_set_fold(struct day_set *s);
uint64_t day_set_count(const struct day_set *s);
bool day_set_has(const struct day_set *s, uint32_t device);
/* Removes a device; false: it is not in the set. */
bool day_set_remove(struct day_set *s, uint32_t device);
/* Adds the devices to other ones. */
void day_set_add(const struct day_set *s, struct plain_bits *to);
/* How many of the devices are in another set. */
uint64_t day_set_count_in(const struct day_set *s, const struct plain_bits *in);

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
