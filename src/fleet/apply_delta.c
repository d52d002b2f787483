#include "fleet/delta.h"
#include "fleet/fleet_internal.h"

/* How the index follows other nodes: their deltas, and which of them live. */

/* A second that the holder tells. It is less than the known one if the clock was set back between these two records. Or
 * the holder had not heard yet what another node has heard of the device's past: then that one counts. */
static void follow_second(uint32_t *known, int64_t told, uint64_t last_us, int64_t told_us)
{
    if (columns_seconds(told) > *known || LOW_BITS(told_us, MOMENT_BITS) < last_us)
        *known = columns_seconds(told);
}

static void follow_report(struct columns_row r, const struct fleet_progress *p)
{
    struct device_told *told = &r.c->told[r.i];

    follow_second(&r.c->last_report[r.i], p->last_report, told->last_ts_us, p->last_ts_us);
    told->last_ts_us = LOW_BITS(p->last_ts_us, MOMENT_BITS);
}

/* The earlier one counts, whoever tells it first. */
static void follow_activated(struct fleet *f, uint32_t no, struct columns_row r, const struct fleet_progress *p)
{
    uint32_t now = r.c->told[r.i].activated_at, told = columns_seconds(p->activated_at);

    if (told && (!now || told < now))
        history_activated(f, no, r, told);
}

static void follow_session(struct fleet *f, uint32_t no, struct columns_row r, const struct fleet_progress *p)
{
    struct device_told *told = &r.c->told[r.i];
    uint32_t online_latest = told->online_latest; /* it is packed */

    follow_second(&online_latest, p->online_latest, told->last_session_us, p->last_session_us);
    told->online_latest = online_latest;
    told->session = LOW_BITS(p->session_boot, MOMENT_BITS);
    told->last_session_us = LOW_BITS(p->last_session_us, MOMENT_BITS);
    follow_activated(f, no, r, p);
}

/* What a node tells that does not hold the session. */
static void merge(struct fleet *f, uint32_t no, struct columns_row r, const struct delta_entry *e)
{
    struct device_told *told = &r.c->told[r.i];
    uint32_t online_latest = columns_seconds(e->progress.online_latest);
    uint32_t last_report = columns_seconds(e->progress.last_report);

    if (e->parts & DELTA_SESSION) {
        follow_activated(f, no, r, &e->progress);
        if (online_latest > told->online_latest)
            told->online_latest = online_latest;
    }
    if (e->parts & DELTA_REPORT && last_report > r.c->last_report[r.i])
        r.c->last_report[r.i] = last_report;
}

static void replace(struct fleet *f, uint32_t no, struct columns_row r, const struct delta_entry *e)
{
    struct device_told *told = &r.c->told[r.i];

    told->messages = LOW_BITS(e->progress.messages, COUNT_BITS);
    told->sessions = (uint32_t)e->progress.sessions;
    told->numbers_reports = e->progress.numbers_reports;
    if (e->parts & DELTA_REPORT)
        follow_report(r, &e->progress);
    if (e->parts & DELTA_SESSION)
        follow_session(f, no, r, &e->progress);
    fleet_device_set_flag(f, no, r, DEVICE_ONLINE, e->online);
    fleet_device_set_flag(f, no, r, DEVICE_FAULTY, e->faulty);
    fleet_device_set_flag(f, no, r, DEVICE_ALERT, e->alert);
}

/* A start reads messages that are newer than the state that it has read; so a later session counts first. */
static bool is_older(const struct delta_entry *e, const struct device_told *told)
{
    if (e->progress.sessions != told->sessions)
        return e->progress.sessions < told->sessions;
    return e->progress.messages < told->messages;
}

void fleet_apply_delta(struct fleet *f, const struct delta_entry *e)
{
    struct columns_row r = columns_row(&f->columns, e->device);

    if (!r.c)
        return;
    const struct device_told *told = &r.c->told[r.i];
    if (e->parts & DELTA_MERGE)
        merge(f, e->device, r, e);
    else if (!told->mine && !is_older(e, told))
        replace(f, e->device, r, e);
    else if (e->parts & DELTA_SESSION)
        follow_activated(f, e->device, r, &e->progress);
    if (e->parts & DELTA_DAY) {
        history_active(f, e->progress.active_day, e->device);
        if (e->progress.active_day > told->active_day)
            r.c->told[r.i].active_day = e->progress.active_day;
    }
}

struct fleet_mark fleet_mark(struct fleet *f, uint32_t no)
{
    struct fleet_mark mark = { 0 };

    fleet_read_lock(f);
    struct columns_row r = columns_row(&f->columns, no);
    if (r.c)
        mark = (struct fleet_mark){
            .messages = r.c->told[r.i].messages,
            .versions = r.c->told[r.i].versions,
            .events = events_total(&catalog_product(f, r.c->product[r.i])->events, r.c->events[r.i]),
        };
    fleet_unlock(f);
    return mark;
}

void fleet_replace_events(struct fleet *f, uint32_t device, const struct journal_event *events, size_t count)
{
    struct columns_row r = columns_row(&f->columns, device);

    if (!r.c)
        return;
    struct events *of = &catalog_product(f, r.c->product[r.i])->events;
    events_drop(of, &f->pool, &r.c->events[r.i]);
    for (size_t i = 0; i < count; i++) {
        struct fleet_event e = { .device = device,
                                 .definition = events[i].definition,
                                 .opened_us = events[i].opened_us,
                                 .resolved_us = events[i].resolved_us };
        if (points_no(&f->points, events[i].alert ? EVENT_ALERT : EVENT_FAULT, events[i].name, &e.point) != MU_OK ||
            events_add(of, &f->pool, &r.c->events[r.i], &e) != MU_OK)
            fleet_out_of_memory();
    }
}

/* Shows the devices whose session that start holds as online, or as offline. */
static void show_boot(struct fleet *f, uint64_t boot, bool online)
{
    fleet_write_lock(f);
    for (uint32_t chunk = 0; chunk < f->columns.count; chunk++) {
        struct device_chunk *c = f->columns.chunks[chunk];
        for (uint32_t i = 0; c && i < CHUNK_ROWS; i++) {
            if (c->told[i].session == boot && !c->told[i].mine && c->product[i])
                fleet_device_set_flag(f, chunk << CHUNK_BITS | i, (struct columns_row){ c, i }, DEVICE_ONLINE, online);
        }
    }
    fleet_unlock(f);
}

void fleet_boot_lives(struct fleet *f, uint64_t boot)
{
    show_boot(f, boot, true);
}

void fleet_boot_is_over(struct fleet *f, uint64_t boot)
{
    show_boot(f, boot, false);
}
