#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/numbers.h"
#include "fleet/delta.h"
#include "nodes/nodes_private.h"

/* Following another node: its deltas are read here and shown in the fleet by the committer's thread, which alone changes
 * it. What a delta does not have, a device's events, is read from the store. */

/* Deltas that are shown at once; the committer does nothing else meanwhile. */
enum { NEWS_BYTES = 256 * 1024 };

struct device_event {
    uint32_t device;
    struct journal_event e;
    char *name;
};

struct news {
    struct nodes *n;
    struct buf deltas; /* one behind the other, each behind its length (4 bytes) */
    uint64_t position; /* the number of the last one */
    uint64_t registry; /* follow the registry to this change first */
    bool full;         /* there are more, for the next time */
    uint32_t *devices; /* whose events have changed */
    uint32_t device_count, device_cap;
    struct device_event *events;
    uint32_t event_count, event_cap;
    /* Old events were dropped for all nodes (retention.h), also those of devices whose session this one holds. These
     * devices alone are in `own`, which is filled while no commit can add an event. */
    bool tidied;
    struct news *own;
    enum mu_err err; /* of reading `own` */
};

static enum mu_err note_devices(struct news *news, struct bytes in, const struct delta_head *head)
{
    struct delta_entry e;

    while (delta_get(&in, head, &e)) {
        if (!(e.parts & DELTA_EVENTS))
            continue;
        if (!ARRAY_RESERVE(news->devices, news->device_cap, news->device_count + 1))
            return MU_E_NOMEM;
        news->devices[news->device_count++] = e.device;
        news->tidied |= e.parts & DELTA_MERGE;
    }
    return in.bad ? MU_E_CORRUPT : MU_OK;
}

static enum mu_err on_delta(void *ctx, uint64_t number, const void *bytes, size_t len)
{
    struct news *news = ctx;
    struct bytes in = bytes_of(bytes, len);
    struct delta_head head;
    enum mu_err err;

    if (news->deltas.len && news->deltas.len + len > NEWS_BYTES) {
        news->full = true;
        return MU_E_LIMIT; /* ends the visit */
    }
    if ((err = delta_get_head(&in, &head)) != MU_OK || (err = note_devices(news, in, &head)) != MU_OK)
        return err;
    buf_append_u32be(&news->deltas, (uint32_t)len);
    buf_append(&news->deltas, bytes, len);
    news->registry = head.registry > news->registry ? head.registry : news->registry;
    news->position = number;
    return news->deltas.err;
}

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct news *news = ctx;

    if (!ARRAY_RESERVE(news->events, news->event_cap, news->event_count + 1))
        return MU_E_NOMEM;
    struct device_event *at = &news->events[news->event_count];
    *at = (struct device_event){ .device = device, .e = *e, .name = malloc(e->name.len + 1) };
    if (!at->name)
        return MU_E_NOMEM;
    memcpy(at->name, e->name.at, e->name.len);
    at->e.name.at = at->name;
    news->event_count++;
    return MU_OK;
}

/* --- on the committer's thread ----------------------------------------------------------------------*/

/* The bus was to say the same, and was perhaps not heard. */
static void end_if_wanted(struct nodes *n, const struct delta_entry *e)
{
    if (e->parts & DELTA_WANTED && e->progress.session_boot == n->boot &&
        fleet_held_login(n->options.fleet, e->device) == e->progress.sessions)
        n->options.end_session(n->options.ctx, e->device);
}

static void show_delta(struct nodes *n, struct bytes in)
{
    struct delta_head head;
    struct delta_entry e;

    if (delta_get_head(&in, &head) != MU_OK)
        return;
    while (delta_get(&in, &head, &e)) {
        (void)fleet_apply_delta(n->options.fleet, &e);
        end_if_wanted(n, &e);
    }
}

