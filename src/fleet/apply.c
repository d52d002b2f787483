#include <assert.h>
#include <string.h>

#include "fleet/fleet_internal.h"

/* How the fleet changes: rows of the registry, and committed batches. */

/* --- the registry's rows --------------------------------------------------------------------- */

/* Takes a row in. The lock is held for each row alone, so that readers get in between. */
#define ON_ROW(name, row_type, put)                                \
    static enum mu_err name(void *ctx, const struct row_type *row) \
    {                                                              \
        fleet_write_lock(ctx);                                     \
        enum mu_err err = put(ctx, row);                           \
        fleet_unlock(ctx);                                         \
        return err;                                                \
    }

ON_ROW(on_enterprise, enterprise_row, catalog_put_enterprise)
ON_ROW(on_product, product_row, catalog_put_product)
ON_ROW(on_group, group_row, fleet_group_put)
ON_ROW(on_device, device_row, fleet_device_put)
ON_ROW(on_user, user_brief, users_put)
ON_ROW(on_binding, bound_row, users_bind)
ON_ROW(on_first_bound, first_bound_row, users_first_bound)

static enum mu_err on_definition(void *ctx, const struct definition_row *row)
{
    return fleet_definition_put(ctx, row);
}

static enum mu_err on_association(void *ctx, const struct association_row *row, bool removed)
{
    fleet_write_lock(ctx);
    catalog_associate(ctx, row, removed);
    fleet_unlock(ctx);
    return MU_OK;
}

static enum mu_err on_app(void *ctx, const struct app_row *row, const uint32_t *products, size_t count)
{
    fleet_write_lock(ctx);
    enum mu_err err = fleet_app_put(ctx, row, products, count);
    fleet_unlock(ctx);
    return err;
}

static enum mu_err on_token(void *ctx, const struct token_row *row, bool removed)
{
    enum mu_err err = MU_OK;

    fleet_write_lock(ctx);
    if (removed)
        fleet_token_remove(ctx, row->hash);
    else
        err = fleet_token_put(ctx, row);
    fleet_unlock(ctx);
    return err;
}

static enum mu_err on_deleted(void *ctx, enum registry_kind kind, uint32_t no)
{
    fleet_write_lock(ctx);
    switch (kind) {
    case KIND_ENTERPRISE: catalog_delete_enterprise(ctx, no); break;
    case KIND_PRODUCT: catalog_delete_product(ctx, no); break;
    case KIND_DEVICE: fleet_device_delete(ctx, no); break;
    case KIND_GROUP: fleet_group_delete(ctx, no); break;
    case KIND_APP: fleet_app_delete(ctx, no); break;
    case KIND_USER: users_delete(ctx, no); break;
    }
    fleet_unlock(ctx);
    return MU_OK;
}

struct registry_visitor fleet_registry_visitor(struct fleet *f)
{
    return (struct registry_visitor){
        .ctx = f,
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
        .deleted = on_deleted,
    };
}

/* What there are many of is taken in without the lock. */
#define ON_ROW_ALONE(name, row_type, put)                          \
    static enum mu_err name(void *ctx, const struct row_type *row) \
    {                                                              \
        return put(ctx, row);                                      \
    }

ON_ROW_ALONE(on_device_alone, device_row, fleet_device_put)
ON_ROW_ALONE(on_user_alone, user_brief, users_put)
ON_ROW_ALONE(on_binding_alone, bound_row, users_bind)
ON_ROW_ALONE(on_first_bound_alone, first_bound_row, users_first_bound)

struct registry_visitor fleet_loading_visitor(struct fleet *f)
{
    struct registry_visitor v = fleet_registry_visitor(f);

    v.device = on_device_alone;
    v.user = on_user_alone;
    v.binding = on_binding_alone;
    v.first_bound = on_first_bound_alone;
    return v;
}

/* --- what a device has told ------------------------------------------------------------------ */

