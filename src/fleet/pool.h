#ifndef MUSTER_FLEET_POOL_H
#define MUSTER_FLEET_POOL_H

#include <stddef.h>
#include <stdint.h>

/* The small pieces of variable length that every device has: its texts and its state image. A block is named by a
 * 32-bit number (0 = none). It takes its size rounded up to 2 bytes, and has no header: the caller that frees it says
 * how large it is. A freed block waits for the next allocation of its size, since a device's texts and image hardly
 * ever change their length. Blocks never move.
 *
 * All zero is an empty pool. Not thread-safe. */
enum {
    POOL_UNIT = 2,
    POOL_LEAST = 4, /* a free block holds the number of the next one */
    POOL_SEGMENT = 1 << 20,
    POOL_LARGEST = 16 * 1024,
    POOL_EXACT = 256, /* up to this size one class per unit; beyond, four classes per doubling */
    POOL_CLASSES = POOL_EXACT / POOL_UNIT + 1 + 4 * 6,
};

struct pool {
    uint8_t **segments;
    uint32_t count, cap;
    uint32_t used; /* bytes used of the last segment */
    uint32_t free[POOL_CLASSES];
};

/* size is 1 to POOL_LARGEST. 0: out of memory. */
uint32_t pool_alloc(struct pool *p, size_t size);
/* block may be 0. */
void pool_free(struct pool *p, uint32_t block, size_t size);
void pool_destroy(struct pool *p);

static inline void *pool_at(const struct pool *p, uint32_t block)
{
    return p->segments[block / (POOL_SEGMENT / POOL_UNIT)] + (size_t)(block % (POOL_SEGMENT / POOL_UNIT)) * POOL_UNIT;
}

#endif
