#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"
#include "base/array.h"
#include "fleet/quota_file.h"

/* Products and enterprises. An object stays for ever, and so does every row that it ever had: a thread that holds a
 * pointer reads on without a lock. People change configuration by hand, so the old rows take little memory. */

static uint64_t hash_product(const void *ctx, uint32_t no)
{
    const struct fleet *f = ctx;
    return hash_bytes(&f->key, 0, f->products.at[no]->pub.product_key, ID_HEX_LEN);
}

static uint64_t hash_enterprise(const void *ctx, uint32_t no)
{
    const struct fleet *f = ctx;
    return hash_bytes(&f->key, 0, f->enterprises.at[no]->pub.enterprise_id, ID_HEX_LEN);
}

void catalog_init(struct fleet *f)
{
    index_init(&f->by_product_key, hash_product, f);
    index_init(&f->by_enterprise_id, hash_enterprise, f);
}

static void product_free(struct product *p)
{
    roaring_bitmap_t *bitmaps[] = { p->all, p->enabled, p->online, p->faulty, p->alert };

    for (size_t i = 0; i < sizeof(bitmaps) / sizeof(bitmaps[0]); i++) {
        if (bitmaps[i])
            roaring_bitmap_free(bitmaps[i]);
    }
    order_free(&p->order);
    mac_order_free(&p->by_mac);
    events_free(&p->events);
    users_known_free(&p->users);
    for (struct definition *d = p->definitions, *next; d; d = next) {
        next = d->next;
        fleet_definition_free(d);
    }
    for (struct product_version *v = p->row, *older; v; v = older) {
        older = v->older;
        free(v);
    }
    free(p);
}

void catalog_free(struct fleet *f)
{
    for (uint32_t i = 0; i < f->products.count; i++) {
        if (f->products.at[i])
            product_free(f->products.at[i]);
    }
    for (uint32_t i = 0; i < f->enterprises.count; i++) {
        if (!f->enterprises.at[i])
            continue;
        for (struct enterprise_version *v = f->enterprises.at[i]->row, *older; v; v = older) {
            older = v->older;
            free(v);
        }
        free(f->enterprises.at[i]);
    }
    free(f->products.at);
    free(f->enterprises.at);
    index_free(&f->by_product_key);
    index_free(&f->by_enterprise_id);
}

struct product *catalog_product(const struct fleet *f, uint32_t no)
{
    return no < f->products.count ? f->products.at[no] : NULL;
}

static struct enterprise *enterprise_by_no(const struct fleet *f, uint32_t no)
{
    return no < f->enterprises.count ? f->enterprises.at[no] : NULL;
}

/* --- changing -------------------------------------------------------------------------------- */

static struct product *product_new(struct fleet *f, const struct product_row *row)
{
    struct product *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->all = roaring_bitmap_create();
    p->enabled = roaring_bitmap_create();
    p->online = roaring_bitmap_create();
    p->faulty = roaring_bitmap_create();
    p->alert = roaring_bitmap_create();
    if (!p->all || !p->enabled || !p->online || !p->faulty || !p->alert ||
        !ARRAY_RESERVE_ZERO(f->products.at, f->products.count, (size_t)row->no + 1) ||
        index_reserve(&f->by_product_key) != MU_OK) {
        product_free(p);
        return NULL;
    }
    p->pub.no = row->no;
    memcpy(p->pub.product_key, row->product_key, sizeof(p->pub.product_key));
    f->products.at[row->no] = p;
    index_add(&f->by_product_key, row->no);
    f->product_count++;
    return p;
}

enum mu_err catalog_put_product(struct fleet *f, const struct product_row *row)
{
    struct product *p = catalog_product(f, row->no);
    struct product_version *v;

    if (p && memcmp(&p->row->row, row, sizeof(*row)) == 0)
        return MU_OK;
    if (!(v = malloc(sizeof(*v))))
        return MU_E_NOMEM;
    if (!p && !(p = product_new(f, row))) {
        free(v);
        return MU_E_NOMEM;
    }
    v->row = *row;
    v->older = p->row;
    p->row = v;
    atomic_store(&p->pub.row, &v->row);

    /* If the definition is not here yet, it comes next and puts itself in force. */
    const struct fleet_definition *d = catalog_definition(p, row->definition);
    if (d || !row->definition)
        atomic_store(&p->pub.definition, d);
    return MU_OK;
}

static struct enterprise *enterprise_new(struct fleet *f, const struct enterprise_row *row)
{
    struct enterprise *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    if (!ARRAY_RESERVE_ZERO(f->enterprises.at, f->enterprises.count, (size_t)row->no + 1) ||
        index_reserve(&f->by_enterprise_id) != MU_OK) {
        free(e);
        return NULL;
    }
    e->pub.no = row->no;
    if (!f->quotas || !(e->pub.quota = quota_file_account(f->quotas, row->no)))
        e->pub.quota = &e->own_quota;
    if (!f->granted || !(e->pub.share.granted = quota_file_account(f->granted, row->no)))
        e->pub.share.granted = &e->own_granted;
    memcpy(e->pub.enterprise_id, row->enterprise_id, sizeof(e->pub.enterprise_id));
    f->enterprises.at[row->no] = e;
    index_add(&f->by_enterprise_id, row->no);
    f->enterprise_count++;
    return e;
}

