#include "fleet/plain_bits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"
#include "fleet/packed_set.h"

#define CHUNK_SIZE (PLAIN_BITS_WORDS * sizeof(uint64_t))

static uint64_t *chunk_of(const struct plain_bits *b, uint32_t chunk)
{
    return b->words + (size_t)chunk * PLAIN_BITS_WORDS;
}

/* --- loops over words ------------------------------------------------------------------------ */

static uint64_t word_at(const char *words, int i)
{
    uint64_t v;
    memcpy(&v, words + (size_t)i * sizeof(v), sizeof(v));
    return v;
}

PLAIN_BITS_LOOP static void add_words(uint64_t *to, const char *words)
{
    for (int i = 0; i < PLAIN_BITS_WORDS; i++)
        to[i] |= word_at(words, i);
}

PLAIN_BITS_LOOP static void keep_words(uint64_t *of, const char *words)
{
    for (int i = 0; i < PLAIN_BITS_WORDS; i++)
        of[i] &= word_at(words, i);
}

PLAIN_BITS_LOOP static void drop_words(uint64_t *of, const char *words)
{
    for (int i = 0; i < PLAIN_BITS_WORDS; i++)
        of[i] &= ~word_at(words, i);
}

PLAIN_BITS_LOOP static uint64_t count_words(const uint64_t *a, const char *b)
{
    uint64_t count = 0;

    for (int i = 0; i < PLAIN_BITS_WORDS; i++)
        count += (uint64_t)__builtin_popcountll(a[i] & word_at(b, i));
    return count;
}

/* The bits of a word that lie in a range of numbers. The range begins in the word or before it, and ends in it or
 * behind. */
static uint64_t mask(uint32_t word, uint32_t first, uint32_t last)
{
    uint64_t from = first >> 6 < word ? UINT64_MAX : UINT64_MAX << (first & 63);
    uint64_t to = last >> 6 > word ? UINT64_MAX : UINT64_MAX >> (63 - (last & 63));

    return from & to;
}

/* --- one container --------------------------------------------------------------------------- */

static void add_container(uint64_t *words, const struct packed_container *c)
{
    if (c->kind == PACKED_BITS)
        add_words(words, c->at);
    for (uint32_t i = 0; c->kind == PACKED_ARRAY && i < c->count; i++)
        words[packed_u16(c->at, i) >> 6] |= UINT64_C(1) << (packed_u16(c->at, i) & 63);
    for (uint32_t i = 0; c->kind == PACKED_RUNS && i < c->count; i++) {
        uint32_t first = packed_u16(c->at, 2 * i), last = first + packed_u16(c->at, 2 * i + 1);
        for (uint32_t w = first >> 6; w <= last >> 6; w++)
            words[w] |= mask(w, first, last);
    }
}

/* The same, but overwrites words that are not cleared. */
static void put_container(uint64_t *words, const struct packed_container *c)
{
    assert(c->kind != PACKED_NONE);
    if (c->kind == PACKED_BITS) {
        memcpy(words, c->at, CHUNK_SIZE);
    } else {
        memset(words, 0, CHUNK_SIZE);
        add_container(words, c);
    }
}

/* The container as bits: its own bits, or room, which is filled. */
static const char *words_of(const struct packed_container *c, uint64_t room[PLAIN_BITS_WORDS])
{
    if (c->kind == PACKED_BITS)
        return c->at;
    put_container(room, c);
    return (const char *)room;
}

static uint64_t count_container(const uint64_t *words, const struct packed_container *c)
{
    uint64_t count = 0;

    if (c->kind == PACKED_BITS)
        return count_words(words, c->at);
    for (uint32_t i = 0; c->kind == PACKED_ARRAY && i < c->count; i++)
        count += words[packed_u16(c->at, i) >> 6] >> (packed_u16(c->at, i) & 63) & 1;
    for (uint32_t i = 0; c->kind == PACKED_RUNS && i < c->count; i++) {
        uint32_t first = packed_u16(c->at, 2 * i), last = first + packed_u16(c->at, 2 * i + 1);
        for (uint32_t w = first >> 6; w <= last >> 6; w++)
            count += (uint64_t)__builtin_popcountll(words[w] & mask(w, first, last));
    }
    return count;
}

/* --- sets ------------------------------------------------------------------------------------ */

static struct plain_bits bits_in(char *block, size_t offset, uint32_t chunks)
{
    assert(offset % sizeof(uint64_t) == 0);
    return (struct plain_bits){ (uint64_t *)(void *)(block + offset), chunks, block };
}

