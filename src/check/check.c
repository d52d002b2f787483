#include "commit/catch_up.h"
#include "base/array.h"
#include "check/check_internal.h"

#include <roaring/roaring.h>
#include <stdlib.h>

/* Checks two stores: reads their rows into a fleet and beside it, then compares. */

struct check_seen *check_seen(struct check *c, uint32_t device, const char *where)
{
    if (device && device <= c->last_device) {
        c->strangers += !c->seen[device].product;
        return &c->seen[device];
    }
    findings_mistake(c->findings, "journal, %s: device %u was never registered", where, device);
    return NULL;
}

/* --- the registry's rows: registry_check reports those without parents; here they are left out -------- */

static bool has_product(const struct check *c, uint32_t no)
{
    return catalog_product(c->fleet, no) != NULL;
}

static enum mu_err on_product(void *ctx, const struct product_row *row)
{
    struct check *c = ctx;
    return c->rows.product(c->rows.ctx, row);
}

static enum mu_err on_definition(void *ctx, const struct definition_row *row)
{
    struct check *c = ctx;

    if (!has_product(c, row->product))
        return MU_OK;
    enum mu_err err = c->rows.definition(c->rows.ctx, row);
    if (err == MU_OK && !fleet_definition(c->fleet, row->product, row->version))
        findings_mistake(c->findings, "definition: version %u of product %u cannot be read", row->version,
                         row->product);
    return err;
}

static enum mu_err on_app(void *ctx, const struct app_row *row, const uint32_t *products, size_t count)
{
    struct check *c = ctx;
    return c->rows.app(c->rows.ctx, row, products, count);
}

static enum mu_err on_group(void *ctx, const struct group_row *row)
{
    struct check *c = ctx;

    if (!has_product(c, row->product))
        return MU_OK;
    if (!ARRAY_RESERVE_ZERO(c->groups.at, c->groups.count, (size_t)row->no + 1))
        return MU_E_NOMEM;
    /* The visit meets a group after its parent. */
    uint32_t root = row->parent && row->parent < c->groups.count ? c->groups.at[row->parent].root : row->no;
    c->groups.at[row->no] = (struct check_group){ .product = row->product, .parent = row->parent, .root = root };
    return c->rows.group(c->rows.ctx, row);
}

static enum mu_err on_device(void *ctx, const struct device_row *row)
{
    struct check *c = ctx;

    c->findings->step(c->findings->ctx);
    if (!has_product(c, row->product) || !row->no || row->no > c->last_device)
        return MU_OK;
    c->seen[row->no] =
        (struct check_seen){ .product = row->product, .group = row->group, .disabled = row->is_disabled };
    return c->rows.device(c->rows.ctx, row);
}

static enum mu_err on_user(void *ctx, const struct user_brief *row)
{
    struct check *c = ctx;

    c->findings->step(c->findings->ctx);
    return c->rows.user(c->rows.ctx, row);
}

static enum mu_err on_binding(void *ctx, const struct bound_row *row)
{
    struct check *c = ctx;
    return c->rows.binding(c->rows.ctx, row);
}

static enum mu_err on_first_bound(void *ctx, const struct first_bound_row *row)
{
    struct check *c = ctx;
    return has_product(c, row->product) ? c->rows.first_bound(c->rows.ctx, row) : MU_OK;
}

static enum mu_err read_registry(struct check *c)
{
    uint64_t seq;
    struct registry_visitor v = {
        .ctx = c,
        .product = on_product,
        .definition = on_definition,
        .app = on_app,
        .group = on_group,
        .device = on_device,
        .user = on_user,
        .binding = on_binding,
        .first_bound = on_first_bound,
    };

    c->rows = fleet_registry_visitor(c->fleet);
    return registry_visit_all(c->registry, &v, &seq);
}

/* --- the journal's ----------------------------------------------------------------------------------*/

static void keep(struct check *c, enum mu_err err)
{
    if (c->err == MU_OK)
        c->err = err;
}

static void on_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct check *c = ctx;
    struct check_seen *seen = check_seen(c, device, "state");

    c->states++;
    if (!seen)
        return;
    check_state(c, device, seen, s);
    if (s->followed)
        keep(c, rebuild_followed_add(&c->followed, device));
    keep(c, c->told.state(c->told.ctx, device, s));
}

static void on_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    struct check *c = ctx;

    c->versions++;
    if (check_seen(c, device, "versions"))
        keep(c, c->told.versions(c->told.ctx, device, v));
}

