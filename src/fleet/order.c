#include "fleet/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* An insertion moves half of the list on average (16 KiB, a third of a microsecond). A merge moves the whole array (4
 * MB for a million devices, a millisecond). */
enum { RECENT_MAX = 4096 };

int order_compare(const struct columns *cols, uint32_t a, uint32_t b)
{
    const struct device_chunk *ca = cols->chunks[a >> CHUNK_BITS], *cb = cols->chunks[b >> CHUNK_BITS];
    uint32_t ia = a & (CHUNK_ROWS - 1), ib = b & (CHUNK_ROWS - 1);

    if (ca->created_at[ia] != cb->created_at[ib])
        return ca->created_at[ia] < cb->created_at[ib] ? -1 : 1;
    int dids = memcmp(ca->did[ia], cb->did[ib], DID_PACKED);
    if (dids)
        return -dids;
    return a < b ? -1 : a > b; /* the same device was imported again and its old number is not deleted yet */
}

/* How many entries of the array come before no. Holes beside that place may or may not be counted. */
static uint32_t find_sorted(const struct order *o, const struct columns *cols, uint32_t no)
{
    uint32_t low = 0, high = o->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2, at = middle;
        while (at < high && !o->sorted[at])
            at++;
        if (at < high && order_compare(cols, o->sorted[at], no) < 0)
            low = at + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t find_recent(const struct order *o, const struct columns *cols, uint32_t no)
{
    uint32_t low = 0, high = o->recent_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (order_compare(cols, o->recent[middle].no, no) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void close_holes(struct order *o)
{
    uint32_t to = 0, recent = 0;

    if (!o->holes)
        return;
    for (uint32_t from = 0; from <= o->count; from++) {
        while (recent < o->recent_count && o->recent[recent].before == from)
            o->recent[recent++].before = to;
        if (from < o->count && o->sorted[from])
            o->sorted[to++] = o->sorted[from];
    }
    assert(recent == o->recent_count && to + o->holes == o->count);
    o->count = to;
    o->holes = 0;
}

/* The array has room for the whole list. From the end on, each run between two entries of the list moves up by as many
 * places as there are list entries before it. */
static void merge(struct order *o)
{
    close_holes(o);
    assert(o->count + o->recent_count <= o->cap);
    uint32_t end = o->count;
    o->count += o->recent_count;
    for (uint32_t i = o->recent_count; i-- > 0;) {
        uint32_t at = o->recent[i].before;
        assert(at <= end); /* the places ascend */
        memmove(o->sorted + at + i + 1, o->sorted + at, (end - at) * sizeof(*o->sorted));
        o->sorted[at + i] = o->recent[i].no;
        end = at;
    }
    o->recent_count = 0;
}

enum mu_err order_reserve(struct order *o)
{
    if ((o->recent_count < RECENT_MAX && !ARRAY_RESERVE(o->recent, o->recent_cap, o->recent_count + 1)) ||
        !ARRAY_RESERVE(o->sorted, o->cap, (size_t)o->count + o->recent_count + 1))
        return MU_E_NOMEM;
    return MU_OK;
}

static bool is_newest(const struct order *o, const struct columns *cols, uint32_t no)
{
    uint32_t last = o->count;

    while (last && !o->sorted[last - 1])
        last--;
    return (!last || order_compare(cols, o->sorted[last - 1], no) < 0) &&
           (!o->recent_count || order_compare(cols, o->recent[o->recent_count - 1].no, no) < 0);
}

void order_add(struct order *o, const struct columns *cols, uint32_t no)
{
    assert(o->recent && o->count + o->recent_count < o->cap);
    if (is_newest(o, cols, no)) {
        o->sorted[o->count++] = no;
        return;
    }
    if (o->recent_count == RECENT_MAX || o->holes > 64 + o->count / 8)
        merge(o);
    uint32_t at = find_recent(o, cols, no);
    memmove(o->recent + at + 1, o->recent + at, (o->recent_count - at) * sizeof(*o->recent));
    o->recent_count++;

    /* Among holes any place is right, but the places in the list must ascend. */
    uint32_t before = find_sorted(o, cols, no);
    if (at && before < o->recent[at - 1].before)
        before = o->recent[at - 1].before;
    if (at + 1 < o->recent_count && before > o->recent[at + 1].before)
        before = o->recent[at + 1].before;
    o->recent[at] = (struct order_recent){ no, before };
}

void order_remove(struct order *o, const struct columns *cols, uint32_t no)
{
    uint32_t at = find_sorted(o, cols, no);

    while (at < o->count && !o->sorted[at])
        at++;
    if (at < o->count && o->sorted[at] == no) {
        o->sorted[at] = 0;
        o->holes++;
        if (o->holes > 64 + o->count / 8)
            merge(o);
        return;
    }
    at = find_recent(o, cols, no);
    assert(at < o->recent_count && o->recent[at].no == no);
    o->recent_count--;
    memmove(o->recent + at, o->recent + at + 1, (o->recent_count - at) * sizeof(*o->recent));
}

void order_free(struct order *o)
{
    free(o->sorted);
    free(o->recent);
    *o = (struct order){ 0 };
}
