#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A request without a body needs well under this. */
#define FIRST_BLOCK 2048

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){ .max = max };
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > a->max)
        return NULL;
    size = (size + align - 1) & ~(align - 1);
    if (size > a->max - a->used)
        return NULL;

    struct arena_block *b = a->blocks;
    if (!b || size > b->cap - b->used) {
        size_t cap = size > FIRST_BLOCK ? size : FIRST_BLOCK;
        b = malloc(sizeof(*b) + cap);
        if (!b)
            return NULL;
        b->cap = cap;
        b->used = 0;
        b->next = a->blocks;
        a->blocks = b;
    }
    void *at = b->data + b->used;
    b->used += size;
    a->used += size;
    return memset(at, 0, size);
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (copy)
        memcpy(copy, text, len);
    return copy;
}

void arena_reset(struct arena *a)
{
    while (a->blocks && a->blocks->next) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    if (a->blocks && a->blocks->cap > FIRST_BLOCK) {
        free(a->blocks);
        a->blocks = NULL;
    }
    if (a->blocks)
        a->blocks->used = 0;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    arena_reset(a);
    free(a->blocks);
    a->blocks = NULL;
}
