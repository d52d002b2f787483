#ifndef MUSTER_FLEET_FLEET_INTERNAL_H
#define MUSTER_FLEET_FLEET_INTERNAL_H

#include <pthread.h>

#include "base/hash.h"
#include "fleet/fleet_apply.h"
#include "fleet/fleet_parts.h"
#include "fleet/index.h"
#include "fleet/past.h"
#include "fleet/versions.h"

/* How the fleet is built. Only the files of this folder include this; fleet_parts.h is what others may see.
 *
 *   did ─► by_did ─┐                       ┌─► pool: texts, image          columns.h, pool.h
 *   product, mac ──┴► device number ─► row ┼─► versions, place (interned)  versions.h, places.h
 *      by_mac                              └─► product, group
 *                                                 │
 *   bitmaps of device numbers:  product: all, enabled, online, faulty, alert
 *                               group: its direct members;  place: country, region, city
 *   order of a product's devices: newest first      order.h
 *   the same by mac, sorted at the first question   mac_order.h
 *   what devices have done, by day                  history.h
 *   whether answers about past days still hold      past.h
 *   faults and alerts of a product's devices        events.h
 *   users, what they are or were bound to, and
 *   which users a product knows                     users.h
 *
 * A row takes 110 bytes, in columns by device number. What has no fixed size (texts, state image) is a block of a pool.
 * What many devices share (place, versions) is a number. In all a device takes about 160 bytes, plus its image and a
 * bit for each of the 400 days of activity that are kept. The 160 bytes include its texts, its slots in two hash
 * indexes (index.h, 4 bytes a slot), its entry in the order (4 bytes) and its bits in the bitmaps.
 *
 * A search intersects bitmaps: its total is the cardinality. If the result is a good part of the product, the page is
 * read off the product's order; if it is small, it is sorted (search.c).
 *
 * One reader-writer lock guards all of it. Writers go first, so that readers cannot starve the committer. The
 * committer's thread is the only writer, so it reads without the lock. Catalog objects are only ever added: a pointer
 * to one outlives the lock. */

struct product_version {
    struct product_row row;
    struct product_version *older;
};

struct enterprise_version {
    struct enterprise_row row;
    struct enterprise_version *older;
};

struct definition {
    struct fleet_definition pub;
    struct definition *next;
};

struct enterprise {
    struct fleet_enterprise pub; /* first */
    struct enterprise_version *row;
    struct quota own_quota, own_granted; /* pub.quota and pub.share.granted, where no file keeps them */
    bool deleted;
};

struct token {
    uint8_t hash[32];
    uint32_t enterprise, product;
    int64_t expires_at;
    uint32_t next_free;
};

struct app {
    uint32_t *products;
    size_t count;
};

/* A growable array of T by number. */
#define NUMBERED(T)     \
    struct {            \
        T *at;          \
        uint32_t count; \
    }

struct fleet {
    pthread_rwlock_t lock;
    struct hash_key key;

    NUMBERED(struct product *) products;
    NUMBERED(struct enterprise *) enterprises;
    NUMBERED(struct group) groups;
    NUMBERED(struct token) tokens;
    NUMBERED(struct app) apps;
    struct users users;
    struct history history;
    struct leftovers leftovers;          /* the committer's thread alone */
    const struct calendar *calendar;     /* NULL: days are those of UTC */
    struct quota_file *quotas, *granted; /* NULL: quotas are in memory only */
    struct past past;
    pthread_mutex_t order_lock; /* product.by_mac, place_order and group.subtree while readers update them */
    uint32_t subtree_count;     /* groups that have a subtree; under order_lock too */
    uint32_t free_token;
    struct index by_product_key, by_enterprise_id, by_gid, by_token;

    struct pool pool;
    struct columns columns;
    struct places places;
    struct place_order place_order;
    struct versions versions;
    struct points points;
    struct index by_did, by_mac;

    void (*disabled_online)(void *ctx, uint32_t device); /* NULL = nobody watches */
    void *disabled_online_ctx;

    uint64_t unusable_states; /* found at the start; their definition is gone */
    uint32_t last_device;     /* the highest device number that has been put in */
    uint64_t boot;            /* the number of this start, in which all live sessions began */
    uint64_t device_count, online_count, token_count, product_count, enterprise_count;
};

