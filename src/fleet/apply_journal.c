#include "fleet/fleet_internal.h"

#include <roaring/roaring.h>

/* The journal's rows at the start. Without the lock, since nobody else has the fleet yet. */

struct fleet_progress fleet_progress_of(const struct journal_state *s)
{
    return (struct fleet_progress){
        .last_ts_us = s->last_ts_us,
        .last_session_us = s->last_session_us,
        .messages = s->messages,
        .decoded = s->decoded,
        .sessions = s->sessions,
        .activated_at = s->activated_at,
        .online_latest = s->online_latest,
        .last_report = s->last_report,
        .active_day = s->active_day,
        .session_boot = s->session_boot,
        .numbers_reports = s->numbers_reports,
    };
}

static enum mu_err on_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct fleet *f = ctx;
    struct columns_row r = columns_row(&f->columns, device);
    struct fleet_change change = { .no = device, .progress = fleet_progress_of(s) };

    if (!r.c) { /* deleted meanwhile */
        roaring_bitmap_add(f->leftovers.devices, device);
        return MU_OK;
    }
    if (s->definition) {
        const struct fleet_definition *d = catalog_definition(catalog_product(f, r.c->product[r.i]), s->definition);
        if (d && datapoint_state_size(d->plan) == s->image_len) {
            change.progress.definition = s->definition;
            change.image = s->image;
            change.image_len = s->image_len;
            change.faulty = datapoint_state_faulty(d->plan, s->image);
            change.alert = datapoint_state_alert(d->plan, s->image);
        } else {
            f->unusable_states++;
        }
    }
    fleet_apply(f, &change);
    return MU_OK;
}

static enum mu_err on_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    struct fleet *f = ctx;
    struct columns_row r = columns_row(&f->columns, device);

    if (!r.c) {
        roaring_bitmap_add(f->leftovers.devices, device);
        return MU_OK;
    }
    fleet_device_set_versions(f, r, v);
    return MU_OK;
}

static enum mu_err on_active(void *ctx, int32_t day, uint32_t device)
{
    history_active(ctx, day, device);
    return MU_OK;
}

static enum mu_err on_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    struct fleet *f = ctx;
    roaring_bitmap_t *devices = roaring_bitmap_portable_deserialize_safe(set, len);

    if (!devices)
        return MU_E_CORRUPT;
    struct day_set *at = day_sets_require(&f->history.active, day);
    if (at) {
        roaring_bitmap_t *before = day_set_unfold(at); /* empty: a day's set comes before its single entries */
        at->devices = devices;
        devices = before;
        day_set_fold(at);
    }
    roaring_bitmap_free(devices);
    return at ? MU_OK : MU_E_NOMEM;
}

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct fleet *f = ctx;
    struct fleet_event event = {
        .device = device, .definition = e->definition, .opened_us = e->opened_us, .resolved_us = e->resolved_us
    };
    struct columns_row r = columns_row(&f->columns, device);

    if (!r.c) {
        roaring_bitmap_add(f->leftovers.with_events, device);
        return MU_OK;
    }
    enum mu_err err = points_no(&f->points, e->alert ? EVENT_ALERT : EVENT_FAULT, e->name, &event.point);
    struct events *events = &catalog_product(f, r.c->product[r.i])->events;
    if (err != MU_OK)
        return err;
    return events_add(events, &f->pool, &r.c->events[r.i], &event);
}

uint32_t fleet_last_stranger(const struct fleet *f)
{
    const struct leftovers *left = &f->leftovers;
    uint32_t device = roaring_bitmap_is_empty(left->devices) ? 0 : roaring_bitmap_maximum(left->devices);
    uint32_t event = roaring_bitmap_is_empty(left->with_events) ? 0 : roaring_bitmap_maximum(left->with_events);

    return device > event ? device : event;
}

void fleet_forget_newcomers(struct fleet *f)
{
    uint64_t first = (uint64_t)fleet_last_device(f) + 1;

    roaring_bitmap_remove_range(f->leftovers.devices, first, UINT64_C(1) << 32);
    roaring_bitmap_remove_range(f->leftovers.with_events, first, UINT64_C(1) << 32);
}

struct journal_visitor fleet_journal_visitor(struct fleet *f)
{
    return (struct journal_visitor){ .ctx = f,
                                     .state = on_state,
                                     .versions = on_versions,
                                     .active = on_active,
                                     .active_set = on_active_set,
                                     .event = on_event };
}
