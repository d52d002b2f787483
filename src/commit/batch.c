#include "commit/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/numbers.h"

/* A batch in the making: its devices, and how each record is added. */

/* The size of a device's state record in the journal, without its image: batch_takes counts it, since states are
 * written at the end. */
enum {
    STATE_BYTES = 100,
    FIRST_PENDING = 1024,
    IMAGES_MAX = 64 * 1024 * 1024,
    TOLD_MAX = 64 * 1024 * 1024,
    DELTA_MAX = 64 * 1024 * 1024
};

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
    assert(b->count <= b->cap);
    b->slots = slots;
    b->slot_mask = cap * 2 - 1;
    b->cap = cap;
    return MU_OK;
}

static uint32_t slot_of(const struct batch *b, uint32_t device)
{
    uint32_t at = (uint32_t)hash_number(device) & b->slot_mask;

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
        .watch = options->watch,
        .boot = journal_boot(options->journal).number,
        .day_from = 1,
        .day_to = 0,
        .undecoded.fleet = options->fleet,
        .shared = journal_is_shared(options->journal),
        .nodes = options->nodes,
    };
    buf_init(&b->delta, DELTA_MAX);
    buf_init(&b->images, IMAGES_MAX);
    buf_init(&b->told, TOLD_MAX);
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
    free(b->wanted);
    lagging_free(&b->lagging);
    undecoded_log_free(&b->undecoded);
    buf_free(&b->images);
    buf_free(&b->told);
    buf_free(&b->delta);
}

bool batch_takes(const struct batch *b, const struct intake_record *next)
{
    size_t states = b->images.len + (size_t)b->count * STATE_BYTES;

    if (b->err != MU_OK || journal_batch_bytes(b->writes) + states >= LIMIT_BATCH)
        return false;
    return !next->ts_us || next->ts_us >= b->latest_us - CLOCK_STEP_US;
}

int64_t batch_moment(struct batch *b, uint32_t device, enum journal_list list, int64_t clock_us, int64_t last_us)
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

bool batch_holds(const struct batch *b, uint32_t device)
{
    return !b->shared || b->reading || numbers_have(b->claimed, b->claimed_count, device) ||
           fleet_holds_session(b->fleet, device);
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
    assert(b->count < b->cap && !b->slots[at]);
    struct pending *p = &b->pending[b->count];
    *p = (struct pending){ .device = device };
    if (!fleet_progress_get(b->fleet, device, &p->progress, &p->product))
        return NULL;
    p->before_us = p->progress.last_ts_us;
    p->elsewhere = !batch_holds(b, device);
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
    if (rec->kind == INTAKE_PASS || rec->kind == INTAKE_MOVED)
        return;
    if (rec->kind == INTAKE_AUDIT) {
        batch_add_audit(b, rec);
        if (watch_is_on(b->watch))
            batch_watch_refused(b, rec);
        return;
    }
    /* A larger record would make the journal refuse the whole batch. */
    if (rec->body_len > LIMIT_MQTT_PACKET) {
        rec->err = MU_E_LIMIT;
        return;
    }
    struct pending *p = batch_pending(b, rec->device);
    if (!p) {
        rec->err = (uint8_t)(b->err != MU_OK ? MU_OK : MU_E_NOT_FOUND);
        return;
    }
    uint32_t events_before = b->event_count;
    p->kept |= rec->kind != INTAKE_REPORT && rec->kind != INTAKE_CONTROL;
    switch ((enum intake_kind)rec->kind) {
    case INTAKE_LOGIN:
        assert(rec->body_len == sizeof(struct commit_login));
        batch_add_login(b, p, rec);
        break;
    case INTAKE_END:
        assert(rec->body_len == sizeof(struct commit_end));
        if (!batch_add_end(b, p, body))
            return;
        break;
    case INTAKE_REPORT: batch_add_report(b, p, rec); break;
    case INTAKE_CONTROL: batch_add_control(b, p, rec); break;
    case INTAKE_VERSIONS:
        assert(rec->body_len == sizeof(struct journal_versions));
        batch_add_versions(b, p, body, true);
        break;
    case INTAKE_HISTORY: batch_add_history(b, p, rec); break;
    case INTAKE_AUDIT:
    case INTAKE_PASS:
    case INTAKE_MOVED:
    case INTAKE_REFUSED: break;
    }
    if (watch_is_on(b->watch))
        batch_watch(b, p, rec, events_before);
}

/* The slot of a pending device. */
static uint32_t *expect_slot(struct batch *b, uint32_t index)
{
    uint32_t *slot = &b->slots[slot_of(b, b->pending[index].device)];

    assert(*slot == index + 1);
    return slot;
}

void batch_clear(struct batch *b)
{
    if (b->count > b->cap / 8) {
        memset(b->slots, 0, ((size_t)b->slot_mask + 1) * sizeof(*b->slots));
    } else {
        /* Backwards, since then each slot is found in the same way as when its entry was added. */
        for (uint32_t i = b->count; i-- > 0;)
            *expect_slot(b, i) = 0;
    }
    b->count = 0;
    b->version_count = 0;
    b->event_count = 0;
    b->active_count = 0;
    b->wanted_count = 0;
    b->records = b->messages = 0;
    b->latest_us = b->newest_us = 0;
    b->err = MU_OK;
    buf_clear(&b->images);
    buf_clear(&b->delta);
    b->claimed_count = 0;
}
