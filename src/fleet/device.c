#include <assert.h>
#include <math.h>
#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"

/* A device's row, its blocks of the pool, and its place in indexes, bitmaps and order. */

static const double DEGREE = 1e7;

/* --- indexes --------------------------------------------------------------------------------- */

uint64_t fleet_device_hash_mac(const struct fleet *f, uint32_t product, struct str mac)
{
    return hash_bytes(&f->key, product, mac.at, mac.len);
}

static uint64_t hash_mac(const void *ctx, uint32_t no)
{
    const struct fleet *f = ctx;
    struct columns_row r = columns_row(&f->columns, no);
    char room[LIMIT_MAC + 1];

    assert(r.c); /* a device leaves the index before its row is cleared */
    return fleet_device_hash_mac(f, r.c->product[r.i], fleet_device_mac(f, r, room));
}

static uint64_t hash_did(const void *ctx, uint32_t no)
{
    const struct fleet *f = ctx;
    struct columns_row r = columns_row(&f->columns, no);
    return hash_bytes(&f->key, 0, r.c->did[r.i], DID_PACKED);
}

void fleet_devices_init(struct fleet *f)
{
    places_init(&f->places, &f->pool, &f->key);
    versions_init(&f->versions, &f->pool, &f->key);
    index_init(&f->by_did, hash_did, f);
    index_init(&f->by_mac, hash_mac, f);
}

void fleet_devices_free(struct fleet *f)
{
    index_free(&f->by_did);
    index_free(&f->by_mac);
    places_free(&f->places);
    versions_free(&f->versions);
    columns_free(&f->columns);
}

/* --- bitmaps --------------------------------------------------------------------------------- */

static void set_bit(roaring_bitmap_t *bitmap, uint32_t no, bool on)
{
    if (on)
        roaring_bitmap_add(bitmap, no);
    else
        roaring_bitmap_remove(bitmap, no);
}

void fleet_device_set_flag(struct fleet *f, uint32_t no, struct columns_row r, enum device_flag flag, bool on)
{
    uint8_t *flags = &r.c->flags[r.i];
    struct product *p = catalog_product(f, r.c->product[r.i]);

    assert(p);
    if (!!(*flags & flag) == on)
        return;
    if (flag == DEVICE_DISABLED)
        past_device_changes(f, no);
    *flags = (uint8_t)(*flags ^ flag);
    if (flag == DEVICE_ONLINE) {
        set_bit(p->online, no, on);
        assert(on || f->online_count);
        f->online_count += on ? 1 : (uint64_t)-1;
    } else if (flag == DEVICE_FAULTY) {
        set_bit(p->faulty, no, on);
    } else if (flag == DEVICE_ALERT) {
        set_bit(p->alert, no, on);
    } else if (flag == DEVICE_DISABLED) {
        set_bit(p->enabled, no, !on);
    }
}

/* Adds a device to everything that finds it by product, did, mac or created_at. */
static void link_product(struct fleet *f, uint32_t no, struct columns_row r)
{
    struct product *p = catalog_product(f, r.c->product[r.i]);
    uint8_t flags = r.c->flags[r.i];

    assert(p);
    roaring_bitmap_add(p->all, no);
    set_bit(p->enabled, no, !(flags & DEVICE_DISABLED));
    set_bit(p->online, no, flags & DEVICE_ONLINE);
    set_bit(p->faulty, no, flags & DEVICE_FAULTY);
    set_bit(p->alert, no, flags & DEVICE_ALERT);
    index_add(&f->by_did, no);
    index_add(&f->by_mac, no);
    order_add(&p->order, &f->columns, no);
    mac_order_add(&p->by_mac, no);
}

static void unlink_product(struct fleet *f, uint32_t no, struct columns_row r)
{
    struct product *p = catalog_product(f, r.c->product[r.i]);

    assert(p);
    past_device_changes(f, no);
    roaring_bitmap_t *bitmaps[] = { p->all, p->enabled, p->online, p->faulty, p->alert };

    for (size_t i = 0; i < sizeof(bitmaps) / sizeof(bitmaps[0]); i++)
        roaring_bitmap_remove(bitmaps[i], no);
    index_remove(&f->by_did, no);
    index_remove(&f->by_mac, no);
    order_remove(&p->order, &f->columns, no);
}