/* Makes room, which is not cleared. Returns the number of the first new chunk. */
static uint32_t grow(struct plain_bits *b, uint32_t chunks)
{
    uint32_t had = b->chunks;

    if (chunks <= had)
        return had;
    size_t offset = had ? (size_t)((char *)b->words - b->block) : 0;
    char *block = realloc(b->block, offset + chunks * CHUNK_SIZE);
    if (!block)
        fleet_out_of_memory();
    *b = bits_in(block, offset, chunks);
    return had;
}

void plain_bits_reserve(struct plain_bits *b, uint32_t chunks)
{
    uint32_t had = grow(b, chunks);

    if (had < b->chunks)
        memset(chunk_of(b, had), 0, (b->chunks - had) * CHUNK_SIZE);
}

void plain_bits_add_packed(struct plain_bits *b, const char *set)
{
    struct packed_set_reader r = packed_set_reader(set);
    uint32_t first = grow(b, packed_set_reader_chunks(&r));

    while (packed_set_reader_next(&r)) {
        for (; first < r.now.chunk; first++)
            memset(chunk_of(b, first), 0, CHUNK_SIZE);
        if (first == r.now.chunk)
            put_container(chunk_of(b, first++), &r.now);
        else
            add_container(chunk_of(b, r.now.chunk), &r.now);
    }
}

void plain_bits_add(struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    char *set = packed_set_of(bitmap);

    plain_bits_add_packed(b, set);
    free(set);
}

/* Whether the set has each of its chunks, from 0 on, as bits. Then its words stand one after the other. */
static bool is_all_bits(struct packed_set_reader r)
{
    uint32_t chunk = 0;

    while (packed_set_reader_next(&r))
        if (r.now.kind != PACKED_BITS || r.now.chunk != chunk++)
            return false;
    return chunk && !r.has_runs; /* behind the bits that tell of runs, words are not aligned */
}

struct plain_bits plain_bits_of(const roaring_bitmap_t *bitmap)
{
    struct plain_bits bits = { 0 };
    char *set = packed_set_of(bitmap);
    struct packed_set_reader r = packed_set_reader(set);

    if (is_all_bits(r))
        return bits_in(set, (size_t)(r.now.at - set), r.count);
    plain_bits_add_packed(&bits, set);
    free(set);
    return bits;
}

void plain_bits_free(struct plain_bits *b)
{
    free(b->block);
    *b = (struct plain_bits){ 0 };
}

void plain_bits_keep(struct plain_bits *b, const struct plain_bits *other)
{
    if (b->chunks > other->chunks)
        b->chunks = other->chunks;
    for (uint32_t chunk = 0; chunk < b->chunks; chunk++)
        keep_words(chunk_of(b, chunk), (const char *)chunk_of(other, chunk));
}

void plain_bits_keep_in(struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    uint64_t room[PLAIN_BITS_WORDS];
    uint32_t chunk = 0;
    char *set = packed_set_of(bitmap);
    struct packed_set_reader r = packed_set_reader(set);

    while (packed_set_reader_next(&r) && r.now.chunk < b->chunks) {
        while (chunk < r.now.chunk)
            memset(chunk_of(b, chunk++), 0, CHUNK_SIZE);
        keep_words(chunk_of(b, chunk++), words_of(&r.now, room));
    }
    b->chunks = chunk;
    free(set);
}

void plain_bits_drop(struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    uint64_t room[PLAIN_BITS_WORDS];
    char *set = packed_set_of(bitmap);
    struct packed_set_reader r = packed_set_reader(set);

    while (packed_set_reader_next(&r) && r.now.chunk < b->chunks)
        drop_words(chunk_of(b, r.now.chunk), words_of(&r.now, room));
    free(set);
}

uint64_t plain_bits_count(const struct plain_bits *b)
{
    return plain_bits_count_both(b, b);
}

uint64_t plain_bits_count_both(const struct plain_bits *a, const struct plain_bits *b)
{
    uint64_t count = 0;

    for (uint32_t chunk = 0; chunk < a->chunks && chunk < b->chunks; chunk++)
        count += count_words(chunk_of(a, chunk), (const char *)chunk_of(b, chunk));
    return count;
}

uint64_t plain_bits_count_in_packed(const struct plain_bits *b, const char *set)
{
    struct packed_set_reader r = packed_set_reader(set);
    uint64_t count = 0;

    while (packed_set_reader_next(&r) && r.now.chunk < b->chunks)
        count += count_container(chunk_of(b, r.now.chunk), &r.now);
    return count;
}

uint64_t plain_bits_count_in(const struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    char *set = packed_set_of(bitmap);
    uint64_t count = plain_bits_count_in_packed(b, set);

    free(set);
    return count;
}

void plain_bits_list(const struct plain_bits *b, uint32_t *out)
{
    for (size_t i = 0; i < (size_t)b->chunks * PLAIN_BITS_WORDS; i++) {
        for (uint64_t word = b->words[i]; word; word &= word - 1)
            *out++ = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
    }
}
