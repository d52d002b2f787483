#include "commit/batch.h"

#include <assert.h>

/* What a batch tells watchers: noted while its records are added, told when they are on disk. */

static void note(struct batch *b, const struct watch_event *e, const void *body, size_t body_len)
{
    if (!watch_note(&b->told, e, body, body_len))
        b->told_lost++;
}

static void note_points(struct batch *b, struct watch_event e, uint32_t from)
{
    assert(from <= b->event_count);
    e.kind = WATCH_POINT;
    for (uint32_t i = from; i < b->event_count; i++) {
        struct journal_event event = fleet_event_record(b->fleet, &b->events[i].event);
        e.point.name = event.name;
        e.point.alert = event.alert;
        e.point.cleared = event.resolved_us != 0;
        note(b, &e, NULL, 0);
    }
}

void batch_watch(struct batch *b, const struct pending *p, const struct intake_record *rec, uint32_t events_before)
{
    struct watch_event e = { .device = p->device, .product = p->product };

    fleet_did(b->fleet, p->device, e.did);
    switch ((enum intake_kind)rec->kind) {
    case INTAKE_LOGIN: {
        const struct commit_login *login = (const void *)rec->body;
        e.kind = WATCH_LOGIN;
        e.ts_us = p->progress.last_session_us;
        e.peer = login->peer;
        e.login.takeover = login->takeover;
        e.login.keep_alive = login->keep_alive - COMMIT_KEEP_ALIVE_MORE;
        note(b, &e, NULL, 0);
        return;
    }
    case INTAKE_END: {
        const struct commit_end *end = (const void *)rec->body;
        e.kind = WATCH_END;
        e.ts_us = p->progress.last_session_us;
        e.end.reason = end->reason;
        e.end.seconds = end->duration;
        note(b, &e, NULL, 0);
        return;
    }
    case INTAKE_REPORT:
        e.kind = WATCH_MESSAGE;
        e.ts_us = p->progress.last_ts_us;
        e.definition = atomic_load(&p->product->definition);
        note(b, &e, rec->body, rec->body_len);
        note_points(b, e, events_before);
        return;
    case INTAKE_CONTROL: {
        const struct intake_control *control = (const void *)rec->body;
        e.kind = WATCH_CONTROL;
        e.ts_us = p->progress.last_ts_us;
        e.definition = atomic_load(&p->product->definition);
        str_copy(e.control.enterprise_id, sizeof(e.control.enterprise_id),
                 str_of(fleet_enterprise_id(b->fleet, control->enterprise)));
        note(b, &e, rec->body + sizeof(*control), rec->body_len - sizeof(*control));
        return;
    }
    case INTAKE_VERSIONS:
    case INTAKE_HISTORY:
    case INTAKE_AUDIT:
    case INTAKE_PASS:
    case INTAKE_MOVED:
    case INTAKE_REFUSED: return;
    }
}

void batch_watch_refused(struct batch *b, const struct intake_record *rec)
{
    const struct intake_audit *audit = (const void *)rec->body;
    struct watch_event e = { .kind = WATCH_REFUSED_CONTROL, .ts_us = rec->ts_us };
    struct fleet_login known;

    e.control.error = audit->error;
    memcpy(e.control.enterprise_id, audit->enterprise_id, sizeof(e.control.enterprise_id));
    memcpy(e.did, audit->did, sizeof(e.did));
    if (fleet_login_find(b->fleet, str_of(e.did), &known)) {
        e.device = known.no;
        e.product = known.product;
    }
    note(b, &e, NULL, 0);
}

void batch_tell(struct batch *b, enum mu_err err)
{
    if (err == MU_OK && (b->told.len || b->told_lost))
        watch_tell(b->watch, &b->told, b->told_lost);
    buf_clear(&b->told);
    b->told_lost = 0;
}