static void set_group(struct fleet *f, uint32_t no, struct columns_row r, uint32_t group)
{
    uint32_t old = r.c->group[r.i];

    if (old == group)
        return;
    past_device_changes(f, no);
    if (old)
        fleet_group_set_member(f, old, no, false);
    if (group)
        fleet_group_set_member(f, group, no, true);
    r.c->group[r.i] = group;
}

static void set_place(struct fleet *f, uint32_t no, struct columns_row r, uint32_t leaf)
{
    uint32_t old = r.c->place[r.i];

    assert(leaf < f->places.count);
    if (old == leaf)
        return;
    past_device_changes(f, no);
    places_remove(&f->places, old, no);
    places_add(&f->places, leaf, no);
    r.c->place[r.i] = leaf;
}

void fleet_device_set_versions(struct fleet *f, struct columns_row r, const struct journal_versions *set)
{
    uint32_t no;

    if (versions_take(&f->versions, set, &no) != MU_OK)
        fleet_out_of_memory();
    versions_drop(&f->versions, r.c->told[r.i].versions);
    r.c->told[r.i].versions = no;
}

/* --- rows from the registry ------------------------------------------------------------------ */

static int32_t degrees_fixed(double degrees)
{
    double v = round(degrees * DEGREE);
    return v >= INT32_MAX ? INT32_MAX : v <= INT32_MIN ? INT32_MIN : (int32_t)v;
}

static uint8_t configured_flags(const struct device_row *row)
{
    return (uint8_t)((row->is_disabled ? DEVICE_DISABLED : 0) | (row->place_source != PLACE_NONE ? DEVICE_PLACED : 0) |
                     (row->has_coordinates ? DEVICE_COORDINATES : 0) | row->type << DEVICE_TYPE_SHIFT);
}

static void move_events(struct fleet *f, struct columns_row r, struct product *to)
{
    struct events *from = &catalog_product(f, r.c->product[r.i])->events;

    if (events_move(from, &to->events, &f->pool, &r.c->events[r.i]) != MU_OK)
        fleet_out_of_memory();
}

/* Does everything that can fail before anything is changed: a row is taken in wholly or not at all. */
static enum mu_err reserve(struct fleet *f, struct product *p, const struct device_row *row, uint32_t *leaf)
{
    if (columns_reserve(&f->columns, row->no) != MU_OK || index_reserve(&f->by_did) != MU_OK ||
        index_reserve(&f->by_mac) != MU_OK || order_reserve(&p->order) != MU_OK ||
        (row->group && fleet_group_reserve(f, row->group) != MU_OK))
        return MU_E_NOMEM;
    return places_leaf(&f->places, &row->place, leaf);
}

uint32_t fleet_last_device(const struct fleet *f)
{
    return f->last_device;
}

/* With room for some more: an index that grows later makes everybody wait. */
enum mu_err fleet_devices_expect(struct fleet *f, uint32_t count)
{
    size_t room = (size_t)count + count / 8;
    enum mu_err err = index_expect(&f->by_did, room);
    return err == MU_OK ? index_expect(&f->by_mac, room) : err;
}

enum mu_err fleet_device_put(struct fleet *f, const struct device_row *row)
{
    struct str mac = str_of(row->mac), passcode = str_of(row->passcode), sn = str_of(row->device_sn);
    struct product *p = catalog_product(f, row->product);
    uint8_t did[DID_PACKED];
    uint32_t leaf;
    enum mu_err err;

    if (!p || !row->no || !did_pack(str_of(row->did), did))
        return MU_E_CORRUPT;
    index_prefetch(&f->by_did, hash_bytes(&f->key, 0, did, DID_PACKED));
    index_prefetch(&f->by_mac, fleet_device_hash_mac(f, row->product, mac));
    if ((err = reserve(f, p, row, &leaf)) != MU_OK)
        return err;

