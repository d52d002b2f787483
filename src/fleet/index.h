#ifndef MUSTER_FLEET_INDEX_H
#define MUSTER_FLEET_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A hash index of numbers: 4 bytes a slot, open addressing, at most three quarters full. It goes by the
 * lower 32 bits of a hash and keeps no keys: who looks something up compares the candidates with what the numbers stand for, and who
 * adds or removes recomputes the hash from the number. Several numbers may have one key.
 * All zero is an empty index. Not thread-safe. */
typedef uint64_t (*index_hash_fn)(const void *ctx, uint32_t no);

struct index {
    uint32_t *slots; /* 0 = free */
    size_t size;
    size_t used;
    index_hash_fn hash;
    const void *ctx;
};

void index_init(struct index *ix, index_hash_fn hash, const void *ctx);
void index_free(struct index *ix);

/* Makes sure that the next index_add finds room. MU_E_NOMEM. */
MU_MUST_USE enum mu_err index_reserve(struct index *ix);
/* The same for as many numbers as are to come, so that they need not be placed anew as the index grows. */
MU_MUST_USE enum mu_err index_expect(struct index *ix, size_t count);
/* no must not be 0, nor stand in the index; index_reserve came before. */
void index_add(struct index *ix, uint32_t no);
/* Removes no, whose key must still be what it was when it was added. */
void index_remove(struct index *ix, uint32_t no);

/* Where a number of this hash would stand first. */
static inline size_t index_home(size_t size, uint64_t hash)
{
    return (size_t)((uint64_t)(uint32_t)hash * size >> 32);
}

/* Has the memory fetched where a number of this hash would stand: in a large index, waiting for that is
 * most of what adding costs. */
static inline void index_prefetch(const struct index *ix, uint64_t hash)
{
    if (ix->size)
        __builtin_prefetch(&ix->slots[index_home(ix->size, hash)], 1);
}

/* The numbers that may have a key of this hash, one after the other:
 *     struct index_probe p = index_probe(ix, hash);
 *     while ((no = index_next(&p)))
 *         if (same(no)) … */
struct index_probe {
    const struct index *ix;
    size_t at;
};

static inline struct index_probe index_probe(const struct index *ix, uint64_t hash)
{
    return (struct index_probe){ ix, index_home(ix->size, hash) };
}

static inline uint32_t index_next(struct index_probe *p)
{
    if (p->ix->size == 0)
        return 0;
    uint32_t no = p->ix->slots[p->at];
    p->at = p->at + 1 < p->ix->size ? p->at + 1 : 0;
    return no;
}

#endif
