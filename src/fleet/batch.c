#include "fleet/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* What a device's state record takes in the journal, beside its image: for batch_takes, since states
 * are written at the end. */
enum { STATE_BYTES = 100, FIRST_PENDING = 1024, IMAGES_MAX = 64 * 1024 * 1024 };

static enum mu_err grow_pending(struct batch *b)
{
    uint32_t cap = b->cap ? b->cap * 2 : FIRST_PENDING;
    struct pending *pending = realloc(b->pending, cap * sizeof(*pending));

    if (!pending)
        return MU_E_NOMEM;
    b->pending = pending;
    uint32_t *slots = calloc((size_t)cap * 2, sizeof(*slots));
    if (!slots)
        return MU_E_NOMEM;
    free(b->slots);
    b->slots = slots;
    b->slot_mask = cap * 2 - 1;
    b->cap = cap;
    return MU_OK;
}

static uint32_t slot_of(const struct batch *b, uint32_t device)
{
    uint32_t at = (device * 0x9e3779b1u) >> 7 & b->slot_mask;

    while (b->slots[at] && b->pending[b->slots[at] - 1].device != device)
        at = (at + 1) & b->slot_mask;
    return at;
}

enum mu_err batch_init(struct batch *b, const struct committer_options *options)
{
    *b = (struct batch){
        .fleet = options->fleet,
        .journal = options->journal,
        .calendar = options->calendar,
        .boot = journal_boot(options->journal).number,
        .day_from = 1,
        .day_to = 0,
    };
    buf_init(&b->images, IMAGES_MAX);
    enum mu_err err = journal_batch_create(&b->writes, options->journal);
    if (err == MU_OK && !lagging_init(&b->lagging))
        err = MU_E_NOMEM;
    return err != MU_OK ? err : grow_pending(b);
}

void batch_free(struct batch *b)
{
    if (b->writes)
        journal_batch_destroy(b->writes);
    free(b->pending);
    free(b->slots);
    free(b->versions);
    free(b->events);
    free(b->active);
    lagging_free(&b->lagging);
    undecoded_log_free(&b->undecoded);
    buf_free(&b->images);
}

bool batch_room(struct batch *b, void *array, uint32_t count, uint32_t *cap, size_t size)
{
    void *at;

    if (count < *cap)
        return true;
    uint32_t grown = *cap ? *cap * 2 : 16;
    memcpy(&at, array, sizeof(at));
    if (!(at = realloc(at, grown * size))) {
        b->err = MU_E_NOMEM;
        return false;
    }
    memcpy(array, &at, sizeof(at));
    *cap = grown;
    return true;
}

bool batch_takes(const struct batch *b, const struct intake_record *next)
{
    size_t states = b->images.len + (size_t)b->count * STATE_BYTES;

    if (b->err != MU_OK || journal_batch_bytes(b->writes) + states >= LIMIT_BATCH)
        return false;
    return !next->ts_us || next->ts_us >= b->latest_us - CLOCK_STEP_US;
}

int64_t batch_moment(struct batch *b, uint32_t device, enum journal_list list, int64_t clock_us,
                     int64_t last_us)
{
    if (clock_us > last_us)
        return clock_us;
    if (clock_us >= last_us - CLOCK_STEP_US)
        return last_us + 1;
    journal_batch_turn(b->writes, device, list, clock_us, last_us);
    return clock_us;
}

int32_t batch_day(struct batch *b, int64_t unix_s)
{
    if (unix_s < b->day_from || unix_s >= b->day_to) {
        b->day = calendar_day(b->calendar, unix_s);
        b->day_from = calendar_day_start(b->calendar, b->day);
        b->day_to = calendar_day_start(b->calendar, b->day + 1);
    }
    return b->day;
}

struct pending *batch_pending(struct batch *b, uint32_t device)
{
    uint32_t at = slot_of(b, device);

    if (b->slots[at])
        return &b->pending[b->slots[at] - 1];
    if (b->count == b->cap) {
        if (grow_pending(b) != MU_OK) {
            b->err = MU_E_NOMEM;
            return NULL;
        }
        for (uint32_t i = 0; i < b->count; i++)
            b->slots[slot_of(b, b->pending[i].device)] = i + 1;
        at = slot_of(b, device);
    }
    struct pending *p = &b->pending[b->count];
    *p = (struct pending){ .device = device };
    if (!fleet_progress_get(b->fleet, device, &p->progress, &p->product))
        return NULL;
    p->before_us = p->progress.last_ts_us;
    b->slots[at] = ++b->count;
    return p;
}

