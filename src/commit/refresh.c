#include "commit/refresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/numbers.h"
#include "fleet/fleet_parts.h"
#include "journal/journal_nodes.h"

/* Reading devices' events and versions again, and showing them (refresh.h). */

/* --- what is to be read ----------------------------------------------------------------------- */

static enum mu_err add(struct refresh_list *list, uint32_t device)
{
    if (!ARRAY_RESERVE(list->devices, list->cap, list->count + 1))
        return MU_E_NOMEM;
    list->devices[list->count++] = device;
    return MU_OK;
}

enum mu_err refresh_events(struct refresh *r, uint32_t device)
{
    return add(&r->events_of, device);
}

enum mu_err refresh_versions(struct refresh *r, uint32_t device)
{
    return add(&r->versions_of, device);
}

static void list_free(struct refresh_list *list)
{
    free(list->devices);
    free(list->marks);
}

static void forget_read(struct refresh *r)
{
    for (uint32_t i = 0; i < r->event_count; i++)
        free(r->events[i].name);
    r->event_count = r->version_count = 0;
}

void refresh_free(struct refresh *r)
{
    forget_read(r);
    free(r->events);
    free(r->versions);
    list_free(&r->events_of);
    list_free(&r->versions_of);
    *r = (struct refresh){ 0 };
}

/* --- reading ---------------------------------------------------------------------------------- */

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

static enum mu_err on_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    struct refresh *r = ctx;

    if (!ARRAY_RESERVE(r->versions, r->version_cap, r->version_count + 1))
        return MU_E_NOMEM;
    r->versions[r->version_count++] = (struct refreshed_versions){ device, *v };
    return MU_OK;
}

static enum mu_err mark(struct refresh_list *list, struct fleet *f)
{
    list->count = (uint32_t)numbers_sort(list->devices, list->count);
    free(list->marks);
    if (!(list->marks = malloc((list->count + 1) * sizeof(*list->marks))))
        return MU_E_NOMEM;
    for (uint32_t i = 0; i < list->count; i++)
        list->marks[i] = fleet_mark(f, list->devices[i]);
    return MU_OK;
}

enum mu_err refresh_read(struct refresh *r, struct fleet *f, struct journal *j)
{
    const struct refresh_list *events = &r->events_of, *versions = &r->versions_of;
    enum mu_err err;

    forget_read(r);
    if ((err = mark(&r->events_of, f)) != MU_OK || (err = mark(&r->versions_of, f)) != MU_OK)
        return err;
    if (events->count && (err = journal_device_events(j, events->devices, events->count, on_event, r)) != MU_OK)
        return err;
    return versions->count ? journal_device_versions(j, versions->devices, versions->count, on_versions, r) : MU_OK;
}

enum mu_err refresh_again(const struct refresh *r, struct fleet *f, struct journal *j, struct refresh *again)
{
    const struct refresh_list *events = &r->events_of, *versions = &r->versions_of;
    enum mu_err err = MU_OK;

    for (uint32_t i = 0; i < events->count && err == MU_OK; i++) {
        struct fleet_mark now = fleet_mark(f, events->devices[i]);
        if (now.messages != events->marks[i].messages || now.events != events->marks[i].events)
            err = refresh_events(again, events->devices[i]);
    }
    for (uint32_t i = 0; i < versions->count && err == MU_OK; i++)
        if (fleet_mark(f, versions->devices[i]).versions != versions->marks[i].versions)
            err = refresh_versions(again, versions->devices[i]);
    return err == MU_OK ? refresh_read(again, f, j) : err;
}

/* --- showing ---------------------------------------------------------------------------------- */

void refresh_show(const struct refresh *r, struct fleet *f)
{
    struct journal_event *of = malloc((r->event_count + 1) * sizeof(*of));

    if (!of)
        fleet_out_of_memory(); /* what is on record could not be shown */
    for (uint32_t i = 0, at = 0; i < r->events_of.count; i++) {
        size_t count = 0;
        for (; at < r->event_count && r->events[at].device == r->events_of.devices[i]; at++)
            of[count++] = r->events[at].e;
        fleet_replace_events(f, r->events_of.devices[i], of, count);
    }
    free(of);
    for (uint32_t i = 0; i < r->version_count; i++)
        fleet_apply_versions(f, r->versions[i].device, &r->versions[i].v);
}
