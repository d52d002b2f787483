#include "fleet/plain_bits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"

/* Not every version of CRoaring has a function that gives the bits of a bitmap, and its structs are private. But it
 * writes the portable format, which is public and stays: github.com/RoaringBitmap/RoaringFormatSpec. So a bitmap is
 * written to memory and read there, container by container. A container holds up to 65,536 numbers as bits, as a sorted
 * array or as runs. The copy takes three microseconds for a million bits. */

#define CHUNK_SIZE (PLAIN_BITS_WORDS * sizeof(uint64_t))

static uint64_t *chunk_of(const struct plain_bits *b, uint32_t chunk)
{
    return b->words + (size_t)chunk * PLAIN_BITS_WORDS;
}

/* --- the portable format --------------------------------------------------------------------- */

enum {
    NO_RUNS = 12346,
    HAS_RUNS = 12347 /* cookies */,
    ARRAY_LARGEST = 4096,
    OFFSETS_FROM = 4 /* containers, beside runs */
};

struct bits_container {
    enum { NONE, BITS, ARRAY, RUNS } kind;
    uint32_t chunk;
    uint32_t count; /* ARRAY: numbers; RUNS: pairs of first and length - 1 */
    const char *at; /* not aligned */
};

struct bits_reader {
    char *bytes;
    const char *has_runs; /* a bit for each container; NULL: no container has runs */
    const char *keys;     /* for each container: its chunk, and the number of its members - 1 */
    uint32_t count, read;
    struct bits_container now; /* .kind NONE: at the end */
};

static uint16_t u16_at(const char *at, size_t i)
{
    uint16_t v;
    memcpy(&v, at + i * sizeof(v), sizeof(v));
    return v;
}

static uint32_t u32_at(const char *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof(v));
    return v;
}

static void reader_next(struct bits_reader *r)
{
    static const size_t unit[] = { [BITS] = CHUNK_SIZE, [ARRAY] = 2, [RUNS] = 4 };
    struct bits_container *c = &r->now;
    uint32_t i = r->read;

    if (c->kind)
        c->at += (c->kind == BITS ? 1 : c->count) * unit[c->kind];
    c->kind = NONE;
    if (i == r->count)
        return;
    r->read++;
    c->chunk = u16_at(r->keys, 2 * i);
    c->count = u16_at(r->keys, 2 * i + 1) + 1u;
    c->kind = c->count <= ARRAY_LARGEST ? ARRAY : BITS;
    if (r->has_runs && r->has_runs[i / 8] >> i % 8 & 1) {
        c->kind = RUNS;
        c->count = u16_at(c->at, 0);
        c->at += 2;
    }
}

static void reader_open(struct bits_reader *r, const roaring_bitmap_t *bitmap)
{
    *r = (struct bits_reader){ .bytes = malloc(roaring_bitmap_portable_size_in_bytes(bitmap)) };
    if (!r->bytes)
        fleet_out_of_memory();
    roaring_bitmap_portable_serialize(bitmap, r->bytes);
    uint32_t cookie = u32_at(r->bytes);
    if ((cookie & 0xffff) == HAS_RUNS) {
        r->count = (cookie >> 16) + 1;
        r->has_runs = r->bytes + 4;
        r->keys = r->has_runs + (r->count + 7) / 8;
    } else {
        assert(cookie == NO_RUNS);
        r->count = u32_at(r->bytes + 4);
        r->keys = r->bytes + 8;
    }
    r->now.at = r->keys + (size_t)r->count * (r->has_runs && r->count < OFFSETS_FROM ? 4 : 8);
    reader_next(r);
}

