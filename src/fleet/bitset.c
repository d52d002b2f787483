#include "fleet/bitset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* CRoaring gives no access to its containers, but it writes the portable format (RoaringFormatSpec)
 * at the speed of memcpy, and in that format the containers are plain arrays, bits or runs. */
enum {
    COOKIE_PLAIN = 12346, /* then the count, and always the offsets */
    COOKIE_RUNS = 12347,  /* the count - 1 in the upper half, then a bit per container: runs or not */
    OFFSETS_FROM = 4,     /* with runs, offsets are written for this many containers or more */
    ARRAY_MAX = 4096,
};

static uint16_t u16_at(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, 2);
    return v;
}

static void set_range(uint64_t *words, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++)
        words[i >> 6] |= (uint64_t)1 << (i & 63);
}

/* One container into its chunk of words; returns what follows it. */
static const uint8_t *unpack(const uint8_t *at, bool runs, uint32_t cardinality, uint64_t *words)
{
    if (runs) {
        uint32_t count = u16_at(at);
        at += 2;
        for (uint32_t i = 0; i < count; i++, at += 4)
            set_range(words, u16_at(at), (uint32_t)u16_at(at) + u16_at(at + 2));
        return at;
    }
    if (cardinality > ARRAY_MAX) {
        memcpy(words, at, BITSET_CHUNK_WORDS * 8);
        return at + BITSET_CHUNK_WORDS * 8;
    }
    for (uint32_t i = 0; i < cardinality; i++, at += 2)
        words[u16_at(at) >> 6] |= (uint64_t)1 << (u16_at(at) & 63);
    return at;
}

static bool unpack_all(const uint8_t *at, struct bitset *out)
{
    uint32_t cookie, count;
    const uint8_t *run_flags = NULL;

    memcpy(&cookie, at, 4);
    at += 4;
    if ((cookie & 0xffff) == COOKIE_RUNS) {
        count = (cookie >> 16) + 1;
        run_flags = at;
        at += (count + 7) / 8;
    } else {
        assert(cookie == COOKIE_PLAIN);
        memcpy(&count, at, 4);
        at += 4;
    }
    const uint8_t *keys = at;
    at += count * 4;
    if (!run_flags || count >= OFFSETS_FROM)
        at += count * 4;

    out->chunks = count ? u16_at(keys + (count - 1) * 4) + 1u : 0;
    out->words = calloc(out->chunks ? out->chunks : 1, BITSET_CHUNK_WORDS * 8);
    if (!out->words)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        bool runs = run_flags && (run_flags[i / 8] >> (i % 8) & 1);
        at = unpack(at, runs, u16_at(keys + i * 4 + 2) + 1u,
                    out->words + (size_t)u16_at(keys + i * 4) * BITSET_CHUNK_WORDS);
    }
    return true;
}

bool bitset_of(const roaring_bitmap_t *r, struct bitset *out)
{
    uint8_t *bytes = malloc(roaring_bitmap_portable_size_in_bytes(r));
    bool done = false;

    if (bytes) {
        roaring_bitmap_portable_serialize(r, (char *)bytes);
        done = unpack_all(bytes, out);
    }
    free(bytes);
    return done;
}

void bitset_free(struct bitset *b)
{
    free(b->words);
    *b = (struct bitset){ 0 };
}

uint64_t bitset_count(const struct bitset *b)
{
    uint64_t count = 0;

    for (size_t i = 0; i < (size_t)b->chunks * BITSET_CHUNK_WORDS; i++)
        count += (uint64_t)__builtin_popcountll(b->words[i]);
    return count;
}

void bitset_list(const struct bitset *b, uint32_t *out)
{
    for (size_t i = 0; i < (size_t)b->chunks * BITSET_CHUNK_WORDS; i++) {
        for (uint64_t word = b->words[i]; word; word &= word - 1)
            *out++ = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(word);
    }
}
