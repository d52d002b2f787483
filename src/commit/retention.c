#include "commit/retention.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "fleet/fleet_parts.h"
#include "fleet/packed_set.h"
#include "fleet/past.h"

/* Dropping old days, events and controls, and folding finished days. */

static const int64_t DAY_US = 86400LL * 1000000;

static bool is_batch_full(const struct retention *r)
{
    return journal_batch_bytes(r->writes) >= LIMIT_BATCH;
}

/* --- activity -------------------------------------------------------------------------------- */

static bool is_past(const struct retention *r, int32_t day)
{
    return day <= r->today - (int32_t)r->keep_days;
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
        err = commit(r, err);
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
    assert(r->keep_days);
    enum mu_err err = run_days(r);
    if (err == MU_OK)
        err = run_events(r);
    return err == MU_OK ? run_controls(r) : err;
}
