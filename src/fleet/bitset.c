#include "fleet/bitset.h"

#include <stdlib.h>
#include <string.h>

/* CRoaring's functions do not go from its bitmaps to plain bits, so its containers are read as its headers
 * declare them: bits, a sorted array or runs of 65,536 numbers each. */

static const void *container_of(const roaring_bitmap_t *r, int32_t i, uint8_t *type)
{
    *type = r->high_low_container.typecodes[i];
    return container_unwrap_shared(r->high_low_container.containers[i], type);
}

static uint64_t *chunk_of(const struct bitset *b, uint32_t chunk)
{
    return b->words + (size_t)chunk * BITSET_CHUNK_WORDS;
}

/* --- loops over words ------------------------------------------------------------------------ */

BITSET_LOOP static void add_words(uint64_t *to, const uint64_t *words)
{
    for (int i = 0; i < BITSET_CHUNK_WORDS; i++)
        to[i] |= words[i];
}

BITSET_LOOP static void keep_words(uint64_t *of, const uint64_t *words)
{
    for (int i = 0; i < BITSET_CHUNK_WORDS; i++)
        of[i] &= words[i];
}

BITSET_LOOP static void drop_words(uint64_t *of, const uint64_t *words)
{
    for (int i = 0; i < BITSET_CHUNK_WORDS; i++)
        of[i] &= ~words[i];
}

BITSET_LOOP static uint64_t count_words(const uint64_t *a, const uint64_t *b)
{
    uint64_t count = 0;

    for (int i = 0; i < BITSET_CHUNK_WORDS; i++)
        count += (uint64_t)__builtin_popcountll(a[i] & b[i]);
    return count;
}

/* The bits of a word that are in a range of numbers; the range begins in it or before, and ends in it or
 * behind. */
static uint64_t mask(uint32_t word, uint32_t first, uint32_t last)
{
    uint64_t from = first >> 6 < word ? UINT64_MAX : UINT64_MAX << (first & 63);
    uint64_t to = last >> 6 > word ? UINT64_MAX : UINT64_MAX >> (63 - (last & 63));

    return from & to;
}

/* --- one container --------------------------------------------------------------------------- */

static void add_container(uint64_t *words, const void *container, uint8_t type)
{
    if (type == BITSET_CONTAINER_TYPE_CODE) {
        add_words(words, ((const bitset_container_t *)container)->array);
    } else if (type == ARRAY_CONTAINER_TYPE_CODE) {
        const array_container_t *c = container;
        for (int32_t i = 0; i < c->cardinality; i++)
            words[c->array[i] >> 6] |= UINT64_C(1) << (c->array[i] & 63);
    } else {
        const run_container_t *c = container;
        for (int32_t i = 0; i < c->n_runs; i++) {
            uint32_t first = c->runs[i].value, last = first + c->runs[i].length;
            for (uint32_t w = first >> 6; w <= last >> 6; w++)
                words[w] |= mask(w, first, last);
        }
    }
}

/* The container as bits: its own, or room that is filled. */
static const uint64_t *words_of(const void *container, uint8_t type, uint64_t room[BITSET_CHUNK_WORDS])
{
    if (type == BITSET_CONTAINER_TYPE_CODE)
        return ((const bitset_container_t *)container)->array;
    memset(room, 0, BITSET_CHUNK_WORDS * sizeof(*room));
    add_container(room, container, type);
    return room;
}

static uint64_t count_container(const uint64_t *words, const void *container, uint8_t type)
{
    uint64_t count = 0;

    if (type == BITSET_CONTAINER_TYPE_CODE)
        return count_words(words, ((const bitset_container_t *)container)->array);
    if (type == ARRAY_CONTAINER_TYPE_CODE) {
        const array_container_t *c = container;
        for (int32_t i = 0; i < c->cardinality; i++)
            count += words[c->array[i] >> 6] >> (c->array[i] & 63) & 1;
        return count;
    }
    const run_container_t *c = container;
    for (int32_t i = 0; i < c->n_runs; i++) {
        uint32_t first = c->runs[i].value, last = first + c->runs[i].length;
        for (uint32_t w = first >> 6; w <= last >> 6; w++)
            count += (uint64_t)__builtin_popcountll(words[w] & mask(w, first, last));
    }
    return count;
}

