#include "commit/refresh.h"
#include "fleet/delta.h"
#include "nodes/nodes_private.h"

/* Following another node: its deltas are read here and shown in the fleet by the committer's thread, which alone changes
 * it. What a delta does not have, a device's events, is read from the store. */

/* Deltas that are shown at once; the committer does nothing else meanwhile. */
enum { NEWS_BYTES = 256 * 1024 };

struct news {
    struct nodes *n;
    struct buf deltas;      /* one behind the other, each behind its length (4 bytes) */
    uint64_t position;      /* the number of the last one */
    uint64_t registry;      /* follow the registry to this change first */
    bool full;              /* there are more, for the next time */
    struct refresh refresh; /* devices whose events or versions have changed */
    enum mu_err err;        /* of showing it */
};

/* Between what the index shows of a device and its login at that node there are messages of a third node, which is
 * followed later. That one's deltas are then too old to be looked at, and they may tell of events. */
static bool has_missed(const struct news *news, const struct delta_entry *e)
{
    return e->parts & DELTA_SESSION && !(e->parts & DELTA_MERGE) && e->online &&
           e->progress.messages > fleet_mark(news->n->options.fleet, e->device).messages;
}

static enum mu_err note_devices(struct news *news, struct bytes in, const struct delta_head *head)
{
    struct delta_entry e;

    while (delta_get(&in, head, &e)) {
        if ((e.parts & DELTA_EVENTS || has_missed(news, &e)) && refresh_events(&news->refresh, e.device) != MU_OK)
            return MU_E_NOMEM;
        if (e.parts & DELTA_VERSIONS && refresh_versions(&news->refresh, e.device) != MU_OK)
            return MU_E_NOMEM;
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
        fleet_apply_delta(n->options.fleet, &e);
        end_if_wanted(n, &e);
    }
}

static void show(void *ctx)
{
    struct news *news = ctx;
    struct fleet *f = news->n->options.fleet;
    struct bytes in = bytes_of(news->deltas.data, news->deltas.len);
    struct refresh again = { 0 };

    if ((news->err = refresh_again(&news->refresh, f, news->n->options.journal, &again)) != MU_OK)
        goto out;
    fleet_apply_begin(f);
    while (in.left) {
        size_t len = bytes_u32be(&in);
        show_delta(news->n, bytes_of(bytes_take(&in, len), len));
    }
    refresh_show(&news->refresh, f);
    refresh_show(&again, f);
    fleet_apply_end(f);
    committer_look_at_held(news->n->committer);
out:
    refresh_free(&again);
}

/* --- on the thread of this room ---------------------------------------------------------------------*/

static enum mu_err take_in(struct news *news)
{
    struct nodes *n = news->n;
    enum mu_err err = MU_OK;

    if (news->registry > committer_followed(n->committer))
        err = committer_look_at_registry(n->committer);
    if (err == MU_OK)
        err = refresh_read(&news->refresh, n->options.fleet, n->options.journal);
    if (err != MU_OK)
        return err;
    committer_pause(n->committer, show, news);
    return news->err;
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
    refresh_free(&news.refresh);
    buf_free(&news.deltas);
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