static void reader_close(struct bits_reader *r)
{
    free(r->bytes);
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

static void add_container(uint64_t *words, const struct bits_container *c)
{
    if (c->kind == BITS)
        add_words(words, c->at);
    for (uint32_t i = 0; c->kind == ARRAY && i < c->count; i++)
        words[u16_at(c->at, i) >> 6] |= UINT64_C(1) << (u16_at(c->at, i) & 63);
    for (uint32_t i = 0; c->kind == RUNS && i < c->count; i++) {
        uint32_t first = u16_at(c->at, 2 * i), last = first + u16_at(c->at, 2 * i + 1);
        for (uint32_t w = first >> 6; w <= last >> 6; w++)
            words[w] |= mask(w, first, last);
    }
}

/* The same, but overwrites words that are not cleared. */
static void put_container(uint64_t *words, const struct bits_container *c)
{
    assert(c->kind != NONE);
    if (c->kind == BITS) {
        memcpy(words, c->at, CHUNK_SIZE);
    } else {
        memset(words, 0, CHUNK_SIZE);
        add_container(words, c);
    }
}

/* The container as bits: its own bits, or room, which is filled. */
static const char *words_of(const struct bits_container *c, uint64_t room[PLAIN_BITS_WORDS])
{
    if (c->kind == BITS)
        return c->at;
    put_container(room, c);
    return (const char *)room;
}

static uint64_t count_container(const uint64_t *words, const struct bits_container *c)
{
    uint64_t count = 0;

    if (c->kind == BITS)
        return count_words(words, c->at);
    for (uint32_t i = 0; c->kind == ARRAY && i < c->count; i++)
        count += words[u16_at(c->at, i) >> 6] >> (u16_at(c->at, i) & 63) & 1;
    for (uint32_t i = 0; c->kind == RUNS && i < c->count; i++) {
        uint32_t first = u16_at(c->at, 2 * i), last = first + u16_at(c->at, 2 * i + 1);
        for (uint32_t w = first >> 6; w <= last >> 6; w++)
            count += (uint64_t)__builtin_popcountll(words[w] & mask(w, first, last));
    }
    return count;
}

/* --- sets ------------------------------------------------------------------------------------ */

/* Makes room, which is not cleared. Returns the number of the first new chunk. */
static uint32_t grow(struct plain_bits *b, uint32_t chunks)
{
    uint32_t had = b->chunks;

    if (chunks <= had)
        return had;
    uint64_t *words = realloc(b->words, chunks * CHUNK_SIZE);
    if (!words)
        fleet_out_of_memory();
    *b = (struct plain_bits){ words, chunks };
    return had;
}

void plain_bits_reserve(struct plain_bits *b, uint32_t chunks)
{
    uint32_t had = grow(b, chunks);

    if (had < b->chunks)
        memset(chunk_of(b, had), 0, (b->chunks - had) * CHUNK_SIZE);
}

void plain_bits_add(struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    uint32_t first = grow(b, roaring_bitmap_is_empty(bitmap) ? 0 : (roaring_bitmap_maximum(bitmap) >> 16) + 1);
    struct bits_reader r;

    for (reader_open(&r, bitmap); r.now.kind && r.now.chunk < b->chunks; reader_next(&r)) {
        for (; first < r.now.chunk; first++)
            memset(chunk_of(b, first), 0, CHUNK_SIZE);
        if (first == r.now.chunk)
            put_container(chunk_of(b, first++), &r.now);
        else
            add_container(chunk_of(b, r.now.chunk), &r.now);
    }
    reader_close(&r);
}

struct plain_bits plain_bits_of(const roaring_bitmap_t *bitmap)
{
    struct plain_bits bits = { 0 };

    plain_bits_add(&bits, bitmap);
    return bits;
}

void plain_bits_free(struct plain_bits *b)
{
    free(b->words);
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
    struct bits_reader r;

    for (reader_open(&r, bitmap); r.now.kind && r.now.chunk < b->chunks; reader_next(&r)) {
        while (chunk < r.now.chunk)
            memset(chunk_of(b, chunk++), 0, CHUNK_SIZE);
        keep_words(chunk_of(b, chunk++), words_of(&r.now, room));
    }
    b->chunks = chunk;
    reader_close(&r);
}

void plain_bits_drop(struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    uint64_t room[PLAIN_BITS_WORDS];
    struct bits_reader r;

    for (reader_open(&r, bitmap); r.now.kind && r.now.chunk < b->chunks; reader_next(&r))
        drop_words(chunk_of(b, r.now.chunk), words_of(&r.now, room));
    reader_close(&r);
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

uint64_t plain_bits_count_in(const struct plain_bits *b, const roaring_bitmap_t *bitmap)
{
    uint64_t count = 0;
    struct bits_reader r;

    for (reader_open(&r, bitmap); r.now.kind && r.now.chunk < b->chunks; reader_next(&r))
        count += count_container(chunk_of(b, r.now.chunk), &r.now);
    reader_close(&r);
    return count;
}

void plain_bits_list(const struct plain_bits *b, uint32_t *out)
{
    for (size_t i = 0; i < (size_t)b->chunks * PLAIN_BITS_WORDS; i++) {
        for (uint64_t word = b->words[i]; word; word &= word - 1)
            *out++ = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
    }
}