void batch_add(struct batch *b, struct intake_record *rec)
{
    const void *body = rec->body;

    if (b->records++ == 0)
        b->tally = (struct committer_figures){ 0 };
    if (rec->ts_us > b->latest_us)
        b->latest_us = rec->ts_us;
    rec->err = MU_OK;
    if (rec->kind == INTAKE_REFUSED) {
        rec->err = MU_E_NOMEM;
        return;
    }
    if (rec->kind == INTAKE_PASS)
        return;
    if (rec->kind == INTAKE_AUDIT) {
        batch_add_audit(b, rec);
        return;
    }
    /* The journal would fail the whole batch for it. */
    if (rec->body_len > LIMIT_MQTT_PACKET) {
        rec->err = MU_E_LIMIT;
        return;
    }
    struct pending *p = batch_pending(b, rec->device);
    if (!p) {
        rec->err = (uint8_t)(b->err != MU_OK ? MU_OK : MU_E_NOT_FOUND);
        /* It was there when it logged in, and has been deleted meanwhile. */
        if (rec->kind == INTAKE_LOGIN && b->err == MU_OK)
            fleet_refuse_login(b->fleet, rec->device);
        return;
    }
    p->kept |= rec->kind != INTAKE_REPORT && rec->kind != INTAKE_CONTROL;
    switch ((enum intake_kind)rec->kind) {
    case INTAKE_LOGIN:
        batch_add_login(b, p, body);
        break;
    case INTAKE_END:
        batch_add_end(b, p, body);
        break;
    case INTAKE_REPORT:
        batch_add_report(b, p, rec);
        break;
    case INTAKE_CONTROL:
        batch_add_control(b, p, rec);
        break;
    case INTAKE_VERSIONS:
        batch_add_versions(b, p, body);
        break;
    case INTAKE_HISTORY:
        batch_add_history(b, p, rec);
        break;
    case INTAKE_AUDIT:
    case INTAKE_PASS:
    case INTAKE_REFUSED:
        break;
    }
}

/* --- committing ------------------------------------------------------------------------------ */

static const uint8_t *final_image(const struct batch *b, const struct pending *p, size_t *len)
{
    if (p->has_image) {
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
    struct fleet_change change = { .no = p->device, .progress = p->progress };
    size_t old_len = 0;

    if (p->has_image) {
        const uint8_t *image = b->images.data + p->image;
        const uint8_t *old = fleet_image(b->fleet, p->device, &old_len);
        /* Most reports repeat what is known. The same bytes under another definition do not. */
        if (p->redefined || !old || old_len != p->image_len || memcmp(old, image, old_len) != 0) {
            change.image = image;
            change.image_len = p->image_len;
            change.faulty = datapoint_state_faulty(p->definition->plan, image);
            change.alert = datapoint_state_alert(p->definition->plan, image);
        }
    }
    if (p->versions)
        change.versions = &b->versions[p->versions - 1];
    fleet_apply(b->fleet, &change);
}

static void clear(struct batch *b)
{
    if (b->count > b->cap / 8) {
        memset(b->slots, 0, ((size_t)b->slot_mask + 1) * sizeof(*b->slots));
    } else {
        /* Backwards: a slot is then found as it was when the entry was added. */
        for (uint32_t i = b->count; i-- > 0;)
            b->slots[slot_of(b, b->pending[i].device)] = 0;
    }
    b->count = 0;
    b->version_count = 0;
    b->event_count = 0;
    b->active_count = 0;
    b->records = b->messages = 0;
    b->latest_us = b->newest_us = 0;
    b->err = MU_OK;
    buf_clear(&b->images);
}

/* Takes those that are at the front of the line into the batch; how many. */
static uint32_t take_due(struct batch *b, int64_t mono_us)
{
    uint32_t due = lagging_due(&b->lagging, b->messages, b->settling ? INT64_MAX : mono_us);

    for (uint32_t i = 0; i < due; i++) {
        const struct lag *lag = lagging_peek(&b->lagging, i);
        struct pending *p = batch_pending(b, lag->device);
        if (!p) /* it has been deleted */
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

/* Writes the states that do not follow from what the journal has of their devices. */
static void write_states(struct batch *b)
{
    uint32_t entering = 0;

    for (uint32_t i = 0; i < b->count; i++) {
        struct pending *p = &b->pending[i];
        bool lags = !p->due && lagging_has(&b->lagging, p->device);
        if (!p->due && (!p->changed || (lags && !p->kept)))
            continue;
        if (!p->due && !lags && !b->settling)
            p->enters = reports_often(b, p) && lagging_may_enter(&b->lagging, p->device, entering++);
        write_state(b, p, lags || p->enters);
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

/* Those that go on to lag may have messages ahead of a clock that has been set back since. */
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
            journal_batch_versions(b->writes, p->device, &b->versions[p->versions - 1]);
    }
    if (b->messages)
        journal_batch_followed(b->writes, followed_until(b, due));
    enum mu_err err = b->err;
    if (err == MU_OK)
        err = journal_commit(b->journal, b->writes, now_us);
    else
        journal_batch_clear(b->writes);
    if (err == MU_OK) {
        note_committed(b, due, mono_us);
        if (b->count)
            show_all(b);
    }
    clear(b);
    return err;
}

enum mu_err batch_settle(struct batch *b, int64_t now_us)
{
    enum mu_err err = MU_OK;

    b->settling = true;
    while (b->lagging.count && err == MU_OK)
        err = batch_commit(b, now_us);
    b->settling = false;
    return err;
}

void batch_show(struct batch *b)
{
    show_all(b);
    journal_batch_clear(b->writes);
    clear(b);
}
