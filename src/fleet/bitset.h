#ifndef MUSTER_FLEET_BITSET_H
#define MUSTER_FLEET_BITSET_H

#include <roaring/roaring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of device numbers as plain bits: what a roaring bitmap is turned into where every member
 * is asked for one by one. Testing a bit costs a nanosecond, roaring_bitmap_contains ten; a million
 * numbers are 128 KiB. Cut into chunks as the columns are. Not thread-safe. */
enum { BITSET_CHUNK_WORDS = 1024 }; /* 65,536 bits */

struct bitset {
    uint64_t *words;
    uint32_t chunks;
};

/* false: out of memory. */
bool bitset_of(const roaring_bitmap_t *r, struct bitset *out);
void bitset_free(struct bitset *b);
uint64_t bitset_count(const struct bitset *b);
/* Writes the members in ascending order; out has room for bitset_count. */
void bitset_list(const struct bitset *b, uint32_t *out);

static inline bool bitset_has(const struct bitset *b, uint32_t no)
{
    return no >> 16 < b->chunks && b->words[no >> 6] >> (no & 63) & 1;
}

#endif
