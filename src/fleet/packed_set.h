#ifndef MUSTER_FLEET_PACKED_SET_H
#define MUSTER_FLEET_PACKED_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bitmap.h"

/* A set of device numbers that hardly ever changes: one block of memory in the portable format of roaring bitmaps,
 * github.com/RoaringBitmap/RoaringFormatSpec. Not every version of CRoaring has a function that gives the bits of a
 * bitmap, and its structs are private. But the portable format is public and stays. Here its containers are read where
 * they are. A container holds the numbers of a chunk as bits, as a sorted array or as runs.
 *
 * A set must be sound: it comes from CRoaring, and nothing is checked. Any thread. */

/* Writes a bitmap as a packed set; the caller frees it. If memory runs out, the program ends. For a million bits, this
 * copy takes two to three microseconds. */
char *packed_set_of(const roaring_bitmap_t *r);
size_t packed_set_size(const char *set); /* bytes */
uint64_t packed_set_count(const char *set);
bool packed_set_has(const char *set, uint32_t no);
/* Removes a member in place. false: its container is not bits, or would no longer be; the set is as it was. */
bool packed_set_remove(char *set, uint32_t no);

struct packed_container {
    enum { PACKED_NONE, PACKED_BITS, PACKED_ARRAY, PACKED_RUNS } kind;
    uint32_t chunk; /* the upper 16 bits of its numbers */
    uint32_t count; /* PACKED_ARRAY: numbers; PACKED_RUNS: pairs of first and length - 1 */
    const char *at; /* not aligned */
};

/* Reads one container after the other. */
struct packed_set_reader {
    const char *has_runs; /* a bit for each container; NULL: no container has runs */
    const char *keys;     /* for each container: its chunk, and the number of its members - 1 */
    uint32_t count, read;
    struct packed_container now;
};

struct packed_set_reader packed_set_reader(const char *set);
/* Goes to the next container, .now; false: there is none. */
bool packed_set_reader_next(struct packed_set_reader *r);
/* How many chunks hold the set, beginning with chunk 0. */
uint32_t packed_set_reader_chunks(const struct packed_set_reader *r);

/* The i-th number of 16 bits. */
static inline uint16_t packed_u16(const char *at, size_t i)
{
    uint16_t v;
    memcpy(&v, at + i * sizeof(v), sizeof(v));
    return v;
}

#endif