static uint32_t counter(uint64_t n)
{
    return n >= UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void store_progress(struct fleet *f, struct columns_row r, const struct fleet_progress *p)
{
    struct device_told *t = &r.c->told[r.i];

    t->last_ts_us = LOW_BITS(p->last_ts_us, MOMENT_BITS);
    t->last_session_us = LOW_BITS(p->last_session_us, MOMENT_BITS);
    t->messages = LOW_BITS(p->messages, COUNT_BITS);
    t->decoded = LOW_BITS(p->decoded, COUNT_BITS);
    t->session = LOW_BITS(p->session ? p->session : p->session_boot, MOMENT_BITS);
    t->mine = p->session != 0;
    if (p->session)
        f->boot = p->session_boot;
    t->sessions = counter(p->sessions);
    t->online_latest = columns_seconds(p->online_latest);
    t->active_day = p->active_day;
    t->definition = LOW_BITS(p->definition, DEFINITION_BITS);
    t->numbers_reports = p->numbers_reports;
    r.c->last_report[r.i] = columns_seconds(p->last_report);
}

bool fleet_progress_get(struct fleet *f, uint32_t no, struct fleet_progress *out, const struct fleet_product **product)
{
    struct columns_row r = columns_row(&f->columns, no);

    if (!r.c)
        return false;
    const struct device_told *t = &r.c->told[r.i];
    *out = (struct fleet_progress){
        .last_ts_us = t->last_ts_us,
        .last_session_us = t->last_session_us,
        .messages = t->messages,
        .decoded = t->decoded,
        .sessions = t->sessions,
        .activated_at = t->activated_at,
        .online_latest = t->online_latest,
        .last_report = r.c->last_report[r.i],
        .active_day = t->active_day,
        .session_boot = fleet_device_open_boot(f, r),
        .session = fleet_device_session(r),
        .definition = t->definition,
        .numbers_reports = t->numbers_reports,
    };
    *product = &catalog_product(f, r.c->product[r.i])->pub;
    return true;
}

uint64_t fleet_held_login(struct fleet *f, uint32_t no)
{
    struct columns_row r = columns_row(&f->columns, no);
    return r.c && r.c->told[r.i].mine ? r.c->told[r.i].sessions : 0;
}

bool fleet_holds_session(struct fleet *f, uint32_t no)
{
    struct columns_row r = columns_row(&f->columns, no);
    return r.c && r.c->told[r.i].mine;
}

bool fleet_session_lives(struct fleet *f, uint32_t no, uint64_t login)
{
    struct columns_row r = columns_row(&f->columns, no);

    if (!r.c)
        return false;
    return r.c->told[r.i].sessions == login ? r.c->flags[r.i] & DEVICE_ONLINE : r.c->told[r.i].sessions < login;
}

bool fleet_is_faulty(struct fleet *f, uint32_t no)
{
    struct columns_row r = columns_row(&f->columns, no);
    return r.c && r.c->flags[r.i] & DEVICE_FAULTY;
}

bool fleet_is_alert(struct fleet *f, uint32_t no)
{
    struct columns_row r = columns_row(&f->columns, no);
    return r.c && r.c->flags[r.i] & DEVICE_ALERT;
}

void fleet_did(struct fleet *f, uint32_t no, char out[DID_LEN + 1])
{
    struct columns_row r = columns_row(&f->columns, no);

    assert(r.c);
    did_unpack(r.c->did[r.i], out);
}

const char *fleet_enterprise_id(struct fleet *f, uint32_t no)
{
    const struct enterprise *e = no < f->enterprises.count ? f->enterprises.at[no] : NULL;
    return e ? e->pub.enterprise_id : "";
}

const uint8_t *fleet_image(struct fleet *f, uint32_t no, size_t *len)
{
    struct columns_row r = columns_row(&f->columns, no);
    return r.c ? fleet_device_image(f, r, len) : NULL;
}

void fleet_versions(struct fleet *f, uint32_t no, struct journal_versions *out)
{
    struct columns_row r = columns_row(&f->columns, no);
    versions_read(&f->versions, r.c ? r.c->told[r.i].versions : 0, out);
}

void fleet_apply_begin(struct fleet *f)
{
    fleet_write_lock(f);
}

void fleet_apply(struct fleet *f, const struct fleet_change *change)
{
    struct columns_row r = columns_row(&f->columns, change->no);

    if (!r.c)
        return;
    history_activated(f, change->no, r, columns_seconds(change->progress.activated_at));
    store_progress(f, r, &change->progress);
    fleet_device_set_flag(f, change->no, r, DEVICE_ONLINE, change->progress.session != 0);
    fleet_device_check_online(f, change->no, r);
    if (change->image) {
        fleet_device_set_image(f, r, change->image, change->image_len);
        fleet_device_set_flag(f, change->no, r, DEVICE_FAULTY, change->faulty);
        fleet_device_set_flag(f, change->no, r, DEVICE_ALERT, change->alert);
    }
}

void fleet_apply_versions(struct fleet *f, uint32_t device, const struct journal_versions *v)
{
    struct columns_row r = columns_row(&f->columns, device);

    if (r.c)
        fleet_device_set_versions(f, r, v);
}

void fleet_apply_active(struct fleet *f, int32_t day, uint32_t device)
{
    history_active(f, day, device);
}

void fleet_apply_end(struct fleet *f)
{
    fleet_unlock(f);
}