static void show_events(struct fleet *f, const struct news *news)
{
    struct journal_event *of = malloc((news->event_count + 1) * sizeof(*of));

    if (!of) {
        log_event(LOG_ERROR, "out_of_memory", "part=nodes");
        abort(); /* as the fleet does: what is on record could not be shown */
    }
    /* Both are in the order of the devices. */
    for (uint32_t i = 0, at = 0; i < news->device_count; i++) {
        size_t count = 0;
        for (; at < news->event_count && news->events[at].device == news->devices[i]; at++)
            of[count++] = news->events[at].e;
        fleet_replace_events(f, news->devices[i], of, count);
    }
    free(of);
}

static enum mu_err read_own(const struct news *news, struct news *own)
{
    struct fleet *f = news->n->options.fleet;

    if (!ARRAY_RESERVE(own->devices, own->device_cap, news->device_count))
        return MU_E_NOMEM;
    for (uint32_t i = 0; i < news->device_count; i++)
        if (fleet_holds_session(f, news->devices[i]))
            own->devices[own->device_count++] = news->devices[i];
    if (!own->device_count)
        return MU_OK;
    return journal_device_events(news->n->options.journal, own->devices, own->device_count, on_event, own);
}

static void show(void *ctx)
{
    struct news *news = ctx;
    struct fleet *f = news->n->options.fleet;
    struct bytes in = bytes_of(news->deltas.data, news->deltas.len);

    if (news->tidied && (news->err = read_own(news, news->own)) != MU_OK)
        return;
    fleet_apply_begin(f);
    while (in.left) {
        size_t len = bytes_u32be(&in);
        show_delta(news->n, bytes_of(bytes_take(&in, len), len));
    }
    show_events(f, news);
    show_events(f, news->own);
    fleet_apply_end(f);
    committer_retry_held(news->n->committer);
}

/* --- on the thread of this room ---------------------------------------------------------------------*/

static void forget(struct news *news)
{
    for (uint32_t i = 0; i < news->event_count; i++)
        free(news->events[i].name);
    free(news->events);
    free(news->devices);
    buf_free(&news->deltas);
}

static enum mu_err take_in(struct news *news)
{
    struct nodes *n = news->n;
    struct news own = { .n = n };
    enum mu_err err = MU_OK;

    if (news->registry > committer_followed(n->committer))
        err = committer_look_at_registry(n->committer);
    news->device_count = (uint32_t)numbers_sort(news->devices, news->device_count);
    if (err == MU_OK && news->device_count)
        err = journal_device_events(n->options.journal, news->devices, news->device_count, on_event, news);
    if (err == MU_OK) {
        news->own = &own;
        committer_pause(n->committer, show, news);
        err = news->err;
    }
    forget(&own);
    return err;
}

static enum mu_err follow_some(struct nodes *n, uint64_t boot, uint64_t *position)
{
    struct news news = { .n = n, .position = *position };

    buf_init(&news.deltas, (size_t)64 * 1024 * 1024);
    enum mu_err err = journal_deltas(n->options.journal, boot, *position, on_delta, &news);
    if (news.full)
        err = MU_OK;
    if (err == MU_OK && news.deltas.len)
        err = take_in(&news);
    if (err == MU_OK)
        *position = news.position;
    forget(&news);
    return err;
}

enum mu_err nodes_follow_deltas(struct nodes *n, uint64_t boot, uint64_t *position, uint64_t upto)
{
    enum mu_err err = MU_OK;
    uint64_t before;

    do {
        before = *position;
        err = follow_some(n, boot, position);
    } while (err == MU_OK && *position != before && *position < upto);
    return err;
}

enum mu_err nodes_follow_registry(struct nodes *n)
{
    uint64_t before = committer_followed(n->committer);
    uint8_t body[8];
    enum mu_err err = MU_OK;

    pthread_mutex_lock(&n->lock);
    bool due = n->registry_wanted > before, ask = n->registry_wanted > n->registry_said;
    pthread_mutex_unlock(&n->lock);
    if (due)
        err = committer_look_at_registry(n->committer);
    if (err != MU_OK || !ask)
        return err;
    n->registry_said = committer_followed(n->committer);
    bytes_put_u64be(body, n->registry_said);
    bus_send(n->bus, 0, BUS_FOLLOWED, body, sizeof(body));
    return MU_OK;
}
