#include <assert.h>

#include "commit/batch.h"

#include "base/array.h"

/* Fault and alert events. A point's event is open exactly while the point is 1 in the device's last state. A report
 * that tells a 1 opens an event if none is open, whatever came before. Any report after which the point is not 1
 * resolves it. The same holds when the definition changes. A point is no longer 1 if the new definition does not have
 * it, has it as another kind, or has not been told it yet (variable length). A point that keeps its kind and name goes
 * on. */

/* The device's open events as this batch leaves them. out has room for LIMIT_POINTS: a definition has no more points,
 * so no more can be 1 at once. */
static size_t open_now(const struct batch *b, const struct pending *p, struct fleet_event *out)
{
    size_t kept = fleet_open_events(b->fleet, p->device, out, LIMIT_POINTS), n = 0;

    assert(p->events <= b->event_count);
    if (!p->events)
        return kept;
    /* The batch's latest event of a point decides. */
    for (size_t i = 0; i < kept; i++) {
        uint32_t at = p->events;
        while (at && b->events[at - 1].event.point != out[i].point)
            at = b->events[at - 1].older;
        if (!at)
            out[n++] = out[i];
    }
    for (uint32_t at = p->events; at && n < LIMIT_POINTS; at = b->events[at - 1].older) {
        const struct fleet_event *e = &b->events[at - 1].event;
        uint32_t later = p->events;
        while (later != at && b->events[later - 1].event.point != e->point)
            later = b->events[later - 1].older;
        if (later == at && !e->resolved_us)
            out[n++] = *e;
    }
    return n;
}

static void add(struct batch *b, struct pending *p, const struct fleet_event *e)
{
    if (!ARRAY_RESERVE(b->events, b->event_cap, b->event_count + 1)) {
        b->err = MU_E_NOMEM;
        return;
    }
    b->events[b->event_count++] = (struct pending_event){ .event = *e, .older = p->events };
    p->events = b->event_count;
    struct journal_event record = fleet_event_record(b->fleet, e);
    journal_batch_event(b->writes, p->device, &record);
}

static bool is_open(const struct fleet_event *open, size_t count, uint32_t point)
{
    size_t i = 0;

    while (i < count && open[i].point != point)
        i++;
    return i < count;
}

static bool is_raised(const uint32_t *points, const uint16_t *ids, size_t count, uint32_t point)
{
    size_t i = 0;

    while (i < count && points[ids[i]] != point)
        i++;
    return i < count;
}

void batch_note_events(struct batch *b, struct pending *p, const struct fleet_definition *d)
{
    uint16_t raised[LIMIT_POINTS];
    struct fleet_event open[LIMIT_POINTS];
    size_t raised_count = datapoint_state_raised(d->plan, b->images.data + p->image, raised);
    size_t open_count = open_now(b, p, open);

    assert(p->has_image && raised_count <= LIMIT_POINTS && open_count <= LIMIT_POINTS);
    for (size_t i = 0; i < raised_count; i++) {
        if (!is_open(open, open_count, d->points[raised[i]]))
            add(b, p,
                &(struct fleet_event){ .device = p->device,
                                       .point = d->points[raised[i]],
                                       .definition = d->version,
                                       .opened_us = p->progress.last_ts_us });
    }
    for (size_t i = 0; i < open_count; i++) {
        if (is_raised(d->points, raised, raised_count, open[i].point))
            continue;
        /* Not earlier than it was opened: the clock may have been ahead then. */
        open[i].resolved_us = p->progress.last_ts_us > open[i].opened_us ? p->progress.last_ts_us : open[i].opened_us;
        add(b, p, &open[i]);
    }
}
