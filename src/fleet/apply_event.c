#include "fleet/fleet_internal.h"

/* Fault and alert events: which are open, and which a commit has opened or resolved. */

size_t fleet_open_events(struct fleet *f, uint32_t no, struct fleet_event *out, size_t cap)
{
    struct columns_row r = columns_row(&f->columns, no);

    if (!r.c || !r.c->events[r.i])
        return 0;
    const struct events *events = &catalog_product(f, r.c->product[r.i])->events;
    return events_open(events, &f->pool, r.c->events[r.i], out, cap);
}

struct journal_event fleet_event_record(struct fleet *f, const struct fleet_event *e)
{
    return (struct journal_event){
        .opened_us = e->opened_us,
        .resolved_us = e->resolved_us,
        .alert = f->points.at[e->point].kind == EVENT_ALERT,
        .definition = e->definition,
        .name = points_name(&f->points, e->point),
    };
}

void fleet_apply_event(struct fleet *f, const struct fleet_event *e)
{
    struct columns_row r = columns_row(&f->columns, e->device);

    if (!r.c)
        return;
    struct events *events = &catalog_product(f, r.c->product[r.i])->events;
    if (e->resolved_us)
        events_resolve(events, &f->pool, r.c->events[r.i], e->point);
    else if (events_add(events, &f->pool, &r.c->events[r.i], e) != MU_OK)
        fleet_out_of_memory();
}

void fleet_forget_event(struct fleet *f, uint32_t device, bool alert, struct str name)
{
    struct columns_row r = columns_row(&f->columns, device);
    uint32_t point = points_find(&f->points, alert ? EVENT_ALERT : EVENT_FAULT, name);

    if (!r.c || !point)
        return;
    events_forget(&catalog_product(f, r.c->product[r.i])->events, &f->pool, &r.c->events[r.i], point);
}
