#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/plain_bits.h"
#include "fleet/fleet_internal.h"

/* A search intersects sets. Its total is the number of devices that are left. Its page is found in one of two ways. If
 * a good part of the product matches, the product's order is walked, and each device is tested against the plain bits
 * of the result. A whole walk over a million devices takes a millisecond or two, a first page far less. If few match,
 * they are listed and sorted.
 *
 * If one of the sets is small, the roaring bitmaps are intersected: they look at little else. If all are large, plain
 * bits are intersected (plain_bits.h). */

/* Below this share of the product, or below this number, sorting is cheaper: a thousand devices sort in 0.1 ms. */
enum { FEW_SHARE = 256, FEW = 512 };
/* Up to this many bits of a word are looked at one by one: comparing all 64 takes as long as looking at twelve. */
enum { FEW_BITS = 12 };

/* --- what matches, by bitmaps ---------------------------------------------------------------- */

enum { OPERANDS = 12 };

struct operands {
    const roaring_bitmap_t *with[OPERANDS], *without[3];
    roaring_bitmap_t *owned[OPERANDS];
    size_t with_count, without_count, owned_count;
};

static void with(struct operands *ops, const roaring_bitmap_t *bitmap)
{
    assert(ops->with_count < OPERANDS && bitmap);
    ops->with[ops->with_count++] = bitmap;
}

static void with_owned(struct operands *ops, roaring_bitmap_t *bitmap)
{
    with(ops, ops->owned[ops->owned_count++] = bitmap);
}

static void with_tri(struct operands *ops, const roaring_bitmap_t *bitmap, enum fleet_tri tri)
{
    if (tri == FLEET_YES)
        with(ops, bitmap);
    else if (tri == FLEET_NO)
        ops->without[ops->without_count++] = bitmap;
}

static roaring_bitmap_t *of_mac(const struct fleet *f, uint32_t product, struct str mac)
{
    roaring_bitmap_t *found = roaring_bitmap_create();
    struct index_probe probe = index_probe(&f->by_mac, fleet_device_hash_mac(f, product, mac));
    uint32_t no;

    while ((no = index_next(&probe))) {
        if (fleet_device_has_mac(f, no, product, mac))
            roaring_bitmap_add(found, no);
    }
    return found;
}

static roaring_bitmap_t *of_did(const struct fleet *f, struct str did)
{
    roaring_bitmap_t *found = roaring_bitmap_create();
    uint32_t no = fleet_device_find(f, did);

    if (no)
        roaring_bitmap_add(found, no);
    return found;
}

/* The narrow sets come first, so that the first intersection leaves little for the others. */
static void collect(struct fleet *f, const struct fleet_filter *filter, struct operands *ops)
{
    const struct product *p = (const struct product *)filter->product;
    const roaring_bitmap_t *in;
    bool owned;

    if (filter->did.at)
        with_owned(ops, of_did(f, filter->did));
    if (filter->mac.at)
        with_owned(ops, of_mac(f, p->pub.no, filter->mac));
    if (filter->only)
        with_owned(ops, roaring_bitmap_of_ptr(filter->only_count, filter->only));
    if (filter->group && (in = fleet_group_subtree(f, filter->group)))
        with(ops, in);
    else if (filter->group)
        with_owned(ops, roaring_bitmap_create());
    with_tri(ops, p->alert, filter->alert);
    with_tri(ops, p->faulty, filter->faulty);
    if (filter->country.at || filter->region.at || filter->city.at) {
        in = places_match(&f->places, filter->country, filter->region, filter->city, &owned);
        if (owned)
            with_owned(ops, (roaring_bitmap_t *)in);
        else
            with(ops, in);
    }
    with_tri(ops, p->online, filter->online);
    with(ops, filter->show_disabled ? p->all : p->enabled);
}

static void release(struct operands *ops)
{
    for (size_t i = 0; i < ops->owned_count; i++)
        roaring_bitmap_free(ops->owned[i]);
}

static uint64_t smallest(const struct operands *ops)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < ops->with_count; i++) {
        uint64_t count = roaring_bitmap_get_cardinality(ops->with[i]);
        least = count < least ? count : least;
    }
    return least;
}

/* The caller frees the result. */
static roaring_bitmap_t *intersect(const struct operands *ops)
{
    assert(ops->with_count); /* collect ends with all or enabled */
    roaring_bitmap_t *r =
        ops->with_count == 1 ? roaring_bitmap_copy(ops->with[0]) : roaring_bitmap_and(ops->with[0], ops->with[1]);

    for (size_t i = 2; i < ops->with_count; i++)
        roaring_bitmap_and_inplace(r, ops->with[i]);
    for (size_t i = 0; i < ops->without_count; i++)
        roaring_bitmap_andnot_inplace(r, ops->without[i]);
    return r;
}

static struct plain_bits intersect_bits(const struct operands *ops)
{
    size_t last =
        ops->with_count - 1; /* the widest: most often it is all bits, which plain_bits_of takes as they are */
    struct plain_bits bits = plain_bits_of(ops->with[last]);

    for (size_t i = 0; i < last; i++)
        plain_bits_keep_in(&bits, ops->with[i]);
    for (size_t i = 0; i < ops->without_count; i++)
        plain_bits_drop(&bits, ops->without[i]);
    return bits;
}

struct plain_bits fleet_search_match(struct fleet *f, const struct fleet_filter *filter)
{
    struct operands ops = { 0 };

    collect(f, filter, &ops);
    struct plain_bits bits = intersect_bits(&ops);
    release(&ops);
    return bits;
}

/* --- a page of few --------------------------------------------------------------------------- */