    struct columns_row r = columns_row(&f->columns, row->no);
    bool is_new = !r.c;
    if (is_new) {
        r.c = f->columns.chunks[row->no >> CHUNK_BITS];
        columns_clear(r.c, r.i);
    }
    struct fleet_device_texts old = { 0 };
    char room[LIMIT_MAC + 1];
    if (!is_new)
        old = fleet_device_texts(f, r);
    bool same_mac = !is_new && str_eq(fleet_device_mac(f, r, room), mac);
    bool same_texts = same_mac && str_eq(old.sn, sn) && str_eq(old.passcode, passcode);
    bool same_keys = !is_new && r.c->product[r.i] == row->product &&
                     r.c->created_at[r.i] == columns_seconds(row->created_at) &&
                     memcmp(r.c->did[r.i], did, DID_PACKED) == 0 && same_mac;
    uint32_t block = 0;
    if (!same_texts && !(block = fleet_device_store_texts(f, mac, passcode, sn)))
        return MU_E_NOMEM;

    if (!is_new && !same_keys) {
        unlink_product(f, row->no, r);
        if (r.c->product[r.i] != row->product)
            move_events(f, r, p);
        else
            mac_order_forget(&p->by_mac);
    }
    if (block) {
        if (!is_new)
            fleet_device_free_texts(f, r);
        r.c->text[r.i] = block;
    }
    if (row->no > f->last_device)
        f->last_device = row->no;
    r.c->product[r.i] = row->product;
    r.c->created_at[r.i] = columns_seconds(row->created_at);
    memcpy(r.c->did[r.i], did, DID_PACKED);
    r.c->longitude[r.i] = degrees_fixed(row->longitude);
    r.c->latitude[r.i] = degrees_fixed(row->latitude);
    uint8_t told = r.c->flags[r.i] & (DEVICE_ONLINE | DEVICE_FAULTY | DEVICE_ALERT);
    uint8_t configured = configured_flags(row);
    if (same_keys)
        fleet_device_set_flag(f, row->no, r, DEVICE_DISABLED, row->is_disabled);
    r.c->flags[r.i] = told | configured;
    if (!same_keys)
        link_product(f, row->no, r);
    set_group(f, row->no, r, row->group);
    set_place(f, row->no, r, leaf);
    fleet_device_check_online(f, row->no, r);
    if (is_new)
        f->device_count++;
    return MU_OK;
}

void fleet_device_check_online(const struct fleet *f, uint32_t no, struct columns_row r)
{
    const uint8_t both = DEVICE_ONLINE | DEVICE_DISABLED;

    if ((r.c->flags[r.i] & both) == both && f->disabled_online)
        f->disabled_online(f->disabled_online_ctx, no);
}

void fleet_device_delete(struct fleet *f, uint32_t no)
{
    struct columns_row r = columns_row(&f->columns, no);

    if (!r.c)
        return;
    fleet_device_set_flag(f, no, r, DEVICE_DISABLED, true);
    fleet_device_check_online(f, no, r);
    fleet_device_set_flag(f, no, r, DEVICE_ONLINE, false);
    unlink_product(f, no, r);
    roaring_bitmap_add(f->leftovers.devices, no);
    if (r.c->events[r.i])
        roaring_bitmap_add(f->leftovers.with_events, no);
    events_drop(&catalog_product(f, r.c->product[r.i])->events, &f->pool, &r.c->events[r.i]);
    history_activated(f, no, r, 0);
    history_forget(f, no);
    set_group(f, no, r, 0);
    set_place(f, no, r, 0);
    fleet_device_free_texts(f, r);
    fleet_device_free_image(f, r);
    versions_drop(&f->versions, r.c->told[r.i].versions);
    columns_clear(r.c, r.i);
    assert(f->device_count);
    f->device_count--;
}
