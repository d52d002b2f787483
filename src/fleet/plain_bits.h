#ifndef MUSTER_FLEET_PLAIN_BITS_H
#define MUSTER_FLEET_PLAIN_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"

/* A set of device numbers as plain bits. Roaring bitmaps are turned into it where members are tested one by one, or
 * where many sets are united. Testing a bit costs a nanosecond, roaring_bitmap_contains ten. A million numbers take 128
 * KiB; two such sets are united or counted in ten microseconds, roaring bitmaps in forty. The set is cut into chunks as
 * the columns are. Not thread-safe. */
enum { PLAIN_BITS_WORDS = 1024 }; /* 65,536 bits */

/* A loop over words is compiled twice, and the loader takes the version that suits the processor. Debian's programs
 * must run on the first x86-64 processors, which have no instruction that counts bits. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define PLAIN_BITS_LOOP __attribute__((target_clones("avx2", "default")))
#else
#define PLAIN_BITS_LOOP
#endif

struct plain_bits {
    uint64_t *words;
    uint32_t chunks;
    char *block; /* the memory that the words are in */
};

/* If memory runs out in any of these, the program ends. The caller frees the set. */
struct plain_bits plain_bits_of(const roaring_bitmap_t *r);
void plain_bits_free(struct plain_bits *b);
/* Makes room for the numbers of `chunks` chunks. */
void plain_bits_reserve(struct plain_bits *b, uint32_t chunks);
/* Adds the members of r. All zero is an empty set. */
void plain_bits_add(struct plain_bits *b, const roaring_bitmap_t *r);
/* The same for a packed set (packed_set.h), which need not be copied. */
void plain_bits_add_packed(struct plain_bits *b, const char *set);
/* Keeps only the numbers that are also in the other set. */
void plain_bits_keep(struct plain_bits *b, const struct plain_bits *other);
void plain_bits_keep_in(struct plain_bits *b, const roaring_bitmap_t *r);
/* Removes the members of r. */
void plain_bits_drop(struct plain_bits *b, const roaring_bitmap_t *r);
uint64_t plain_bits_count(const struct plain_bits *b);
/* How many numbers are in both sets. */
uint64_t plain_bits_count_both(const struct plain_bits *a, const struct plain_bits *b);
uint64_t plain_bits_count_in(const struct plain_bits *b, const roaring_bitmap_t *r);
uint64_t plain_bits_count_in_packed(const struct plain_bits *b, const char *set);
/* Writes the members in ascending order; out has room for plain_bits_count. */
void plain_bits_list(const struct plain_bits *b, uint32_t *out);

static inline bool plain_bits_has(const struct plain_bits *b, uint32_t no)
{
    return no >> 16 < b->chunks && b->words[no >> 6] >> (no & 63) & 1;
}

/* Adds a number if `is` is true; the set has room for it. Without a branch, which would often be mispredicted. */
static inline void plain_bits_set(struct plain_bits *b, uint32_t no, bool is)
{
    b->words[no >> 6] |= (uint64_t)is << (no & 63);
}

#endif
