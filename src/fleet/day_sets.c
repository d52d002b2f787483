#include "fleet/day_sets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void day_sets_free(struct day_sets *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        roaring_bitmap_free(s->at[i].devices);
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
    roaring_bitmap_free(s->at[at].devices);
    s->count--;
    memmove(&s->at[at], &s->at[at + 1], (s->count - at) * sizeof(*s->at));
}

void day_sets_add(const struct day_sets *s, int32_t first, int32_t last, struct plain_bits *to)
{
    for (uint32_t at = day_sets_lower_bound(s, first); at < s->count && s->at[at].day <= last; at++)
        plain_bits_add(to, s->at[at].devices);
}
