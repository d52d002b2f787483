#ifndef MUSTER_FLEET_FLEET_PARTS_H
#define MUSTER_FLEET_FLEET_PARTS_H

#include "base/bitmap.h"
#include "fleet/columns.h"
#include "fleet/events.h"
#include "fleet/fleet.h"
#include "fleet/history.h"
#include "fleet/mac_order.h"
#include "fleet/order.h"
#include "fleet/place_order.h"
#include "fleet/places.h"
#include "fleet/plain_bits.h"
#include "fleet/points.h"
#include "fleet/pool.h"
#include "fleet/users.h"

/* The parts of the index, for the rooms that go over all of it: reports count it, the check recounts it, the committer
 * folds its days and sweeps what deleted devices left. Everything here is called with the fleet locked, or by somebody
 * who is alone with the fleet. */

void fleet_read_lock(struct fleet *f);
void fleet_write_lock(struct fleet *f);
void fleet_unlock(struct fleet *f);

/* Ends the program. Without memory, what is committed can neither be shown nor taken back; a restart rebuilds the
 * fleet. For the places where no error can be returned. */
_Noreturn void fleet_out_of_memory(void);

struct product {
    struct fleet_product pub;    /* first: a fleet_product is a product */
    struct product_version *row; /* the newest */
    struct definition *definitions;
    bool deleted;
    roaring_bitmap_t *all, *enabled, *online, *faulty, *alert;
    struct order order;
    struct mac_order by_mac;
    struct events events;
    struct known_users users;
    _Atomic uint64_t undecoded[UNDECODED_COUNT];
};

/* The highest number of a product is below it. */
uint32_t fleet_product_end(const struct fleet *f);
/* Also a deleted product; NULL = never existed. */
struct product *catalog_product(const struct fleet *f, uint32_t no);

struct group {
    uint32_t product; /* 0 = no such group, or no longer */
    uint32_t parent, first_child, next_sibling;
    char gid[ID_HEX_LEN + 1];
    roaring_bitmap_t *members; /* direct members */
    roaring_bitmap_t *subtree; /* with those of all groups below; NULL until somebody asks */
};

/* NULL: there never was such a group. */
const struct group *fleet_group_at(const struct fleet *f, uint32_t no);
/* The devices of a group and of all groups below it. Valid while the fleet is locked; several readers may ask at once.
 * NULL: there is no such group. */
const roaring_bitmap_t *fleet_group_subtree(struct fleet *f, uint32_t no);

/* The highest number of an app is below it. */
uint32_t fleet_app_end(const struct fleet *f);
bool fleet_app_has(const struct fleet *f, uint32_t no, uint32_t product);

const struct columns *fleet_columns(const struct fleet *f);
const struct places *fleet_places(const struct fleet *f);
const struct pool *fleet_pool(const struct fleet *f);
const struct points *fleet_points(const struct fleet *f);
const struct users *fleet_users(const struct fleet *f);
const struct history *fleet_history(const struct fleet *f);
/* The days of activity, to fold them and to drop them. */
struct day_sets *fleet_active_sets(struct fleet *f);

/* Device numbers that name no device, or no longer, but have records in the journal: sweep.h. */
struct leftovers {
    roaring_bitmap_t *devices; /* state, versions */
    roaring_bitmap_t *with_events;
};
struct leftovers *fleet_leftovers(struct fleet *f);

/* The civil day of a moment, and the first second (Unix) of a day. */
int32_t fleet_day(const struct fleet *f, uint32_t unix_s);
int64_t fleet_day_start(const struct fleet *f, int32_t day);

void fleet_device_read(const struct fleet *f, uint32_t no, struct columns_row r, struct fleet_device *out);
/* All devices that match; the caller frees the set. active_since is ignored. Without memory, the program ends. */
struct plain_bits fleet_search_match(struct fleet *f, const struct fleet_filter *filter);

#endif
