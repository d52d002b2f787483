#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"

#include "base/array.h"

/* Access tokens by their hash: an array with a list of its free elements. Element 0 is not used. */

static uint64_t hash_token(const struct fleet *f, const uint8_t hash[32])
{
    return hash_bytes(&f->key, 0, hash, 32);
}

static uint64_t hash_of(const void *ctx, uint32_t no)
{
    const struct fleet *f = ctx;
    return hash_token(f, f->tokens.at[no].hash);
}

void fleet_tokens_init(struct fleet *f)
{
    index_init(&f->by_token, hash_of, f);
}

void fleet_tokens_free(struct fleet *f)
{
    free(f->tokens.at);
    index_free(&f->by_token);
}

uint32_t fleet_token_no(const struct fleet *f, const uint8_t hash[32])
{
    struct index_probe probe = index_probe(&f->by_token, hash_token(f, hash));
    uint32_t no;

    while ((no = index_next(&probe)) && memcmp(f->tokens.at[no].hash, hash, 32) != 0)
        ;
    return no;
}

/* Puts the elements from `first` on into the list of free elements, the lowest in front. */
static void chain_free(struct fleet *f, uint32_t first)
{
    for (uint32_t no = f->tokens.count; no-- > first;) {
        f->tokens.at[no].next_free = f->free_token;
        f->free_token = no;
    }
}

enum mu_err fleet_token_put(struct fleet *f, const struct token_row *row)
{
    uint32_t no = fleet_token_no(f, row->hash);

    if (!no) {
        uint32_t before = f->tokens.count;
        if (index_reserve(&f->by_token) != MU_OK)
            return MU_E_NOMEM;
        if (!f->free_token) {
            if (!ARRAY_RESERVE_ZERO(f->tokens.at, f->tokens.count, (size_t)before + 1))
                return MU_E_NOMEM;
            chain_free(f, before ? before : 1);
        }
        no = f->free_token;
        assert(no && no < f->tokens.count);
        f->free_token = f->tokens.at[no].next_free;
        memcpy(f->tokens.at[no].hash, row->hash, 32);
        index_add(&f->by_token, no);
        f->token_count++;
    }
    struct token *t = &f->tokens.at[no];
    t->enterprise = row->enterprise;
    t->product = row->product;
    t->expires_at = row->expires_at;
    return MU_OK;
}

void fleet_token_remove(struct fleet *f, const uint8_t hash[32])
{
    uint32_t no = fleet_token_no(f, hash);

    if (!no)
        return;
    index_remove(&f->by_token, no);
    f->tokens.at[no].next_free = f->free_token;
    f->free_token = no;
    assert(f->token_count);
    f->token_count--;
}

bool fleet_token_find(struct fleet *f, const uint8_t hash[32], struct fleet_token *out)
{
    bool found = false;

    fleet_read_lock(f);
    uint32_t no = fleet_token_no(f, hash);
    if (no) {
        const struct token *t = &f->tokens.at[no];
        const struct product *p = catalog_product(f, t->product);
        struct enterprise *e = t->enterprise < f->enterprises.count ? f->enterprises.at[t->enterprise] : NULL;
        if (p && e && !p->deleted && !e->deleted) {
            *out = (struct fleet_token){ &e->pub, &p->pub, t->expires_at };
            found = true;
        }
    }
    fleet_unlock(f);
    return found;
}
