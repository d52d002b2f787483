#include "commit/retention.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "commit/committer.h"
#include "fleet/delta.h"
#include "fleet/fleet_parts.h"
#include "fleet/packed_set.h"
#include "fleet/past.h"
#include "journal/journal_nodes.h"

/* Dropping old days, events and controls, and folding finished days. */

static const int64_t DAY_US = 86400LL * 1000000;

static bool is_batch_full(const struct retention *r)
{
    return journal_batch_bytes(r->writes) >= LIMIT_BATCH;
}

/* --- activity -------------------------------------------------------------------------------- */

static int32_t last_past_day(int32_t today, unsigned keep_days)
{
    return today - (int32_t)keep_days;
}

static bool is_past(const struct retention *r, int32_t day)
{
    return day <= last_past_day(r->today, r->keep_days);
}

static void write_set(struct retention *r, struct day_set *set)
{
    fleet_write_lock(r->fleet);
    day_set_fold(set);
    fleet_unlock(r->fleet);
    journal_batch_active_set(r->writes, set->day, set->folded, packed_set_size(set->folded));
}

/* Puts days into the batch until it is full. */
static void collect_days(struct retention *r, bool *any, bool *more)
{
    struct day_sets *days = fleet_active_sets(r->fleet);

    *any = *more = false;
    for (uint32_t i = 0; i < days->count && days->at[i].day < r->today; i++) {
        struct day_set *set = &days->at[i];
        assert(!set->pending);
        if (!is_past(r, set->day) && !set->loose)
            continue;
        if ((*more = is_batch_full(r)))
            break;
        if (is_past(r, set->day))
            journal_batch_active_set(r->writes, set->day, NULL, 0);
        else
            write_set(r, set);
        set->pending = *any = true;
    }
}

/* Settles the days of the batch: they are done, or must be tried again. */
static void settle_days(struct retention *r, bool committed)
{
    struct day_sets *days = fleet_active_sets(r->fleet);

    fleet_write_lock(r->fleet);
    for (uint32_t i = days->count; i-- > 0;) {
        struct day_set *set = &days->at[i];
        bool done = set->pending && committed;
        set->pending = false;
        if (done && is_past(r, set->day)) {
            past_day_changes(r->fleet, set->day);
            day_sets_remove(days, set->day);
        } else if (done) {
            set->loose = false;
        }
    }
    fleet_unlock(r->fleet);
}

static enum mu_err commit(struct retention *r, enum mu_err err)
{
    if (err == MU_OK)
        return journal_commit(r->journal, r->writes, r->now_us);
    journal_batch_clear(r->writes);
    return err;
}

static enum mu_err run_days(struct retention *r)
{
    enum mu_err err;
    bool any, more;

    do {
        collect_days(r, &any, &more);
        if (!any)
            return MU_OK;
        err = commit(r, MU_OK);
        settle_days(r, err == MU_OK);
    } while (err == MU_OK && more);
    return err;
}

/* --- activity, where other nodes write it, too --------------------------------------------------- */

/* Only in the fleet. */
static void drop_and_fold(struct retention *r)
{
    struct day_sets *days = fleet_active_sets(r->fleet);

    fleet_write_lock(r->fleet);
    for (uint32_t i = days->count; i-- > 0;) {
        struct day_set *set = &days->at[i];
        if (is_past(r, set->day)) {
            past_day_changes(r->fleet, set->day);
            day_sets_remove(days, set->day);
        } else if (set->day < r->today && set->loose) {
            day_set_fold(set);
            set->loose = false;
        }
    }
    fleet_unlock(r->fleet);
}

static enum mu_err unite(void *ctx, struct buf *set, const uint32_t *devices, size_t count)
{
    roaring_bitmap_t *all = set->len ? roaring_bitmap_portable_deserialize_safe((const char *)set->data, set->len)
                                     : roaring_bitmap_create();

    (void)ctx;
    if (!all)
        return set->len ? MU_E_CORRUPT : MU_E_NOMEM;
    roaring_bitmap_add_many(all, count, devices);
    char *packed = packed_set_of(all);
    roaring_bitmap_free(all);
    buf_clear(set);
    buf_append(set, packed, packed_set_size(packed));
    free(packed);
    return set->err;
}

enum mu_err retention_keep_days(struct journal *j, int32_t today, unsigned keep_days)
{
    return journal_keep_house(
        j, &(struct journal_house){ .first_day = last_past_day(today, keep_days) + 1, .today = today, .unite = unite });
}

