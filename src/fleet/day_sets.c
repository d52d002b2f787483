#include "fleet/day_sets.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "fleet/fleet_internal.h"
#include "fleet/packed_set.h"

roaring_bitmap_t *day_set_unfold(struct day_set *s)
{
    if (!s->folded)
        return s->devices;
    if (!(s->devices = roaring_bitmap_portable_deserialize(s->folded)))
        fleet_out_of_memory();
    free(s->folded);
    s->folded = NULL;
    return s->devices;
}

void day_set_fold(struct day_set *s)
{
    if (s->folded)
        return;
    roaring_bitmap_run_optimize(s->devices);
    s->folded = packed_set_of(s->devices);
    roaring_bitmap_free(s->devices);
    s->devices = NULL;
}

uint64_t day_set_count(const struct day_set *s)
{
    return s->folded ? packed_set_count(s->folded) : roaring_bitmap_get_cardinality(s->devices);
}

bool day_set_has(const struct day_set *s, uint32_t device)
{
    return s->folded ? packed_set_has(s->folded, device) : roaring_bitmap_contains(s->devices, device);
}

bool day_set_remove(struct day_set *s, uint32_t device)
{
    if (!day_set_has(s, device))
        return false;
    if (!s->folded || !packed_set_remove(s->folded, device))
        roaring_bitmap_remove(day_set_unfold(s), device);
    return true;
}

void day_set_add(const struct day_set *s, struct plain_bits *to)
{
    if (s->folded)
        plain_bits_add_packed(to, s->folded);
    else
        plain_bits_add(to, s->devices);
}

uint64_t day_set_count_in(const struct day_set *s, const struct plain_bits *in)
{
    return s->folded ? plain_bits_count_in_packed(in, s->folded) : plain_bits_count_in(in, s->devices);
}

static void day_set_free(struct day_set *s)
{
    if (s->devices)
        roaring_bitmap_free(s->devices);
    free(s->folded);
}

void day_sets_free(struct day_sets *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        day_set_free(&s->at[i]);
    free(s->at);
    *s = (struct day_sets){ 0 };
}

uint32_t day_sets_lower_bound(const struct day_sets *s, int32_t day)
{
    uint32_t low = 0, high = s->count;

    if (high && s->at[high - 1].day < day) /* nearly always: today */
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->at[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct day_set *day_sets_find(const struct day_sets *s, int32_t day)
{
    uint32_t at = day_sets_lower_bound(s, day);
    return at < s->count && s->at[at].day == day ? &s->at[at] : NULL;
}

struct day_set *day_sets_require(struct day_sets *s, int32_t day)
{
    uint32_t at = day_sets_lower_bound(s, day);

    if (at < s->count && s->at[at].day == day)
        return &s->at[at];
    if (!ARRAY_RESERVE(s->at, s->cap, s->count + 1))
        return NULL;
    roaring_bitmap_t *devices = roaring_bitmap_create();
    if (!devices)
        return NULL;
    memmove(&s->at[at + 1], &s->at[at], (s->count - at) * sizeof(*s->at));
    s->count++;
    s->at[at] = (struct day_set){ .day = day, .devices = devices };
    assert((at == 0 || s->at[at - 1].day < day) && (at + 1 == s->count || day < s->at[at + 1].day));
    return &s->at[at];
}

void day_sets_remove(struct day_sets *s, int32_t day)
{
    uint32_t at = day_sets_lower_bound(s, day);

    if (at == s->count || s->at[at].day != day)
        return;
    day_set_free(&s->at[at]);
    s->count--;
    memmove(&s->at[at], &s->at[at + 1], (s->count - at) * sizeof(*s->at));
}

void day_sets_add(const struct day_sets *s, int32_t first, int32_t last, struct plain_bits *to)
{
    for (uint32_t at = day_sets_lower_bound(s, first); at < s->count && s->at[at].day <= last; at++)
        day_set_add(&s->at[at], to);
}
