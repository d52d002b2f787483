#ifndef MUSTER_FLEET_INDEX_H
#define MUSTER_FLEET_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A hash index of numbers: 4 bytes a slot, open addressing, at most three quarters full. It uses the lower 32 bits of a
 * hash and keeps no keys. A lookup compares each candidate with the key that it stands for; adding and removing
 * recompute the hash from the number. Several numbers may have the same key. All zero is an empty index. Not
 * thread-safe. */
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
/* The same for `count` numbers, so that they need not be placed again and again while the index grows. */
MU_MUST_USE enum mu_err index_expect(struct index *ix, size_t count);
/* no is not 0 and not in the index yet; index_reserve was called before. */
void index_add(struct index *ix, uint32_t no);
/* Removes no, which is in the index. Its key must be the same as when it was added. */
void index_remove(struct index *ix, uint32_t no);

/* The slot at which the search for a hash begins. */
static inline size_t index_home(size_t size, uint64_t hash)
{
    return (size_t)((uint64_t)(uint32_t)hash * size >> 32);
}

/* Starts to fetch the slot of a hash from memory. In a large index, waiting for this fetch is most of what adding
 * costs. */
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