static void on_active(void *ctx, int32_t day, uint32_t device)
{
    struct check *c = ctx;

    c->active++;
    if (check_seen(c, device, "active"))
        keep(c, c->told.active(c->told.ctx, day, device));
}

static void on_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    struct check *c = ctx;
    roaring_bitmap_t *devices = roaring_bitmap_portable_deserialize_safe(set, len);

    c->sets++;
    if (!devices) {
        findings_mistake(c->findings, "journal, active: the set of day %d cannot be read", day);
        return;
    }
    uint32_t first = roaring_bitmap_minimum(devices), last = roaring_bitmap_maximum(devices);
    if (!roaring_bitmap_is_empty(devices) && (!first || last > c->last_device))
        findings_mistake(c->findings,
                         "journal, active: in the set of day %d is device %u, which was never "
                         "registered",
                         day, first ? last : first);
    roaring_bitmap_free(devices);
    keep(c, c->told.active_set(c->told.ctx, day, set, len));
}

static void on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct check *c = ctx;
    struct check_seen *seen = check_seen(c, device, "events");

    c->events++;
    if (!seen)
        return;
    check_event(c, device, seen, e);
    keep(c, c->told.event(c->told.ctx, device, e));
}

static enum mu_err read_journal(struct check *c)
{
    struct journal_reader reader = {
        .ctx = c,
        .state = on_state,
        .versions = on_versions,
        .active = on_active,
        .active_set = on_active_set,
        .event = on_event,
        .message = check_message,
        .session = check_session,
    };
    enum mu_err err;

    c->told = fleet_journal_visitor(c->fleet);
    if ((err = journal_check(c->journal, &reader, c->findings)) != MU_OK)
        return err;
    check_end_records(c);
    return c->err;
}

/* Reads the messages of the devices whose states do not count all of them, and takes the states that a start makes of
 * them. */
static enum mu_err read_followed(struct check *c)
{
    struct committer_options options = { .fleet = c->fleet, .journal = c->journal, .calendar = c->calendar };
    struct fleet_progress progress;
    const struct fleet_product *unused;
    struct batch b;
    enum mu_err err = batch_init(&b, &options);

    if (err == MU_OK)
        err = catch_up(&b, &c->followed, CATCH_UP_UNWRITTEN);
    for (size_t i = 0; i < c->followed.count && err == MU_OK; i++) {
        uint32_t device = c->followed.at[i];
        if (!fleet_progress_get(c->fleet, device, &progress, &unused))
            continue;
        struct journal_state s = batch_state(&progress);
        s.image = fleet_image(c->fleet, device, &s.image_len);
        s.followed = true;
        check_state(c, device, &c->seen[device], &s);
    }
    batch_free(&b);
    return err;
}

static void tell_counts(const struct check *c)
{
    const struct findings *f = c->findings;

    f->looked_at(f->ctx, "device states", c->states);
    f->looked_at(f->ctx, "device versions", c->versions);
    f->looked_at(f->ctx, "active devices of single days", c->active);
    f->looked_at(f->ctx, "days of activity", c->sets);
    f->looked_at(f->ctx, "faults and alerts", c->events);
    f->looked_at(f->ctx, "messages", c->message_count);
    f->looked_at(f->ctx, "session records", c->session_count);
    f->looked_at(f->ctx, "of devices that have been deleted", c->strangers);
}

enum mu_err check_stores(struct registry *registry, struct journal *journal, const struct calendar *calendar,
                         const struct findings *f)
{
    struct check c = { .registry = registry, .journal = journal, .calendar = calendar, .findings = f };
    enum mu_err err;

    if ((err = registry_last_device(registry, &c.last_device)) != MU_OK)
        return err;
    c.seen = calloc((size_t)c.last_device + 1, sizeof(*c.seen));
    if (!c.seen || fleet_create(&c.fleet) != MU_OK) {
        err = MU_E_NOMEM;
        goto out;
    }
    fleet_use_calendar(c.fleet, calendar);
    if ((err = read_registry(&c)) != MU_OK || (err = read_journal(&c)) != MU_OK || (err = read_followed(&c)) != MU_OK)
        goto out;
    tell_counts(&c);
    check_devices(&c);
    if ((err = check_index(&c)) == MU_OK)
        err = check_users(&c);
out:
    if (c.fleet)
        fleet_destroy(c.fleet);
    free(c.groups.at);
    free(c.seen);
    rebuild_followed_free(&c.followed);
    return err;
}