static bool active(const struct fleet *f, uint32_t no, uint32_t since)
{
    return f->columns.chunks[no >> CHUNK_BITS]->last_report[no & (CHUNK_ROWS - 1)] >= since;
}

static int newest_first(const void *a, const void *b, void *columns)
{
    return -order_compare(columns, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* The page that is asked for. */
struct search_page {
    struct fleet *f;
    const struct order *order;
    uint32_t since; /* of the last report, Unix seconds; 0 = any */
    uint64_t skip, limit;
    struct fleet_device *rows;
};

static void take(const struct search_page *p, uint32_t no, size_t at)
{
    fleet_device_read(p->f, no, columns_row(&p->f->columns, no), &p->rows[at]);
}

/* Sorts a list and copies the devices of its page. */
static size_t page_of_list(const struct search_page *p, uint32_t *list, uint64_t total)
{
    size_t n = 0;

    if (p->skip >= total || !p->limit)
        return 0;
    qsort_r(list, total, sizeof(*list), newest_first, &p->f->columns);
    for (uint64_t i = p->skip; i < total && n < p->limit; i++)
        take(p, list[i], n++);
    return n;
}

static size_t page_of_few(const struct search_page *p, const struct operands *ops, uint64_t *total)
{
    roaring_bitmap_t *result = intersect(ops);
    uint64_t count = roaring_bitmap_get_cardinality(result), kept = 0;
    uint32_t *list = malloc((count ? count : 1) * sizeof(*list));

    if (!list)
        fleet_out_of_memory();
    roaring_bitmap_to_uint32_array(result, list);
    for (uint64_t i = 0; i < count; i++) {
        if (active(p->f, list[i], p->since))
            list[kept++] = list[i];
    }
    *total = kept;
    size_t n = page_of_list(p, list, kept);
    free(list);
    roaring_bitmap_free(result);
    return n;
}

/* --- a page of many -------------------------------------------------------------------------- */

/* A bit for each of 64 devices: it has reported at `since` or later. Bytes come first, since a compiler makes sixteen
 * of them at a time. Then one multiplication turns the lowest bits of eight bytes into one byte. */
static uint64_t active_mask(const uint32_t reported[64], uint32_t since)
{
    uint8_t is[64];
    uint64_t mask = 0;

    for (int i = 0; i < 64; i++)
        is[i] = reported[i] >= since;
    for (int i = 0; i < 8; i++) {
        uint64_t bytes = 0;
        for (int k = 0; k < 8; k++)
            bytes |= (uint64_t)is[i * 8 + k] << k * 8; /* one load instruction */
        mask |= (bytes * UINT64_C(0x0102040810204080)) >> 56 << i * 8;
    }
    return mask;
}

/* The same for a word with few bits: only the devices of its bits are looked at. */
static uint64_t active_bits(const uint32_t reported[64], uint64_t word, uint32_t since)
{
    uint64_t left = 0;

    for (; word; word &= word - 1) {
        int i = __builtin_ctzll(word);
        left |= (uint64_t)(reported[i] >= since) << i;
    }
    return left;
}

/* Clears the bits of devices that have not reported at `since` or later. */
static void keep_active(const struct fleet *f, struct plain_bits *set, uint32_t since)
{
    for (uint32_t chunk = 0; chunk < set->chunks; chunk++) {
        uint64_t *words = set->words + (size_t)chunk * PLAIN_BITS_WORDS;
        for (uint32_t w = 0; w < PLAIN_BITS_WORDS; w++) {
            if (!words[w])
                continue;
            const uint32_t *reported = &f->columns.chunks[chunk]->last_report[w * 64];
            words[w] = __builtin_popcountll(words[w]) <= FEW_BITS ? active_bits(reported, words[w], since)
                                                                  : words[w] & active_mask(reported, since);
        }
    }
}

static size_t walk(const struct search_page *p, const struct plain_bits *set)
{
    struct order_walk w = order_walk(p->order);
    uint64_t skip = p->skip;
    size_t n = 0;
    uint32_t no;

    while (n < p->limit && (no = order_next(&w))) {
        if (!plain_bits_has(set, no))
            continue;
        if (skip)
            skip--;
        else
            take(p, no, n++);
    }
    return n;
}

static bool is_few(const struct order *order, uint64_t count)
{
    return count <= FEW || count <= order_count(order) / FEW_SHARE;
}

static size_t page_of_many(const struct search_page *p, const struct operands *ops, uint64_t *total)
{
    struct plain_bits set = intersect_bits(ops);
    size_t n = 0;

    if (p->since)
        keep_active(p->f, &set, p->since);
    *total = plain_bits_count(&set);
    if (p->skip >= *total || !p->limit)
        goto out;
    if (is_few(p->order, *total)) {
        uint32_t *list = malloc(*total * sizeof(*list));
        if (!list)
            fleet_out_of_memory();
        plain_bits_list(&set, list);
        n = page_of_list(p, list, *total);
        free(list);
    } else {
        n = walk(p, &set);
    }
out:
    plain_bits_free(&set);
    return n;
}

size_t fleet_search(struct fleet *f, const struct fleet_filter *filter, uint64_t skip, uint64_t limit,
                    struct fleet_device *rows, uint64_t *total)
{
    const struct search_page page = { .f = f,
                                      .order = &((const struct product *)filter->product)->order,
                                      .since = columns_seconds(filter->active_since),
                                      .skip = skip,
                                      .limit = limit,
                                      .rows = rows };
    struct operands ops = { 0 };
    size_t n;

    fleet_read_lock(f);
    collect(f, filter, &ops);
    if (is_few(page.order, smallest(&ops)))
        n = page_of_few(&page, &ops, total);
    else
        n = page_of_many(&page, &ops, total);
    fleet_unlock(f);
    release(&ops);
    return n;
}
