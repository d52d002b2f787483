#include "access/session_slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "access/session.h"

/* Blocks of sessions, and the handles that find them. */

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define BLOCK_BITS 8 /* a block takes 62 KiB */
#define BLOCK_SIZE (1u << BLOCK_BITS)
#define BLOCKS_MAX (1u << (24 - BLOCK_BITS)) /* what a handle has room for */
#define NONE       BLOCK_SIZE

_Static_assert(sizeof(struct session) <= 248, "8 bytes are 8 MB of a million sessions: docs/performance.md");

/* A free place has handle 0, and the number of the next one in `device`. */
struct session_block {
    struct session_block *next, **prev; /* of those that have room */
    uint32_t index, used, first_free;
    struct session sessions[BLOCK_SIZE];
};

static void open_block(struct session_slab *slab, struct session_block *b)
{
    b->next = slab->open;
    b->prev = &slab->open;
    if (b->next)
        b->next->prev = &b->next;
    slab->open = b;
}

static void close_block(struct session_block *b)
{
    *b->prev = b->next;
    if (b->next)
        b->next->prev = b->prev;
}

/* Lets AddressSanitizer forbid a free place, except for the fields that a free place uses. */
static void forbid(struct session *s)
{
    ASAN_POISON_MEMORY_REGION(s, offsetof(struct session, device));
}

static void allow(struct session *s)
{
    ASAN_UNPOISON_MEMORY_REGION(s, offsetof(struct session, device));
}

/* The first number that no block has. */
static enum mu_err find_index(struct session_slab *slab, uint32_t *index)
{
    for (*index = 0; *index < slab->block_count && slab->blocks[*index]; (*index)++)
        ;
    if (*index >= BLOCKS_MAX)
        return MU_E_LIMIT;
    return ARRAY_RESERVE_ZERO(slab->blocks, slab->block_count, *index + 1) ? MU_OK : MU_E_NOMEM;
}

static enum mu_err add_block(struct session_slab *slab)
{
    uint32_t index;
    enum mu_err err = find_index(slab, &index);
    struct session_block *b = err == MU_OK ? malloc(sizeof(*b)) : NULL;

    if (!b)
        return err == MU_OK ? MU_E_NOMEM : err;
    b->index = index;
    b->used = b->first_free = 0;
    for (uint32_t i = 0; i < BLOCK_SIZE; i++) {
        b->sessions[i].handle = 0;
        b->sessions[i].device = i + 1; /* behind the last: NONE */
        forbid(&b->sessions[i]);
    }
    slab->blocks[index] = b;
    open_block(slab, b);
    return MU_OK;
}

enum mu_err session_slab_take(struct session_slab *slab, struct session **out)
{
    enum mu_err err;

    if (!slab->open && (err = add_block(slab)) != MU_OK)
        return err;
    struct session_block *b = slab->open;
    uint32_t i = b->first_free;
    struct session *s = &b->sessions[i];
    assert(i < BLOCK_SIZE && s->handle == 0);
    b->first_free = s->device;
    b->used++;
    if (b->first_free == NONE)
        close_block(b);
    allow(s);
    memset(s, 0, sizeof(*s));
    if (++slab->generation == 0)
        slab->generation = 1; /* so that no handle is 0 */
    s->handle = session_handle_make(slab->loop, b->index << BLOCK_BITS | i, slab->generation);
    *out = s;
    return MU_OK;
}

static void free_block(struct session_slab *slab, struct session_block *b)
{
    close_block(b);
    slab->blocks[b->index] = NULL;
    for (uint32_t i = 0; i < BLOCK_SIZE; i++)
        allow(&b->sessions[i]);
    free(b);
}

void session_slab_give(struct session_slab *slab, struct session *s)
{
    uint32_t slot = session_handle_slot(s->handle);
    struct session_block *b = slab->blocks[slot >> BLOCK_BITS];

    assert(session_slab_find(slab, s->handle) == s && b->used > 0);
    if (b->first_free == NONE)
        open_block(slab, b);
    s->handle = 0;
    s->device = b->first_free;
    b->first_free = slot & (BLOCK_SIZE - 1);
    forbid(s);
    /* An empty block is kept for the next session, unless another block has room. */
    if (--b->used == 0 && (b->next || slab->open != b))
        free_block(slab, b);
}

struct session *session_slab_find(const struct session_slab *slab, session_handle handle)
{
    uint32_t slot = session_handle_slot(handle), block = slot >> BLOCK_BITS;

    if (handle == 0 || block >= slab->block_count || !slab->blocks[block])
        return NULL;
    struct session *s = &slab->blocks[block]->sessions[slot & (BLOCK_SIZE - 1)];
    return s->handle == handle ? s : NULL;
}

struct session *session_slab_next(const struct session_slab *slab, uint32_t *at)
{
    for (; *at >> BLOCK_BITS < slab->block_count; (*at)++) {
        struct session_block *b = slab->blocks[*at >> BLOCK_BITS];
        if (!b)
            *at |= BLOCK_SIZE - 1;
        else if (b->sessions[*at & (BLOCK_SIZE - 1)].handle)
            return &b->sessions[(*at)++ & (BLOCK_SIZE - 1)];
    }
    return NULL;
}

void session_slab_free(struct session_slab *slab)
{
    for (uint32_t i = 0; i < slab->block_count; i++)
        if (slab->blocks[i])
            free_block(slab, slab->blocks[i]);
    free(slab->blocks);
    slab->blocks = NULL;
    slab->block_count = 0;
}
