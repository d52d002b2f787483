#ifndef MUSTER_FLEET_USERS_H
#define MUSTER_FLEET_USERS_H

#include <assert.h>

#include "base/bitmap.h"
#include "fleet/plain_bits.h"
#include "fleet/columns.h"
#include "fleet/index.h"
#include "registry/rows.h"

/* Users and their bindings, for the user reports (report_users.c). They stand in chunks by number as the devices'
 * columns do: 8 bytes and two bits a user, 16 bytes a binding. Each user that a product knows takes 8 bytes more and a
 * slot of an index.
 *
 * A report goes through all bindings of all users, and asks for each whether its device is in a set. That takes a
 * nanosecond or two, as long as no branch depends on the answer, which nobody can predict. So nothing links a binding
 * with its device or its user, and nothing is to be undone when one of these is deleted. A number is never given again,
 * a deleted device is in no set, a deleted user is not counted. What is left of them goes at the next start.
 *
 * Everything here is called with the fleet locked. */
struct fleet;

struct user_chunk {
    uint32_t app[CHUNK_ROWS];
    uint32_t place[CHUNK_ROWS];         /* places.h; 0 = none */
    uint64_t counted[PLAIN_BITS_WORDS]; /* bits: the user exists and is not disabled */
    uint64_t bound[PLAIN_BITS_WORDS];   /* bits: the user has a binding, or had one */
};

/* A binding. since and until are Unix seconds (up to 2106); until is UINT32_MAX while the binding lasts. */
struct bound {
    uint32_t device, user, since, until;
};

struct bound_chunk {
    struct bound at[CHUNK_ROWS];
};

struct users {
    struct user_chunk **chunks;
    struct bound_chunk **bindings; /* a number that names no binding has device 0 */
    uint32_t chunk_count, binding_chunks;
    uint32_t last_binding;     /* the highest number */
    roaring_bitmap_t *devices; /* devices that have a binding, or had one */
};

void users_init(struct users *u);
void users_free(struct users *u);

/* MU_E_NOMEM: nothing is changed. */
MU_MUST_USE enum mu_err users_put(struct fleet *f, const struct user_brief *row);
void users_delete(struct fleet *f, uint32_t no);
MU_MUST_USE enum mu_err users_bind(struct fleet *f, const struct bound_row *row);

/* How many rows of the chunk may hold a binding: the chunk has none from this row on. */
static inline uint32_t users_bound_rows(const struct users *u, uint32_t chunk)
{
    assert(chunk < u->binding_chunks);
    if (!u->bindings[chunk])
        return 0;
    return chunk < u->last_binding >> CHUNK_BITS ? CHUNK_ROWS : (u->last_binding & (CHUNK_ROWS - 1)) + 1;
}

static inline bool users_has(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> i % 64 & 1;
}

static inline bool users_is_counted(const struct users *u, uint32_t no)
{
    const struct user_chunk *c = no >> CHUNK_BITS < u->chunk_count ? u->chunks[no >> CHUNK_BITS] : NULL;

    return c && users_has(c->counted, no & (CHUNK_ROWS - 1));
}

/* --- the users that a product knows --------------------------------------------------------------- */
struct known_user {
    uint32_t user, since;
};

struct known_users {
    struct index by_user;  /* numbers of entries of `at` */
    struct known_user *at; /* number 0 is none */
    uint32_t count, cap;   /* count includes number 0 once there is an entry */
};

void users_known_free(struct known_users *k);
/* Stores since when the user has been bound to a device of the product; a later call replaces it. MU_E_NOMEM;
 * MU_E_CORRUPT: there is no such product. */
MU_MUST_USE enum mu_err users_first_bound(struct fleet *f, const struct first_bound_row *row);

#endif
