#include "access/session_table.h"

#include <stdatomic.h>
#include <stdlib.h>

/* An array in chunks, made when the first device of a chunk logs in and kept for good. Device
 * numbers are handed out from 1 on, so a million devices fill 16 chunks of half a megabyte. */

#define CHUNK_BITS 16
#define CHUNK_SIZE (1u << CHUNK_BITS)
#define CHUNKS     (1u << (32 - CHUNK_BITS))

typedef _Atomic session_handle cell;

struct session_table {
    _Atomic(cell *) chunks[CHUNKS];
};

enum mu_err session_table_create(struct session_table **out)
{
    *out = calloc(1, sizeof(**out)); /* pages that no device touches stay unreal */
    return *out ? MU_OK : MU_E_NOMEM;
}

void session_table_destroy(struct session_table *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < CHUNKS; i++)
        free(atomic_load(&t->chunks[i]));
    free(t);
}

static cell *find(const struct session_table *t, uint32_t device)
{
    cell *chunk = atomic_load_explicit(&t->chunks[device >> CHUNK_BITS], memory_order_acquire);
    return chunk ? &chunk[device & (CHUNK_SIZE - 1)] : NULL;
}

static cell *find_or_make(struct session_table *t, uint32_t device)
{
    cell *found = find(t, device);
    if (found)
        return found;

    cell *none = NULL, *chunk = calloc(CHUNK_SIZE, sizeof(*chunk));
    if (!chunk)
        return NULL;
    if (!atomic_compare_exchange_strong(&t->chunks[device >> CHUNK_BITS], &none, chunk))
        free(chunk); /* another thread was faster */
    return find(t, device);
}

session_handle session_table_get(const struct session_table *t, uint32_t device)
{
    cell *c = find(t, device);
    return c ? atomic_load(c) : 0;
}

enum mu_err session_table_swap(struct session_table *t, uint32_t device, session_handle handle,
                               session_handle *before)
{
    cell *c = find_or_make(t, device);
    if (!c)
        return MU_E_NOMEM;
    *before = atomic_exchange(c, handle);
    return MU_OK;
}

void session_table_remove(struct session_table *t, uint32_t device, session_handle handle)
{
    cell *c = find(t, device);
    if (c)
        atomic_compare_exchange_strong(c, &handle, 0);
}
