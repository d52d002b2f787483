#include "fleet/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The slots of a hash index: growing, adding, removing without tombstones. */

enum { FIRST_SIZE = 16 };

void index_init(struct index *ix, index_hash_fn hash, const void *ctx)
{
    *ix = (struct index){ .hash = hash, .ctx = ctx };
}

void index_free(struct index *ix)
{
    free(ix->slots);
    index_init(ix, ix->hash, ix->ctx);
}

static size_t after(size_t size, size_t at)
{
    return at + 1 < size ? at + 1 : 0;
}

/* How many slots it is from one slot forward to another. */
static size_t distance(size_t size, size_t from, size_t to)
{
    return to >= from ? to - from : to + size - from;
}

static void place(uint32_t *slots, size_t size, uint64_t hash, uint32_t no)
{
    size_t at = index_home(size, hash);
    while (slots[at])
        at = after(size, at);
    slots[at] = no;
}

enum mu_err index_expect(struct index *ix, size_t count)
{
    size_t wanted = (ix->used + count) / 3 * 4 + 4, size = ix->size + ix->size / 2;

    if (ix->size && ix->used + count <= ix->size / 4 * 3)
        return MU_OK;
    if (size < FIRST_SIZE)
        size = FIRST_SIZE;
    if (size < wanted)
        size = wanted;
    uint32_t *slots = malloc(size * sizeof(*slots));
    if (!slots)
        return MU_E_NOMEM;
    /* Written now and not at the first look: otherwise the kernel maps each page of a large index twice. */
    memset(slots, 0, size * sizeof(*slots));
    for (size_t i = 0; i < ix->size; i++) {
        if (ix->slots[i])
            place(slots, size, ix->hash(ix->ctx, ix->slots[i]), ix->slots[i]);
    }
    free(ix->slots);
    ix->slots = slots;
    ix->size = size;
    assert(ix->used + count <= ix->size / 4 * 3);
    return MU_OK;
}

enum mu_err index_reserve(struct index *ix)
{
    return ix->used + 1 <= ix->size / 4 * 3 ? MU_OK : index_expect(ix, 1);
}

void index_add(struct index *ix, uint32_t no)
{
    assert(no && ix->used < ix->size);
    place(ix->slots, ix->size, ix->hash(ix->ctx, no), no);
    ix->used++;
}

void index_remove(struct index *ix, uint32_t no)
{
    assert(no && ix->used);
    size_t size = ix->size, at = index_home(size, ix->hash(ix->ctx, no));

    while (ix->slots[at] != no) {
        assert(ix->slots[at]);
        at = after(size, at);
    }
    /* An entry behind the gap moves into it if a search would otherwise stop at the gap and miss it. */
    for (size_t next = after(size, at); ix->slots[next]; next = after(size, next)) {
        size_t home = index_home(size, ix->hash(ix->ctx, ix->slots[next]));
        if (distance(size, home, next) >= distance(size, at, next)) {
            ix->slots[at] = ix->slots[next];
            at = next;
        }
    }
    ix->slots[at] = 0;
    ix->used--;
}
