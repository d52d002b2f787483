#include "commit/batch.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "fleet/delta.h"

/* Writing a batch, and showing it in the fleet. */

static const uint8_t *final_image(const struct batch *b, const struct pending *p, size_t *len)
{
    if (p->has_image) {
        assert(p->image + p->image_len <= b->images.len);
        *len = p->image_len;
        return b->images.data + p->image;
    }
    return fleet_image(b->fleet, p->device, len);
}

struct journal_state batch_state(const struct fleet_progress *g)
{
    return (struct journal_state){
        .last_ts_us = g->last_ts_us,
        .last_session_us = g->last_session_us,
        .messages = g->messages,
        .decoded = g->decoded,
        .sessions = g->sessions,
        .activated_at = g->activated_at,
        .online_latest = g->online_latest,
        .last_report = g->last_report,
        .active_day = g->active_day,
        .session_boot = g->session_boot,
        .definition = g->definition,
        .numbers_reports = g->numbers_reports,
    };
}

static void write_state(struct batch *b, const struct pending *p, bool followed)
{
    struct journal_state s = batch_state(&p->progress);

    s.followed = followed;
    s.image = final_image(b, p, &s.image_len);
    journal_batch_state(b->writes, p->device, &s);
}

static void show(struct batch *b, const struct pending *p)
{
    assert(p->versions <= b->version_count);
    if (p->versions)
        fleet_apply_versions(b->fleet, p->device, &b->versions[p->versions - 1].now);
    if (p->elsewhere) {
        struct delta_entry e;
        batch_delta_entry(b, p, &e);
        fleet_apply_delta(b->fleet, &e);
        return;
    }
    struct fleet_change change = { .no = p->device, .progress = p->progress };
    size_t old_len = 0;

    if (p->has_image) {
        assert(p->definition && p->image + p->image_len <= b->images.len);
        const uint8_t *image = b->images.data + p->image;
        const uint8_t *old = fleet_image(b->fleet, p->device, &old_len);
        /* Most reports repeat the known state and need no change. But the same bytes under another definition are
         * another state. */
        if (p->redefined || !old || old_len != p->image_len || memcmp(old, image, old_len) != 0) {
            change.image = image;
            change.image_len = p->image_len;
            change.faulty = datapoint_state_faulty(p->definition->plan, image);
            change.alert = datapoint_state_alert(p->definition->plan, image);
        }
    }
    fleet_apply(b->fleet, &change);
}

/* Takes the devices at the front of the line into the batch; returns how many. */
static uint32_t take_due(struct batch *b, int64_t mono_us)
{
    uint32_t due = lagging_due(&b->lagging, b->messages, b->settling ? INT64_MAX : mono_us);

    for (uint32_t i = 0; i < due; i++) {
        const struct lag *lag = lagging_peek(&b->lagging, i);
        struct pending *p = batch_pending(b, lag->device);
        if (!p || p->elsewhere) /* the device has been deleted, or another node has its session now */
            continue;
        p->due = true;
        p->enters = p->progress.messages > lag->number && !b->settling;
    }
    return due;
}

static bool reports_often(const struct batch *b, const struct pending *p)
{
    int64_t apart_us = p->progress.last_ts_us - p->before_us;
    return p->before_us && apart_us > 0 && apart_us <= lagging_span_us(&b->lagging);
}

static void write_past(struct batch *b, const struct pending *p)
{
    struct fleet_progress past = batch_past(b, p);

    if (p->changed)
        journal_batch_past(b->writes, p->device, past.activated_at, past.online_latest, past.last_report);
}

/* Writes the states that do not follow from the messages in the journal. */
static void write_states(struct batch *b)
{
    uint32_t entering = 0;

    for (uint32_t i = 0; i < b->count; i++) {
        struct pending *p = &b->pending[i];
        if (p->elsewhere) {
            write_past(b, p);
            continue;
        }
        bool lags = !p->due && lagging_has(&b->lagging, p->device);
        if (!p->due && (!p->changed || (lags && !p->kept)))
            continue;
        if (!p->due && !lags && !b->settling)
            p->enters = reports_often(b, p) && lagging_may_enter(&b->lagging, p->device, entering++);
        /* Whoever holds its next session need not look for messages. */
        write_state(b, p, (lags || p->enters) && (p->progress.session || !b->shared));
    }
}

static void show_all(struct batch *b)
{
    fleet_apply_begin(b->fleet);
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->pending[i].changed || b->pending[i].versions)
            show(b, &b->pending[i]);
    }
    for (uint32_t i = 0; i < b->active_count; i++)
        fleet_apply_active(b->fleet, b->active[i].day, b->active[i].device);
    for (uint32_t i = 0; i < b->event_count; i++)
        fleet_apply_event(b->fleet, &b->events[i].event);
    fleet_apply_end(b->fleet);
}

/* Devices that still lag may have messages ahead of a clock that has been set back since. */
static int64_t followed_until(const struct batch *b, uint32_t due)
{
    if (!b->messages || (b->lagging.count > due && b->followed_us > b->newest_us))
        return b->followed_us;
    return b->newest_us;
}

static void note_committed(struct batch *b, uint32_t due, int64_t mono_us)
{
    b->followed_us = followed_until(b, due);
    lagging_committed(&b->lagging, due, b->messages, mono_us);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct pending *p = &b->pending[i];
        if (p->enters)
            lagging_enter(&b->lagging, p->device, p->progress.messages);
    }
}

enum mu_err batch_commit(struct batch *b, int64_t now_us)
{
    int64_t mono_us = clock_mono_us();
    uint32_t due = take_due(b, mono_us);

    write_states(b);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct pending *p = &b->pending[i];
        if (p->versions)
            batch_write_versions(b, p->device, &b->versions[p->versions - 1]);
    }
    if (b->messages)
        journal_batch_followed(b->writes, followed_until(b, due));
    bool tell = b->shared && batch_write_delta(b);
    enum mu_err err = b->err;
    if (err == MU_OK)
        err = journal_commit(b->journal, b->writes, now_us);
    else
        journal_batch_clear(b->writes);
    if (err == MU_OK) {
        note_committed(b, due, mono_us);
        if (b->count)
            show_all(b);
        if (tell && b->nodes)
            b->nodes->committed(b->nodes->ctx, journal_last_delta(b->journal));
    }
    batch_clear(b);
    return err;
}

enum mu_err batch_settle(struct batch *b, int64_t now_us)
{
    enum mu_err err = MU_OK;

    assert(!b->count && !b->settling);
    b->settling = true;
    while (b->lagging.count && err == MU_OK)
        err = batch_commit(b, now_us);
    b->settling = false;
    return err;
}

void batch_drop(struct batch *b)
{
    journal_batch_clear(b->writes);
    batch_clear(b);
}

void batch_show(struct batch *b)
{
    show_all(b);
    batch_drop(b);
}
