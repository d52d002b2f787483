#ifndef MUSTER_FLEET_PLACES_H
#define MUSTER_FLEET_PLACES_H

#include "base/bitmap.h"
#include "base/hash.h"
#include "fleet/index.h"
#include "fleet/pool.h"
#include "registry/rows.h"

/* The places where devices are: a tree of countries, regions and cities. Each name is kept once. Each node has the
 * bitmap of the devices in it, so that a filter is one bitmap, or a few where a region's name occurs in two countries.
 * A device holds the number of its leaf. So does a user, but users are in no bitmap. Nodes stay: there are as many as
 * an operator or an address database has cities. Not thread-safe. */
enum place_level { PLACE_COUNTRY, PLACE_REGION, PLACE_CITY };

struct place_node {
    uint32_t parent; /* 0 for a country */
    uint32_t name;   /* block of the pool */
    uint8_t level, name_len;
    roaring_bitmap_t *devices;
};

struct places {
    struct pool *pool;
    const struct hash_key *key;
    struct index by_name;
    struct place_node *nodes; /* number 0 is none */
    uint32_t count, cap;
};

void places_init(struct places *p, struct pool *pool, const struct hash_key *key);
void places_free(struct places *p);

/* The leaf of a place, made if it is new; 0 if all three names are "". MU_E_NOMEM. */
MU_MUST_USE enum mu_err places_leaf(struct places *p, const struct place *place, uint32_t *leaf);
void places_read(const struct places *p, uint32_t leaf, struct place *out);
/* leaf may be 0. */
void places_add(struct places *p, uint32_t leaf, uint32_t device);
void places_remove(struct places *p, uint32_t leaf, uint32_t device);

/* The devices in places of these names (.at NULL = any name; at least one is given). *owned: the caller frees the
 * result. */
const roaring_bitmap_t *places_match(const struct places *p, struct str country, struct str region, struct str city,
                                     bool *owned);

#endif
