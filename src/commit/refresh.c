#include "commit/refresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/numbers.h"
#include "fleet/fleet_parts.h"
#include "journal/journal_nodes.h"

/* Reading devices' events again, and showing them (refresh.h). */

enum mu_err refresh_add(struct refresh *r, uint32_t device)
{
    if (!ARRAY_RESERVE(r->devices, r->cap, r->count + 1))
        return MU_E_NOMEM;
    r->devices[r->count++] = device;
    return MU_OK;
}

static void forget_read(struct refresh *r)
{
    for (uint32_t i = 0; i < r->event_count; i++)
        free(r->events[i].name);
    free(r->events);
    free(r->marks);
    r->events = NULL;
    r->marks = NULL;
    r->event_count = r->event_cap = 0;
}

void refresh_free(struct refresh *r)
{
    forget_read(r);
    free(r->devices);
    *r = (struct refresh){ 0 };
}

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct refresh *r = ctx;

    if (!ARRAY_RESERVE(r->events, r->event_cap, r->event_count + 1))
        return MU_E_NOMEM;
    struct refreshed_event *at = &r->events[r->event_count];
    *at = (struct refreshed_event){ .device = device, .e = *e, .name = malloc(e->name.len + 1) };
    if (!at->name)
        return MU_E_NOMEM;
    memcpy(at->name, e->name.at, e->name.len);
    at->e.name.at = at->name;
    r->event_count++;
    return MU_OK;
}

enum mu_err refresh_read(struct refresh *r, struct fleet *f, struct journal *j)
{
    forget_read(r);
    if (!r->count)
        return MU_OK;
    r->count = (uint32_t)numbers_sort(r->devices, r->count);
    if (!(r->marks = malloc(r->count * sizeof(*r->marks))))
        return MU_E_NOMEM;
    for (uint32_t i = 0; i < r->count; i++)
        r->marks[i] = fleet_mark(f, r->devices[i]);
    return journal_device_events(j, r->devices, r->count, on_event, r);
}

static bool same_mark(struct fleet_mark a, struct fleet_mark b)
{
    return a.messages == b.messages && a.events == b.events;
}

enum mu_err refresh_again(const struct refresh *r, struct fleet *f, struct journal *j, struct refresh *again)
{
    enum mu_err err = MU_OK;

    for (uint32_t i = 0; i < r->count && err == MU_OK; i++)
        if (!same_mark(fleet_mark(f, r->devices[i]), r->marks[i]))
            err = refresh_add(again, r->devices[i]);
    return err == MU_OK ? refresh_read(again, f, j) : err;
}

void refresh_show(const struct refresh *r, struct fleet *f)
{
    struct journal_event *of = malloc((r->event_count + 1) * sizeof(*of));

    if (!of)
        fleet_out_of_memory(); /* what is on record could not be shown */
    for (uint32_t i = 0, at = 0; i < r->count; i++) {
        size_t count = 0;
        for (; at < r->event_count && r->events[at].device == r->devices[i]; at++)
            of[count++] = r->events[at].e;
        fleet_replace_events(f, r->devices[i], of, count);
    }
    free(of);
}
