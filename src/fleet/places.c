#include "fleet/places.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>

#include "base/array.h"

/* The tree of places, and the bitmap of devices in each. */

static struct str name_of(const struct places *p, const struct place_node *node)
{
    return (struct str){ node->name_len ? pool_at(p->pool, node->name) : "", node->name_len };
}

static uint64_t hash_name(const struct places *p, uint32_t parent, enum place_level level, struct str name)
{
    return hash_bytes(p->key, (uint64_t)parent << 2 | level, name.at, name.len);
}

static uint64_t hash_node(const void *ctx, uint32_t no)
{
    const struct places *p = ctx;
    const struct place_node *node = &p->nodes[no];
    return hash_name(p, node->parent, node->level, name_of(p, node));
}

void places_init(struct places *p, struct pool *pool, const struct hash_key *key)
{
    *p = (struct places){ .pool = pool, .key = key, .count = 1 };
    index_init(&p->by_name, hash_node, p);
}

void places_free(struct places *p)
{
    for (uint32_t i = 1; i < p->count; i++)
        roaring_bitmap_free(p->nodes[i].devices);
    free(p->nodes);
    index_free(&p->by_name);
}

static enum mu_err add_node(struct places *p, uint32_t parent, enum place_level level, struct str name, uint32_t *no)
{
    struct place_node node = { .parent = parent, .level = (uint8_t)level, .name_len = (uint8_t)name.len };

    assert(name.len <= UINT8_MAX && parent < p->count);
    if (index_reserve(&p->by_name) != MU_OK)
        return MU_E_NOMEM;
    if (!ARRAY_RESERVE(p->nodes, p->cap, p->count + 1))
        return MU_E_NOMEM;
    if (!(node.devices = roaring_bitmap_create()))
        return MU_E_NOMEM;
    if (name.len) {
        if (!(node.name = pool_alloc(p->pool, name.len))) {
            roaring_bitmap_free(node.devices);
            return MU_E_NOMEM;
        }
        memcpy(pool_at(p->pool, node.name), name.at, name.len);
    }
    *no = p->count++;
    p->nodes[*no] = node;
    index_add(&p->by_name, *no);
    return MU_OK;
}

static enum mu_err child(struct places *p, uint32_t parent, enum place_level level, const char *text, uint32_t *no)
{
    struct str name = str_of(text);
    struct index_probe probe = index_probe(&p->by_name, hash_name(p, parent, level, name));

    while ((*no = index_next(&probe))) {
        const struct place_node *node = &p->nodes[*no];
        if (node->parent == parent && node->level == level && str_eq(name_of(p, node), name))
            return MU_OK;
    }
    return add_node(p, parent, level, name, no);
}

enum mu_err places_leaf(struct places *p, const struct place *place, uint32_t *leaf)
{
    const char *names[] = { place->country, place->region, place->city };

    *leaf = 0;
    if (!place->country[0] && !place->region[0] && !place->city[0])
        return MU_OK;
    for (enum place_level level = PLACE_COUNTRY; level <= PLACE_CITY; level++) {
        enum mu_err err = child(p, *leaf, level, names[level], leaf);
        if (err != MU_OK)
            return err;
    }
    return MU_OK;
}

void places_read(const struct places *p, uint32_t leaf, struct place *out)
{
    char *names[] = { out->country, out->region, out->city };

    assert(leaf < p->count);
    for (enum place_level level = PLACE_COUNTRY; level <= PLACE_CITY; level++)
        names[level][0] = '\0';
    for (uint32_t no = leaf; no; no = p->nodes[no].parent) {
        struct str name = name_of(p, &p->nodes[no]);
        memcpy(names[p->nodes[no].level], name.at, name.len);
        names[p->nodes[no].level][name.len] = '\0';
    }
}

void places_add(struct places *p, uint32_t leaf, uint32_t device)
{
    assert(leaf < p->count);
    for (uint32_t no = leaf; no; no = p->nodes[no].parent)
        roaring_bitmap_add(p->nodes[no].devices, device);
}

void places_remove(struct places *p, uint32_t leaf, uint32_t device)
{
    assert(leaf < p->count);
    for (uint32_t no = leaf; no; no = p->nodes[no].parent)
        roaring_bitmap_remove(p->nodes[no].devices, device);
}

static bool matches(const struct places *p, uint32_t no, const struct str wanted[])
{
    for (; no; no = p->nodes[no].parent) {
        const struct place_node *node = &p->nodes[no];
        if (wanted[node->level].at && !str_eq(name_of(p, node), wanted[node->level]))
            return false;
    }
    return true;
}

const roaring_bitmap_t *places_match(const struct places *p, struct str country, struct str region, struct str city,
                                     bool *owned)
{
    const struct str wanted[] = { country, region, city };
    enum place_level level = city.at ? PLACE_CITY : region.at ? PLACE_REGION : PLACE_COUNTRY;
    const roaring_bitmap_t *only = NULL;
    roaring_bitmap_t *sum = NULL;

    assert(country.at || region.at || city.at);
    for (uint32_t no = 1; no < p->count; no++) {
        const struct place_node *node = &p->nodes[no];
        if (node->level != level || !matches(p, no, wanted))
            continue;
        if (!only)
            only = node->devices;
        else if (!sum)
            sum = roaring_bitmap_or(only, node->devices);
        else
            roaring_bitmap_or_inplace(sum, node->devices);
    }
    if (!only)
        sum = roaring_bitmap_create();
    *owned = sum != NULL;
    return sum ? sum : only;
}