/* --- events ---------------------------------------------------------------------------------- */

struct forgotten {
    uint32_t device;
    bool alert;
    char *name;
    size_t name_len;
};

struct event_run {
    struct retention *r;
    int64_t before_us;
    struct forgotten *at;
    uint32_t count, cap;
    bool more;
};

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct event_run *run = ctx;

    if (!e->resolved_us || e->resolved_us >= run->before_us)
        return MU_OK;
    if (is_batch_full(run->r)) {
        run->more = true;
        return MU_E_LIMIT; /* ends the visit */
    }
    if (!ARRAY_RESERVE(run->at, run->cap, run->count + 1))
        return MU_E_NOMEM;
    char *name = malloc(e->name.len + 1);
    if (!name)
        return MU_E_NOMEM;
    memcpy(name, e->name.at, e->name.len);
    run->at[run->count++] = (struct forgotten){ device, e->alert, name, e->name.len };
    journal_batch_forget_event(run->r->writes, device, e);
    return MU_OK;
}

static void settle_events(struct event_run *run, bool committed)
{
    fleet_write_lock(run->r->fleet);
    for (uint32_t i = 0; i < run->count; i++) {
        const struct forgotten *e = &run->at[i];
        if (committed)
            fleet_forget_event(run->r->fleet, e->device, e->alert, (struct str){ e->name, e->name_len });
        free(e->name);
    }
    fleet_unlock(run->r->fleet);
    run->count = 0;
}

/* Other nodes read the events of these devices again. */
static enum mu_err write_delta(const struct event_run *run)
{
    const struct retention *r = run->r;
    struct delta_head head = { .moment_us = r->now_us, .registry = r->registry };
    struct buf delta;

    buf_init(&delta, LIMIT_BATCH);
    delta_put_head(&delta, &head);
    for (uint32_t i = 0; i < run->count; i++)
        delta_put(&delta, &head,
                  &(struct delta_entry){ .device = run->at[i].device, .parts = DELTA_MERGE | DELTA_EVENTS });
    enum mu_err err = delta.err;
    if (err == MU_OK)
        journal_batch_delta(r->writes, delta.data, delta.len);
    buf_free(&delta);
    return err;
}

static enum mu_err commit_events(const struct event_run *run)
{
    struct retention *r = run->r;
    enum mu_err err = commit(r, r->nodes ? write_delta(run) : MU_OK);

    if (err == MU_OK && r->nodes)
        r->nodes->committed(r->nodes->ctx, journal_last_delta(r->journal));
    return err;
}

static enum mu_err run_events(struct retention *r)
{
    struct event_run run = { .r = r, .before_us = r->now_us - r->keep_days * DAY_US };
    enum mu_err err;

    do {
        run.more = false;
        assert(!run.count);
        err = journal_events(r->journal, 0, run.before_us, on_event, &run);
        if (run.more)
            err = MU_OK;
        if (err == MU_OK && !run.count)
            break;
        if (err == MU_OK)
            err = commit_events(&run);
        else
            journal_batch_clear(r->writes);
        settle_events(&run, err == MU_OK);
    } while (err == MU_OK && run.more);
    free(run.at);
    return err;
}

/* --- controls -------------------------------------------------------------------------------- */

static enum mu_err on_old_control(void *ctx, const struct journal_control *c)
{
    (void)c;
    *(bool *)ctx = true;
    return MU_E_LIMIT; /* one old control is enough to know */
}

static enum mu_err run_controls(struct retention *r)
{
    int64_t before_us = r->now_us - r->keep_days * DAY_US;
    bool any = false;
    enum mu_err err = journal_controls(r->journal, 0, 0, before_us, on_old_control, &any);

    if (!any)
        return err;
    journal_batch_forget_controls(r->writes, before_us);
    return commit(r, MU_OK);
}

enum mu_err retention_run(struct retention *r)
{
    enum mu_err err = MU_OK;

    assert(r->keep_days);
    if (journal_is_shared(r->journal)) {
        drop_and_fold(r);
        if (!r->nodes || !r->nodes->keeps_house(r->nodes->ctx))
            return MU_OK;
    } else {
        err = run_days(r);
    }
    if (err == MU_OK)
        err = run_events(r);
    return err == MU_OK ? run_controls(r) : err;
}