enum mu_err catalog_put_enterprise(struct fleet *f, const struct enterprise_row *row)
{
    struct enterprise *e = enterprise_by_no(f, row->no);
    struct enterprise_version *v;

    if (e && memcmp(&e->row->row, row, sizeof(*row)) == 0)
        return MU_OK;
    if (!(v = malloc(sizeof(*v))))
        return MU_E_NOMEM;
    if (!e && !(e = enterprise_new(f, row))) {
        free(v);
        return MU_E_NOMEM;
    }
    v->row = *row;
    v->older = e->row;
    e->row = v;
    atomic_store(&e->pub.row, &v->row);
    return MU_OK;
}

void catalog_associate(struct fleet *f, const struct association_row *row, bool removed)
{
    struct product *p = catalog_product(f, row->product);

    if (!p)
        return;
    if (!removed)
        atomic_store(&p->pub.enterprise, row->enterprise);
    else if (atomic_load(&p->pub.enterprise) == row->enterprise)
        atomic_store(&p->pub.enterprise, 0);
}

void catalog_delete_product(struct fleet *f, uint32_t no)
{
    struct product *p = catalog_product(f, no);

    if (!p || p->deleted)
        return;
    index_remove(&f->by_product_key, no);
    users_known_free(&p->users);
    p->deleted = true;
    assert(f->product_count);
    f->product_count--;
}

void catalog_delete_enterprise(struct fleet *f, uint32_t no)
{
    struct enterprise *e = enterprise_by_no(f, no);

    if (!e || e->deleted)
        return;
    index_remove(&f->by_enterprise_id, no);
    e->deleted = true;
    assert(f->enterprise_count);
    f->enterprise_count--;
}

/* --- reading --------------------------------------------------------------------------------- */

const struct fleet_product *fleet_product_by_key(struct fleet *f, struct str product_key)
{
    const struct fleet_product *found = NULL;
    uint32_t no;

    if (product_key.len != ID_HEX_LEN)
        return NULL;
    fleet_read_lock(f);
    struct index_probe probe = index_probe(&f->by_product_key, hash_bytes(&f->key, 0, product_key.at, ID_HEX_LEN));
    while (!found && (no = index_next(&probe))) {
        if (memcmp(f->products.at[no]->pub.product_key, product_key.at, ID_HEX_LEN) == 0)
            found = &f->products.at[no]->pub;
    }
    fleet_unlock(f);
    return found;
}

const struct fleet_product *fleet_product_by_no(struct fleet *f, uint32_t no)
{
    fleet_read_lock(f);
    const struct product *p = catalog_product(f, no);
    bool there = p && !p->deleted;
    fleet_unlock(f);
    return there ? &p->pub : NULL;
}

void fleet_visit_enterprises(struct fleet *f, void (*fn)(void *ctx, struct fleet_enterprise *e), void *ctx)
{
    for (uint32_t no = 1;; no++) {
        fleet_read_lock(f);
        struct enterprise *e = no < f->enterprises.count ? f->enterprises.at[no] : NULL;
        bool end = no >= f->enterprises.count;
        fleet_unlock(f);
        if (end)
            return;
        if (e && !e->deleted)
            fn(ctx, &e->pub); /* it is never moved or freed */
    }
}

struct fleet_enterprise *fleet_enterprise_by_id(struct fleet *f, struct str enterprise_id)
{
    struct fleet_enterprise *found = NULL;
    uint32_t no;

    if (enterprise_id.len != ID_HEX_LEN)
        return NULL;
    fleet_read_lock(f);
    struct index_probe probe = index_probe(&f->by_enterprise_id, hash_bytes(&f->key, 0, enterprise_id.at, ID_HEX_LEN));
    while (!found && (no = index_next(&probe))) {
        if (memcmp(f->enterprises.at[no]->pub.enterprise_id, enterprise_id.at, ID_HEX_LEN) == 0)
            found = &f->enterprises.at[no]->pub;
    }
    fleet_unlock(f);
    return found;
}

/* --- reports that could not be decoded --------------------------------------------------------- */

void fleet_count_undecoded(struct fleet *f, uint32_t product, enum undecoded cause)
{
    struct product *p = catalog_product(f, product);

    assert(p && cause < UNDECODED_COUNT);
    atomic_fetch_add_explicit(&p->undecoded[cause], 1, memory_order_relaxed);
}

/* false: every report could be decoded. */
static bool read_undecoded(const struct product *p, struct fleet_undecoded *out)
{
    uint64_t sum = 0;

    memcpy(out->product_key, p->pub.product_key, sizeof(out->product_key));
    for (int i = 0; i < UNDECODED_COUNT; i++)
        sum += out->counts[i] = atomic_load_explicit(&p->undecoded[i], memory_order_relaxed);
    return sum != 0;
}

size_t fleet_undecoded(struct fleet *f, struct fleet_undecoded *out, size_t cap, struct fleet_undecoded *others)
{
    struct fleet_undecoded one;
    size_t n = 0;

    *others = (struct fleet_undecoded){ 0 };
    fleet_read_lock(f);
    for (uint32_t i = 0; i < f->products.count; i++) {
        if (!f->products.at[i] || !read_undecoded(f->products.at[i], &one))
            continue;
        if (n < cap)
            out[n++] = one;
        else
            for (int k = 0; k < UNDECODED_COUNT; k++)
                others->counts[k] += one.counts[k];
    }
    fleet_unlock(f);
    return n;
}
