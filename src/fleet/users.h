#ifndef MUSTER_FLEET_USERS_H
#define MUSTER_FLEET_USERS_H

#include <roaring/roaring.h>

#include "fleet/plain_bits.h"
#include "fleet/columns.h"
#include "fleet/index.h"
#include "registry/rows.h"

/* Users and their bindings, for the user reports (report_users.c): 8 bytes and two bits a user and 16
 * bytes a binding, in chunks by number as the devices' columns are, and 8 bytes and a slot of an index
 * for each user that a product knows.
 *
 * A report goes through all bindings, whosever they are, and asks each whether its device is in a set: a
 * nanosecond or two, as long as no branch hangs on the answer, which nobody can predict. So nothing links
 * a binding with its device or its user, and nothing is to be undone when one of these is deleted: a
 * number is never given again, a deleted device is in no set, a deleted user is not counted. What is left
 * of them goes at the next start.
 *
 * Everything here is called with the fleet locked. */
struct fleet;

struct user_chunk {
    uint32_t app[CHUNK_ROWS];
    uint32_t place[CHUNK_ROWS];         /* places.h; 0 = none */
    uint64_t counted[PLAIN_BITS_WORDS]; /* bits: there is such a user, and he is not disabled */
    uint64_t bound[PLAIN_BITS_WORDS];   /* bits: has a binding, or had one */
};

/* Unix seconds, until 2106; until is UINT32_MAX while it holds. */
struct bound {
    uint32_t device, user, since, until;
};

struct bound_chunk {
    struct bound at[CHUNK_ROWS];
};

struct users {
    struct user_chunk **chunks;
    struct bound_chunk **bindings; /* a number that names none has device 0 */
    uint32_t chunk_count, binding_chunks;
    uint32_t last_binding;     /* the highest number */
    roaring_bitmap_t *devices; /* that have a binding, or had one */
};

void users_init(struct users *u);
void users_free(struct users *u);

/* MU_E_NOMEM: nothing is changed. */
MU_MUST_USE enum mu_err users_put(struct fleet *f, const struct user_brief *row);
void users_delete(struct fleet *f, uint32_t no);
MU_MUST_USE enum mu_err users_bind(struct fleet *f, const struct bound_row *row);

/* The bindings of a chunk end behind so many. */
static inline uint32_t users_bound_rows(const struct users *u, uint32_t chunk)
{
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
    struct index by_user;  /* of entries */
    struct known_user *at; /* number 0 is none */
    uint32_t count, cap;   /* count: with number 0, once there is any */
};

void users_known_free(struct known_users *k);
/* Since when: the last word is taken. MU_E_NOMEM; MU_E_CORRUPT: there is no such product. */
MU_MUST_USE enum mu_err users_first_bound(struct fleet *f, const struct first_bound_row *row);

#endif
