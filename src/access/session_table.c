#include "access/session_table.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Arrays in chunks. A chunk is made when its first device logs in, and is kept. Device numbers start at 1, so a million
 * devices fill 16 chunks of three quarters of a megabyte. */

#define CHUNK_BITS 16
#define CHUNK_SIZE (1u << CHUNK_BITS)
#define CHUNKS     (1u << (32 - CHUNK_BITS))

struct chunk {
    _Atomic session_handle handles[CHUNK_SIZE];
    _Atomic uint32_t origins[CHUNK_SIZE];
};

struct session_table {
    _Atomic(struct chunk *) chunks[CHUNKS];
};

enum mu_err session_table_create(struct session_table **out)
{
    *out = calloc(1, sizeof(**out)); /* a page takes memory once it is used */
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

static struct chunk *find(const struct session_table *t, uint32_t device)
{
    return atomic_load_explicit(&t->chunks[device >> CHUNK_BITS], memory_order_acquire);
}

static struct chunk *find_or_make(struct session_table *t, uint32_t device)
{
    struct chunk *found = find(t, device), *none = NULL, *made;

    if (found)
        return found;
    if (!(made = calloc(1, sizeof(*made))))
        return NULL;
    if (!atomic_compare_exchange_strong(&t->chunks[device >> CHUNK_BITS], &none, made))
        free(made); /* another thread was faster */
    return find(t, device);
}

static unsigned within(uint32_t device)
{
    return device & (CHUNK_SIZE - 1);
}

session_handle session_table_get(const struct session_table *t, uint32_t device)
{
    struct chunk *c = find(t, device);
    return c ? atomic_load(&c->handles[within(device)]) : 0;
}

enum mu_err session_table_swap(struct session_table *t, uint32_t device, session_handle handle, session_handle *before)
{
    struct chunk *c = find_or_make(t, device);
    if (!c)
        return MU_E_NOMEM;
    *before = atomic_exchange(&c->handles[within(device)], handle);
    return MU_OK;
}

void session_table_leave(struct session_table *t, uint32_t device, session_handle handle, session_handle heir)
{
    struct chunk *c = find(t, device);
    if (c)
        atomic_compare_exchange_strong(&c->handles[within(device)], &handle, heir);
}

void session_table_let_in(struct session_table *t, uint32_t device, uint32_t origin)
{
    struct chunk *c = find_or_make(t, device);
    if (c)
        atomic_store_explicit(&c->origins[within(device)], origin, memory_order_relaxed);
}

uint32_t session_table_origin(const struct session_table *t, uint32_t device)
{
    struct chunk *c = find(t, device);
    return c ? atomic_load_explicit(&c->origins[within(device)], memory_order_relaxed) : 0;
}
