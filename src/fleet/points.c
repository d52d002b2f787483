#include "fleet/points.h"

#include <stdlib.h>

#include "base/array.h"

static uint64_t hash_point(const void *ctx, uint32_t no)
{
    const struct points *p = ctx;
    return hash_bytes(p->key, p->at[no].kind, p->at[no].name, p->at[no].len);
}

void points_init(struct points *p, const struct hash_key *key)
{
    *p = (struct points){ .key = key, .count = 1 };
    index_init(&p->by_name, hash_point, p);
}

void points_free(struct points *p)
{
    for (uint32_t i = 1; i < p->count; i++)
        free(p->at[i].name);
    free(p->at);
    index_free(&p->by_name);
}

uint32_t points_find(const struct points *p, enum fleet_event_kind kind, struct str name)
{
    struct index_probe probe = index_probe(&p->by_name, hash_bytes(p->key, kind, name.at, name.len));
    uint32_t no;

    while ((no = index_next(&probe))) {
        if (p->at[no].kind == kind && str_eq(points_name(p, no), name))
            break;
    }
    return no;
}

enum mu_err points_no(struct points *p, enum fleet_event_kind kind, struct str name, uint32_t *no)
{
    if ((*no = points_find(p, kind, name)))
        return MU_OK;
    if (index_reserve(&p->by_name) != MU_OK)
        return MU_E_NOMEM;
    if (!ARRAY_RESERVE(p->at, p->cap, p->count + 1))
        return MU_E_NOMEM;
    char *copy = malloc(name.len + 1);
    if (!copy)
        return MU_E_NOMEM;
    memcpy(copy, name.at, name.len);
    copy[name.len] = '\0';
    p->at[p->count] = (struct point){ copy, name.len, kind };
    *no = p->count++;
    index_add(&p->by_name, *no);
    return MU_OK;
}
