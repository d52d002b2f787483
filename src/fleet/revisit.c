#include <assert.h>
#include <roaring/roaring.h>

#include "fleet/fleet_internal.h"

/* For a follower that has fallen so far behind that the registry no longer has the changes. Everything is visited
 * again; an object that was not met is gone. Readers meanwhile see the old state. */

enum revisit_seen {
    SEEN_ENTERPRISE,
    SEEN_PRODUCT,
    SEEN_ASSOCIATION,
    SEEN_APP,
    SEEN_GROUP,
    SEEN_DEVICE,
    SEEN_USER,
    SEEN_TOKEN,
    SEEN_KINDS
};

struct revisit {
    struct fleet *f;
    struct registry_visitor rows; /* the usual visitor, which does the work */
    roaring_bitmap_t *seen[SEEN_KINDS];
};

static enum mu_err note(struct revisit *v, enum revisit_seen kind, uint32_t no, enum mu_err err)
{
    assert(kind < SEEN_KINDS);
    if (err == MU_OK)
        roaring_bitmap_add(v->seen[kind], no);
    return err;
}

static enum mu_err on_enterprise(void *ctx, const struct enterprise_row *row)
{
    struct revisit *v = ctx;
    return note(v, SEEN_ENTERPRISE, row->no, v->rows.enterprise(v->f, row));
}

static enum mu_err on_product(void *ctx, const struct product_row *row)
{
    struct revisit *v = ctx;
    return note(v, SEEN_PRODUCT, row->no, v->rows.product(v->f, row));
}

static enum mu_err on_definition(void *ctx, const struct definition_row *row)
{
    struct revisit *v = ctx;
    return v->rows.definition(v->f, row);
}

static enum mu_err on_association(void *ctx, const struct association_row *row, bool removed)
{
    struct revisit *v = ctx;
    return note(v, SEEN_ASSOCIATION, row->product, v->rows.association(v->f, row, removed));
}

static enum mu_err on_app(void *ctx, const struct app_row *row, const uint32_t *products, size_t count)
{
    struct revisit *v = ctx;
    return note(v, SEEN_APP, row->no, v->rows.app(v->f, row, products, count));
}

static enum mu_err on_group(void *ctx, const struct group_row *row)
{
    struct revisit *v = ctx;
    return note(v, SEEN_GROUP, row->no, v->rows.group(v->f, row));
}

static enum mu_err on_device(void *ctx, const struct device_row *row)
{
    struct revisit *v = ctx;
    return note(v, SEEN_DEVICE, row->no, v->rows.device(v->f, row));
}

static enum mu_err on_user(void *ctx, const struct user_brief *row)
{
    struct revisit *v = ctx;
    return note(v, SEEN_USER, row->no, v->rows.user(v->f, row));
}

static enum mu_err on_binding(void *ctx, const struct bound_row *row)
{
    struct revisit *v = ctx;
    return v->rows.binding(v->f, row);
}

static enum mu_err on_first_bound(void *ctx, const struct first_bound_row *row)
{
    struct revisit *v = ctx;
    return v->rows.first_bound(v->f, row);
}

static enum mu_err on_token(void *ctx, const struct token_row *row, bool removed)
{
    struct revisit *v = ctx;
    enum mu_err err = v->rows.token(v->f, row, removed);
    return note(v, SEEN_TOKEN, err == MU_OK ? fleet_token_no(v->f, row->hash) : 0, err);
}

static bool seen(const struct revisit *v, enum revisit_seen kind, uint32_t no)
{
    return roaring_bitmap_contains(v->seen[kind], no);
}

/* Children first, in the order of the registry's deletions. */
static void forget_unseen(struct revisit *v)
{
    struct fleet *f = v->f;

    for (uint32_t no = 1; no < f->tokens.count; no++) {
        if (!seen(v, SEEN_TOKEN, no) && fleet_token_no(f, f->tokens.at[no].hash) == no)
            fleet_token_remove(f, f->tokens.at[no].hash);
    }
    for (uint32_t no = 1; no < f->users.chunk_count << CHUNK_BITS; no++) {
        if (!seen(v, SEEN_USER, no))
            users_delete(f, no);
    }
    for (uint32_t no = 1; no < f->columns.count << CHUNK_BITS; no++) {
        if (!seen(v, SEEN_DEVICE, no))
            fleet_device_delete(f, no);
    }
    for (uint32_t no = 1; no < f->groups.count; no++) {
        if (!seen(v, SEEN_GROUP, no))
            fleet_group_delete(f, no);
    }
    for (uint32_t no = 1; no < f->apps.count; no++) {
        if (!seen(v, SEEN_APP, no))
            fleet_app_delete(f, no);
    }
    for (uint32_t no = 1; no < f->products.count; no++) {
        if (f->products.at[no] && !seen(v, SEEN_ASSOCIATION, no))
            atomic_store(&f->products.at[no]->pub.enterprise, 0);
        if (!seen(v, SEEN_PRODUCT, no))
            catalog_delete_product(f, no);
    }
    for (uint32_t no = 1; no < f->enterprises.count; no++) {
        if (!seen(v, SEEN_ENTERPRISE, no))
            catalog_delete_enterprise(f, no);
    }
}

enum mu_err fleet_revisit(struct fleet *f, struct registry *reg, uint64_t *seq)
{
    struct revisit v = { .f = f, .rows = fleet_registry_visitor(f) };
    struct registry_visitor visitor = {
        .ctx = &v,
        .enterprise = on_enterprise,
        .product = on_product,
        .definition = on_definition,
        .association = on_association,
        .app = on_app,
        .group = on_group,
        .device = on_device,
        .user = on_user,
        .binding = on_binding,
        .first_bound = on_first_bound,
        .token = on_token,
    };
    enum mu_err err = MU_OK;

    for (int i = 0; i < SEEN_KINDS && err == MU_OK; i++) {
        if (!(v.seen[i] = roaring_bitmap_create()))
            err = MU_E_NOMEM;
    }
    if (err == MU_OK)
        err = registry_visit_all(reg, &visitor, seq);
    if (err == MU_OK) {
        fleet_write_lock(f);
        forget_unseen(&v);
        fleet_unlock(f);
    }
    for (int i = 0; i < SEEN_KINDS; i++) {
        if (v.seen[i])
            roaring_bitmap_free(v.seen[i]);
    }
    return err;
}
