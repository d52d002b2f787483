#include "fleet/packed_set.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>

#include "fleet/fleet_internal.h"

enum {
    NO_RUNS = 12346,
    HAS_RUNS = 12347 /* cookies */,
    ARRAY_LARGEST = 4096,
    OFFSETS_FROM = 4, /* containers, beside runs */
    BITS_SIZE = 8192
};

char *packed_set_of(const roaring_bitmap_t *bitmap)
{
    char *set = malloc(roaring_bitmap_portable_size_in_bytes(bitmap));

    if (!set)
        fleet_out_of_memory();
    roaring_bitmap_portable_serialize(bitmap, set);
    return set;
}

/* --- its containers -------------------------------------------------------------------------- */

static uint32_t u32_at(const char *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof(v));
    return v;
}

struct packed_set_reader packed_set_reader(const char *set)
{
    struct packed_set_reader r = { 0 };
    uint32_t cookie = u32_at(set);

    if ((cookie & 0xffff) == HAS_RUNS) {
        r.count = (cookie >> 16) + 1;
        r.has_runs = set + 4;
        r.keys = r.has_runs + (r.count + 7) / 8;
    } else {
        assert(cookie == NO_RUNS);
        r.count = u32_at(set + 4);
        r.keys = set + 8;
    }
    r.now.at = r.keys + (size_t)r.count * (r.has_runs && r.count < OFFSETS_FROM ? 4 : 8);
    return r;
}

static uint32_t chunk_of(const struct packed_set_reader *r, uint32_t i)
{
    return packed_u16(r->keys, 2 * i);
}

static uint32_t members_of(const struct packed_set_reader *r, uint32_t i)
{
    return packed_u16(r->keys, 2 * i + 1) + 1u;
}

bool packed_set_reader_next(struct packed_set_reader *r)
{
    static const size_t unit[] = { [PACKED_ARRAY] = 2, [PACKED_RUNS] = 4 };
    struct packed_container *c = &r->now;
    uint32_t i = r->read;

    c->at += c->kind == PACKED_BITS ? BITS_SIZE : c->count * unit[c->kind];
    c->kind = PACKED_NONE;
    if (i == r->count)
        return false;
    r->read++;
    c->chunk = chunk_of(r, i);
    c->count = members_of(r, i);
    c->kind = c->count <= ARRAY_LARGEST ? PACKED_ARRAY : PACKED_BITS;
    if (r->has_runs && r->has_runs[i / 8] >> i % 8 & 1) {
        c->kind = PACKED_RUNS;
        c->count = packed_u16(c->at, 0);
        c->at += 2;
    }
    return true;
}

uint32_t packed_set_reader_chunks(const struct packed_set_reader *r)
{
    return r->count ? chunk_of(r, r->count - 1) + 1 : 0;
}

/* --- questions ------------------------------------------------------------------------------- */

size_t packed_set_size(const char *set)
{
    struct packed_set_reader r = packed_set_reader(set);

    while (packed_set_reader_next(&r))
        ;
    return (size_t)(r.now.at - set);
}

uint64_t packed_set_count(const char *set)
{
    struct packed_set_reader r = packed_set_reader(set);
    uint64_t count = 0;

    for (uint32_t i = 0; i < r.count; i++)
        count += members_of(&r, i);
    return count;
}

/* How many of the container's numbers, or firsts of its runs, are not above low. */
static uint32_t not_above(const struct packed_container *c, uint32_t low)
{
    size_t step = c->kind == PACKED_RUNS ? 2 : 1;
    uint32_t from = 0, until = c->count;

    while (from < until) {
        uint32_t middle = from + (until - from) / 2;
        if (packed_u16(c->at, middle * step) <= low)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

static bool container_has(const struct packed_container *c, uint32_t low)
{
    if (c->kind == PACKED_BITS)
        return c->at[low / 8] >> low % 8 & 1;
    uint32_t i = not_above(c, low);
    if (!i--)
        return false;
    if (c->kind == PACKED_ARRAY)
        return packed_u16(c->at, i) == low;
    return low - packed_u16(c->at, 2 * (size_t)i) <= packed_u16(c->at, 2 * (size_t)i + 1);
}

/* Goes to the container of a number. */
static bool go_to(struct packed_set_reader *r, uint32_t no)
{
    while (packed_set_reader_next(r) && r->now.chunk < no >> 16)
        ;
    return r->now.kind && r->now.chunk == no >> 16;
}

bool packed_set_has(const char *set, uint32_t no)
{
    struct packed_set_reader r = packed_set_reader(set);
    return go_to(&r, no) && container_has(&r.now, no & 0xffff);
}

bool packed_set_remove(char *set, uint32_t no)
{
    struct packed_set_reader r = packed_set_reader(set);
    uint32_t low = no & 0xffff;

    if (!go_to(&r, no) || r.now.kind != PACKED_BITS || r.now.count == ARRAY_LARGEST + 1)
        return false;
    assert(container_has(&r.now, low));
    uint16_t left = (uint16_t)(r.now.count - 2); /* the format has the number of members - 1 */
    memcpy(set + (r.keys - set) + (2 * r.read - 1) * sizeof(left), &left, sizeof(left));
    set[r.now.at - set + low / 8] &= (char)~(1 << low % 8);
    return true;
}
