#ifndef MUSTER_BASE_ARENA_H
#define MUSTER_BASE_ARENA_H

#include <stddef.h>

/* Memory that lives as long as one request: allocated piece by piece, freed at once.
 *
 * Not thread-safe. A request that moves from a loop to a worker takes its arena along. */
struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used;
    size_t max;
};

void arena_init(struct arena *a, size_t max);

/* Zeroed memory aligned for any type; NULL beyond the maximum or without memory. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *text, size_t len);

/* Frees everything but the first block, which is kept for the next request. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