/* --- sets ------------------------------------------------------------------------------------ */

bool bitset_reserve(struct bitset *b, uint32_t chunks)
{
    if (chunks <= b->chunks)
        return true;
    uint64_t *words = realloc(b->words, (size_t)chunks * BITSET_CHUNK_WORDS * sizeof(*words));
    if (!words)
        return false;
    b->words = words;
    memset(chunk_of(b, b->chunks), 0, (size_t)(chunks - b->chunks) * BITSET_CHUNK_WORDS * sizeof(*words));
    b->chunks = chunks;
    return true;
}

bool bitset_add(struct bitset *b, const roaring_bitmap_t *r)
{
    const roaring_array_t *all = &r->high_low_container;

    if (all->size && !bitset_reserve(b, all->keys[all->size - 1] + 1u))
        return false;
    for (int32_t i = 0; i < all->size; i++) {
        uint8_t type;
        const void *container = container_of(r, i, &type);
        add_container(chunk_of(b, all->keys[i]), container, type);
    }
    return true;
}

bool bitset_of(const roaring_bitmap_t *r, struct bitset *out)
{
    *out = (struct bitset){ 0 };
    return bitset_add(out, r);
}

void bitset_free(struct bitset *b)
{
    free(b->words);
    *b = (struct bitset){ 0 };
}

void bitset_keep(struct bitset *b, const struct bitset *other)
{
    if (b->chunks > other->chunks)
        b->chunks = other->chunks;
    for (uint32_t chunk = 0; chunk < b->chunks; chunk++)
        keep_words(chunk_of(b, chunk), chunk_of(other, chunk));
}

void bitset_keep_in(struct bitset *b, const roaring_bitmap_t *r)
{
    static const uint64_t nothing[BITSET_CHUNK_WORDS];
    const roaring_array_t *all = &r->high_low_container;
    uint64_t room[BITSET_CHUNK_WORDS];
    int32_t i = 0;

    for (uint32_t chunk = 0; chunk < b->chunks; chunk++) {
        const uint64_t *words = nothing;
        while (i < all->size && all->keys[i] < chunk)
            i++;
        if (i < all->size && all->keys[i] == chunk) {
            uint8_t type;
            const void *container = container_of(r, i, &type);
            words = words_of(container, type, room);
        }
        keep_words(chunk_of(b, chunk), words);
    }
}

void bitset_drop(struct bitset *b, const roaring_bitmap_t *r)
{
    const roaring_array_t *all = &r->high_low_container;
    uint64_t room[BITSET_CHUNK_WORDS];

    for (int32_t i = 0; i < all->size && all->keys[i] < b->chunks; i++) {
        uint8_t type;
        const void *container = container_of(r, i, &type);
        drop_words(chunk_of(b, all->keys[i]), words_of(container, type, room));
    }
}

uint64_t bitset_count(const struct bitset *b)
{
    return bitset_count_both(b, b);
}

uint64_t bitset_count_both(const struct bitset *a, const struct bitset *b)
{
    uint64_t count = 0;

    for (uint32_t chunk = 0; chunk < a->chunks && chunk < b->chunks; chunk++)
        count += count_words(chunk_of(a, chunk), chunk_of(b, chunk));
    return count;
}

uint64_t bitset_count_in(const struct bitset *b, const roaring_bitmap_t *r)
{
    const roaring_array_t *all = &r->high_low_container;
    uint64_t count = 0;

    for (int32_t i = 0; i < all->size && all->keys[i] < b->chunks; i++) {
        uint8_t type;
        const void *container = container_of(r, i, &type);
        count += count_container(chunk_of(b, all->keys[i]), container, type);
    }
    return count;
}

void bitset_list(const struct bitset *b, uint32_t *out)
{
    for (size_t i = 0; i < (size_t)b->chunks * BITSET_CHUNK_WORDS; i++) {
        for (uint64_t word = b->words[i]; word; word &= word - 1)
            *out++ = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
    }
}
