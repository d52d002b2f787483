#include "fleet/users.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>

#include "base/array.h"
#include "fleet/fleet_internal.h"

/* Users and bindings in the fleet, and the users that each product knows. */

void users_init(struct users *u)
{
    if (!(u->devices = roaring_bitmap_create()))
        fleet_out_of_memory();
}

void users_free(struct users *u)
{
    columns_chunks_free(u->chunks, u->chunk_count);
    columns_chunks_free(u->bindings, u->binding_chunks);
    roaring_bitmap_free(u->devices);
}

/* --- users ----------------------------------------------------------------------------------- */

static enum mu_err reserve(struct users *u, uint32_t no)
{
    return columns_chunks_reserve(&u->chunks, &u->chunk_count, no, sizeof(struct user_chunk));
}

static void set_bit(uint64_t *bits, uint32_t i, bool on)
{
    uint64_t bit = UINT64_C(1) << i % 64;

    assert(i < CHUNK_ROWS);
    bits[i / 64] = on ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

enum mu_err users_put(struct fleet *f, const struct user_brief *row)
{
    struct users *u = &f->users;
    uint32_t i = row->no & (CHUNK_ROWS - 1), leaf;
    enum mu_err err;

    if ((err = reserve(u, row->no)) != MU_OK || (err = places_leaf(&f->places, &row->place, &leaf)) != MU_OK)
        return err;
    struct user_chunk *c = u->chunks[row->no >> CHUNK_BITS];
    if (users_has(c->bound, i) && (users_has(c->counted, i) == row->is_disabled || c->app[i] != row->app))
        past_changes(f);
    set_bit(c->counted, i, !row->is_disabled);
    c->app[i] = row->app;
    c->place[i] = leaf;
    return MU_OK;
}

void users_delete(struct fleet *f, uint32_t no)
{
    uint32_t i = no & (CHUNK_ROWS - 1);

    if (!users_is_counted(&f->users, no))
        return;
    struct user_chunk *c = f->users.chunks[no >> CHUNK_BITS];
    if (users_has(c->bound, i))
        past_changes(f);
    set_bit(c->counted, i, false);
}

/* --- bindings -------------------------------------------------------------------------------- */

enum mu_err users_bind(struct fleet *f, const struct bound_row *row)
{
    struct users *u = &f->users;
    enum mu_err err;

    if ((err = reserve(u, row->user)) != MU_OK ||
        (err = columns_chunks_reserve(&u->bindings, &u->binding_chunks, row->no, sizeof(struct bound_chunk))) != MU_OK)
        return err;
    struct bound *b = &u->bindings[row->no >> CHUNK_BITS]->at[row->no & (CHUNK_ROWS - 1)];
    struct bound now = { row->device, row->user, columns_seconds(row->since),
                         row->until ? columns_seconds(row->until) : UINT32_MAX };
    if (!b->device || b->since != now.since)
        past_moment_changes(f, b->device && b->since < now.since ? b->since : now.since);
    else if (b->until != now.until)
        past_moment_changes(f, b->until < now.until ? b->until : now.until);
    *b = now;
    u->last_binding = row->no > u->last_binding ? row->no : u->last_binding;
    roaring_bitmap_add(u->devices, row->device);
    set_bit(u->chunks[row->user >> CHUNK_BITS]->bound, row->user & (CHUNK_ROWS - 1), true);
    return MU_OK;
}

/* --- the users that a product knows ---------------------------------------------------------- */

static uint64_t hash_known(const void *ctx, uint32_t no)
{
    const struct known_users *k = ctx;
    return hash_number(k->at[no].user);
}

void users_known_free(struct known_users *k)
{
    index_free(&k->by_user);
    free(k->at);
    *k = (struct known_users){ 0 };
}

static enum mu_err make_room(struct known_users *k)
{
    if (!k->cap)
        index_init(&k->by_user, hash_known, k);
    if (!ARRAY_RESERVE(k->at, k->cap, k->count + 2))
        return MU_E_NOMEM;
    k->count = k->count ? k->count : 1;
    return index_reserve(&k->by_user);
}

enum mu_err users_first_bound(struct fleet *f, const struct first_bound_row *row)
{
    struct product *p = catalog_product(f, row->product);
    uint32_t no;
    enum mu_err err;

    if (!p)
        return MU_E_CORRUPT;
    struct known_users *k = &p->users;
    struct index_probe probe = index_probe(&k->by_user, hash_number(row->user));
    while ((no = index_next(&probe)) && k->at[no].user != row->user)
        ;
    if (!no) {
        if ((err = make_room(k)) != MU_OK)
            return err;
        no = k->count++;
        k->at[no].user = row->user;
        index_add(&k->by_user, no);
    }
    assert(no < k->count);
    k->at[no].since = columns_seconds(row->since);
    return MU_OK;
}