/* catalog.c: everything below is called with the lock held. */
void catalog_init(struct fleet *f);
void catalog_free(struct fleet *f);
const struct fleet_definition *catalog_definition(const struct product *p, uint32_t version);
MU_MUST_USE enum mu_err catalog_put_enterprise(struct fleet *f, const struct enterprise_row *row);
MU_MUST_USE enum mu_err catalog_put_product(struct fleet *f, const struct product_row *row);
void catalog_associate(struct fleet *f, const struct association_row *row, bool removed);
void catalog_delete_enterprise(struct fleet *f, uint32_t no);
void catalog_delete_product(struct fleet *f, uint32_t no);

/* definition.c. It takes the lock itself, since compiling takes long. */
MU_MUST_USE enum mu_err fleet_definition_put(struct fleet *f, const struct definition_row *row);
void fleet_definition_free(struct definition *d);

/* token.c */
void fleet_tokens_init(struct fleet *f);
void fleet_tokens_free(struct fleet *f);
MU_MUST_USE enum mu_err fleet_token_put(struct fleet *f, const struct token_row *row);
void fleet_token_remove(struct fleet *f, const uint8_t hash[32]);
uint32_t fleet_token_no(const struct fleet *f, const uint8_t hash[32]); /* 0 = none */

/* app.c */
void fleet_apps_free(struct fleet *f);
MU_MUST_USE enum mu_err fleet_app_put(struct fleet *f, const struct app_row *row, const uint32_t *products,
                                      size_t count);
void fleet_app_delete(struct fleet *f, uint32_t no);

/* group.c */
void fleet_groups_init(struct fleet *f);
void fleet_groups_free(struct fleet *f);
MU_MUST_USE enum mu_err fleet_group_put(struct fleet *f, const struct group_row *row);
/* Makes sure that the group of this number has a bitmap. */
MU_MUST_USE enum mu_err fleet_group_reserve(struct fleet *f, uint32_t no);
void fleet_group_delete(struct fleet *f, uint32_t no);
/* A device has entered the group, or left it. */
void fleet_group_set_member(struct fleet *f, uint32_t no, uint32_t device, bool is);

/* device.c */
void fleet_devices_init(struct fleet *f);
void fleet_devices_free(struct fleet *f);
MU_MUST_USE enum mu_err fleet_device_put(struct fleet *f, const struct device_row *row);
void fleet_device_delete(struct fleet *f, uint32_t no);
/* Sets a flag that the device reports (online, faulty, alert), or the disabled flag. */
void fleet_device_set_flag(struct fleet *f, uint32_t no, struct columns_row r, enum device_flag flag, bool on);
void fleet_device_set_versions(struct fleet *f, struct columns_row r, const struct journal_versions *set);
/* Tells the watcher (fleet_watch_disabled) if the device is online and must not be. */
void fleet_device_check_online(const struct fleet *f, uint32_t no, struct columns_row r);
uint64_t fleet_device_hash_mac(const struct fleet *f, uint32_t product, struct str mac);

/* device_read.c */
/* The number of the session that this node holds; 0 = it holds none. */
static inline uint64_t fleet_device_session(struct columns_row r)
{
    return r.c->told[r.i].mine ? r.c->told[r.i].session : 0;
}
/* The start in which the session began that has not ended; 0 = there is none. */
uint64_t fleet_device_open_boot(const struct fleet *f, struct columns_row r);
uint32_t fleet_device_find(const struct fleet *f, struct str did); /* 0 = none */
bool fleet_device_has_mac(const struct fleet *f, uint32_t no, uint32_t product, struct str mac);

/* device_block.c */
/* The mac may be written to room, so the text lives no longer than room. */
struct str fleet_device_mac(const struct fleet *f, struct columns_row r, char room[LIMIT_MAC + 1]);
struct fleet_device_texts {
    struct str passcode, sn;
};
struct fleet_device_texts fleet_device_texts(const struct fleet *f, struct columns_row r);
uint32_t fleet_device_store_texts(struct fleet *f, struct str mac, struct str passcode,
                                  struct str sn); /* returns a block; 0: no memory */
void fleet_device_free_texts(struct fleet *f, struct columns_row r);
/* NULL if there is none. */
const uint8_t *fleet_device_image(const struct fleet *f, struct columns_row r, size_t *len);
void fleet_device_set_image(struct fleet *f, struct columns_row r, const uint8_t *image, size_t len);
void fleet_device_free_image(struct fleet *f, struct columns_row r);

#endif
