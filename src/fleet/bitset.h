#ifndef MUSTER_FLEET_BITSET_H
#define MUSTER_FLEET_BITSET_H

#include <roaring/roaring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of device numbers as plain bits: what roaring bitmaps are turned into where every member is asked
 * for one by one, or where many of them are put together. Testing a bit costs a nanosecond,
 * roaring_bitmap_contains ten; a million numbers are 128 KiB, and two such sets are united or counted in
 * ten microseconds, roaring bitmaps in forty. Cut into chunks as the columns are. Not thread-safe. */
enum { BITSET_CHUNK_WORDS = 1024 }; /* 65,536 bits */

/* A loop over words is compiled twice, and the loader takes the one that the processor is good for: Debian's
 * programs must run on the first of its kind, which could not even count bits. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define BITSET_LOOP __attribute__((target_clones("avx2", "default")))
#else
#define BITSET_LOOP
#endif

struct bitset {
    uint64_t *words;
    uint32_t chunks;
};

/* false: out of memory. */
bool bitset_of(const roaring_bitmap_t *r, struct bitset *out);
void bitset_free(struct bitset *b);
/* Room for the numbers of so many chunks. false: out of memory. */
bool bitset_reserve(struct bitset *b, uint32_t chunks);
/* Adds the members of r. All zero is an empty set. false: out of memory. */
bool bitset_add(struct bitset *b, const roaring_bitmap_t *r);
/* Leaves what is in both. */
void bitset_keep(struct bitset *b, const struct bitset *other);
void bitset_keep_in(struct bitset *b, const roaring_bitmap_t *r);
/* Takes the members of r out. */
void bitset_drop(struct bitset *b, const roaring_bitmap_t *r);
uint64_t bitset_count(const struct bitset *b);
/* How many are in both. */
uint64_t bitset_count_both(const struct bitset *a, const struct bitset *b);
uint64_t bitset_count_in(const struct bitset *b, const roaring_bitmap_t *r);
/* Writes the members in ascending order; out has room for bitset_count. */
void bitset_list(const struct bitset *b, uint32_t *out);

static inline bool bitset_has(const struct bitset *b, uint32_t no)
{
    return no >> 16 < b->chunks && b->words[no >> 6] >> (no & 63) & 1;
}

/* Adds a number that the set has room for, if it is one. */
static inline void bitset_set(struct bitset *b, uint32_t no, bool is)
{
    b->words[no >> 6] |= (uint64_t)is << (no & 63);
}

#endif
