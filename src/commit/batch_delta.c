#include "commit/batch.h"

#include "base/array.h"
#include "base/numbers.h"
#include "fleet/delta.h"

/* What other nodes must follow of a batch. */

static bool is_faulty(struct batch *b, const struct pending *p)
{
    return p->has_image ? datapoint_state_faulty(p->definition->plan, b->images.data + p->image)
                        : fleet_is_faulty(b->fleet, p->device);
}

static bool is_alert(struct batch *b, const struct pending *p)
{
    return p->has_image ? datapoint_state_alert(p->definition->plan, b->images.data + p->image)
                        : fleet_is_alert(b->fleet, p->device);
}

static uint8_t changed_parts(struct batch *b, const struct pending *p)
{
    const struct fleet_progress *now = &p->progress;
    struct fleet_progress before = { 0 };
    const struct fleet_product *unused;
    uint8_t parts = 0;

    (void)fleet_progress_get(b->fleet, p->device, &before, &unused);
    /* Others may follow this before what the last holder told, and then that is too old for them. */
    if (numbers_have(b->claimed, b->claimed_count, p->device))
        parts |= DELTA_REPORT | DELTA_SESSION;
    if (now->last_ts_us != before.last_ts_us || now->last_report != before.last_report)
        parts |= DELTA_REPORT;
    if (now->sessions != before.sessions || now->session_boot != before.session_boot ||
        now->online_latest != before.online_latest || now->activated_at != before.activated_at ||
        now->session != before.session)
        parts |= DELTA_SESSION;
    if (p->versions)
        parts |= DELTA_VERSIONS;
    if (p->events)
        parts |= DELTA_EVENTS;
    return parts;
}

struct fleet_progress batch_past(struct batch *b, const struct pending *p)
{
    struct fleet_progress shown = { 0 }, past = p->progress;
    const struct fleet_product *unused;

    (void)fleet_progress_get(b->fleet, p->device, &shown, &unused);
    if (past.activated_at == shown.activated_at)
        past.activated_at = 0;
    if (past.online_latest == shown.online_latest)
        past.online_latest = 0;
    if (past.last_report == shown.last_report)
        past.last_report = 0;
    return past;
}

void batch_delta_entry(struct batch *b, const struct pending *p, struct delta_entry *out)
{
    *out = (struct delta_entry){ .device = p->device, .parts = changed_parts(b, p), .progress = p->progress };
    if (p->elsewhere) {
        out->parts |= DELTA_MERGE;
        out->progress = batch_past(b, p);
    } else {
        out->online = p->progress.session != 0;
        out->faulty = is_faulty(b, p);
        out->alert = is_alert(b, p);
    }
}

void batch_want_end(struct batch *b, uint32_t device, uint64_t boot, uint64_t login)
{
    if (ARRAY_RESERVE(b->wanted, b->wanted_cap, b->wanted_count + 1))
        b->wanted[b->wanted_count++] = (struct pending_wanted){ device, boot, login };
}

bool batch_write_delta(struct batch *b)
{
    struct delta_head head = { .moment_us = b->latest_us, .registry = b->registry };
    struct delta_entry e;
    bool any = false;

    delta_put_head(&b->delta, &head);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct pending *p = &b->pending[i];
        if (!p->changed && !p->versions && !p->events)
            continue;
        batch_delta_entry(b, p, &e);
        delta_put(&b->delta, &head, &e);
        any = true;
    }
    for (uint32_t i = 0; i < b->active_count; i++) {
        e = (struct delta_entry){ .device = b->active[i].device, .parts = DELTA_MERGE | DELTA_DAY };
        e.progress.active_day = b->active[i].day;
        delta_put(&b->delta, &head, &e);
        any = true;
    }
    for (uint32_t i = 0; i < b->wanted_count; i++) {
        e = (struct delta_entry){ .device = b->wanted[i].device, .parts = DELTA_MERGE | DELTA_SESSION | DELTA_WANTED };
        e.progress.session_boot = b->wanted[i].boot;
        e.progress.sessions = b->wanted[i].login;
        delta_put(&b->delta, &head, &e);
        any = true;
    }
    if (b->delta.err != MU_OK)
        b->err = MU_E_NOMEM;
    else if (any)
        journal_batch_delta(b->writes, b->delta.data, b->delta.len);
    return any;
}
