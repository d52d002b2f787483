#include "fleet/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The class of a size. *bytes: the size of the blocks of this class. */
static unsigned class_of(size_t size, uint32_t *bytes)
{
    assert(size && size <= POOL_LARGEST);
    if (size <= POOL_EXACT) {
        unsigned units = (unsigned)(((size < POOL_LEAST ? POOL_LEAST : size) + POOL_UNIT - 1) / POOL_UNIT);
        *bytes = units * POOL_UNIT;
        return units;
    }
    unsigned class = POOL_EXACT / POOL_UNIT;
    for (uint32_t base = POOL_EXACT;; base *= 2) {
        for (uint32_t quarter = 1; quarter <= 4; quarter++) {
            class ++;
            *bytes = base + base / 4 * quarter;
            if (size <= *bytes)
                return class;
        }
    }
}

static uint32_t name_of(uint32_t segment, uint32_t offset)
{
    return segment * (POOL_SEGMENT / POOL_UNIT) + offset / POOL_UNIT;
}

static uint32_t carve(struct pool *p, uint32_t bytes)
{
    if (p->count == 0 || p->used + bytes > POOL_SEGMENT) {
        if (p->count == UINT32_MAX / (POOL_SEGMENT / POOL_UNIT))
            return 0;
        if (!ARRAY_RESERVE(p->segments, p->cap, p->count + 1))
            return 0;
        uint8_t *segment = malloc(POOL_SEGMENT);
        if (!segment)
            return 0;
        p->segments[p->count++] = segment;
        p->used = p->count == 1 ? POOL_UNIT : 0; /* number 0 names no block */
    }
    uint32_t block = name_of(p->count - 1, p->used);
    assert(block && p->used % POOL_UNIT == 0);
    p->used += bytes;
    return block;
}

uint32_t pool_alloc(struct pool *p, size_t size)
{
    uint32_t bytes;
    unsigned class = class_of(size, &bytes);
    uint32_t block = p->free[class];

    if (!block)
        return carve(p, bytes);
    memcpy(&p->free[class], pool_at(p, block), sizeof(uint32_t));
    return block;
}

void pool_free(struct pool *p, uint32_t block, size_t size)
{
    uint32_t bytes;

    if (!block)
        return;
    assert(block / (POOL_SEGMENT / POOL_UNIT) < p->count);
    unsigned class = class_of(size, &bytes);
    memcpy(pool_at(p, block), &p->free[class], sizeof(uint32_t));
    p->free[class] = block;
}

void pool_destroy(struct pool *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        free(p->segments[i]);
    free(p->segments);
    *p = (struct pool){ 0 };
}
