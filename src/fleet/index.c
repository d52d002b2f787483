#include "fleet/index.h"

#include <assert.h>
#include <stdlib.h>

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

static void place(uint32_t *slots, size_t mask, uint64_t hash, uint32_t no)
{
    size_t at = (size_t)hash & mask;
    while (slots[at])
        at = (at + 1) & mask;
    slots[at] = no;
}

enum mu_err index_expect(struct index *ix, size_t count)
{
    size_t size = ix->size ? ix->size : FIRST_SIZE;

    while (ix->used + count > size / 4 * 3)
        size *= 2;
    if (size == ix->size)
        return MU_OK;
    uint32_t *slots = calloc(size, sizeof(*slots));
    if (!slots)
        return MU_E_NOMEM;
    for (size_t i = 0; i < ix->size; i++) {
        if (ix->slots[i])
            place(slots, size - 1, ix->hash(ix->ctx, ix->slots[i]), ix->slots[i]);
    }
    free(ix->slots);
    ix->slots = slots;
    ix->size = size;
    return MU_OK;
}

enum mu_err index_reserve(struct index *ix)
{
    return ix->used + 1 <= ix->size / 4 * 3 ? MU_OK : index_expect(ix, 1);
}

void index_add(struct index *ix, uint32_t no)
{
    assert(no && ix->used < ix->size);
    place(ix->slots, ix->size - 1, ix->hash(ix->ctx, no), no);
    ix->used++;
}

void index_remove(struct index *ix, uint32_t no)
{
    size_t mask = ix->size - 1, at = (size_t)ix->hash(ix->ctx, no) & mask;

    assert(ix->size);
    while (ix->slots[at] != no) {
        assert(ix->slots[at]);
        at = (at + 1) & mask;
    }
    /* What follows moves up if it could not be found across the gap any more. */
    for (size_t next = (at + 1) & mask; ix->slots[next]; next = (next + 1) & mask) {
        size_t home = (size_t)ix->hash(ix->ctx, ix->slots[next]) & mask;
        if (((next - home) & mask) >= ((next - at) & mask)) {
            ix->slots[at] = ix->slots[next];
            at = next;
        }
    }
    ix->slots[at] = 0;
    ix->used--;
}
