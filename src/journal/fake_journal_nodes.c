#include "journal/fake_journal_private.h"

#include <assert.h>
#include <stdlib.h>

/* The journal in memory as several nodes use it (journal_nodes.h). */

static enum mu_err nodes(struct journal *port, journal_node_fn row, void *ctx)
{
    struct fake_journal *j = fake_store(port);
    struct journal_node list[FAKE_BOOTS];
    size_t count = 0;
    enum mu_err err;

    pthread_mutex_lock(&j->lock);
    err = j->fail;
    for (uint64_t boot = 0; boot < FAKE_BOOTS; boot++)
        if (j->joined[boot] && !j->over[boot])
            list[count++] = (struct journal_node){ .boot = boot,
                                                   .name = STR("node"),
                                                   .alive_us = j->alive_us[boot],
                                                   .ready = j->committed[boot],
                                                   .delta = j->last_delta[boot],
                                                   .registry = j->registry[boot] };
    pthread_mutex_unlock(&j->lock);
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = row(ctx, &list[i]);
    return err;
}

static enum mu_err stay_alive(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    enum mu_err err = j->over[port->boot] ? MU_E_OVER : j->fail;
    if (err == MU_OK)
        j->alive_us[port->boot]++;
    pthread_mutex_unlock(&j->lock);
    return err;
}

static enum mu_err end_boot(struct journal *port, uint64_t boot, int64_t alive_us)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    bool lives = !j->over[boot] && j->alive_us[boot] != alive_us;
    if (!lives)
        j->over[boot] = true;
    pthread_mutex_unlock(&j->lock);
    return lives ? MU_E_EXISTS : MU_OK;
}

/* --- claims --------------------------------------------------------------------------------------- */

void fake_release_claims(struct fake_journal *j, const struct journal_batch *b)
{
    FAKE_KEEP(j->claims, struct fake_claim, row->batch != b);
}

static bool is_claimed(const struct fake_journal *j, uint32_t device)
{
    size_t i = 0;

    while (i < j->claims.count && j->claims.at[i].device != device)
        i++;
    return i < j->claims.count;
}

static const struct fake_state *find_state(const struct fake_journal *j, uint32_t device)
{
    for (size_t i = 0; i < j->all.states.count; i++)
        if (j->all.states.at[i].device == device)
            return &j->all.states.at[i];
    return NULL;
}

static enum mu_err claim_one(struct fake_batch *b, uint32_t device, const struct journal_claimant *to)
{
    struct fake_journal *j = b->journal;
    struct journal_state s = { 0 };
    uint8_t image[sizeof(((struct fake_state *)0)->image)];

    pthread_mutex_lock(&j->lock);
    j->asked[b->boot]++;
    const struct fake_state *at = find_state(j, device);
    uint64_t holder = at ? at->s.session_boot : 0;
    bool held = holder && holder != b->boot && j->joined[holder] && !j->over[holder], known = at != NULL;
    if (!held && is_claimed(j, device)) {
        held = true;
        holder = 0;
    }
    if (at) {
        s = at->s;
        memcpy(image, at->image, s.image_len);
        s.image = s.image_len ? image : NULL;
    }
    if (!held)
        *FAKE_APPEND(j->claims) = (struct fake_claim){ device, &b->base };
    pthread_mutex_unlock(&j->lock);
    return held ? to->held(to->ctx, device, holder, holder ? s.sessions : 0)
                : to->claimed(to->ctx, device, known ? &s : NULL);
}

static enum mu_err claim(struct journal_batch *port, const uint32_t *devices, size_t count,
                         const struct journal_claimant *to)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < count && err == MU_OK; i++) {
        assert(!i || devices[i] > devices[i - 1]);
        err = claim_one((struct fake_batch *)port, devices[i], to);
    }
    return err;
}

static void past(struct journal_batch *port, uint32_t device, int64_t activated_at, int64_t online_latest,
                 int64_t last_report)
{
    struct fake_batch *b = (struct fake_batch *)port;

    *FAKE_APPEND(b->r.pasts) = (struct fake_past){ device, activated_at, online_latest, last_report };
    b->r.bytes += 40;
}

static void merge_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v, bool told)
{
    struct fake_batch *b = (struct fake_batch *)port;

    *FAKE_APPEND(b->r.heard) = (struct fake_heard){ device, told, *v };
    b->r.bytes += 100;
}

/* --- deltas --------------------------------------------------------------------------------------- */

static void delta(struct journal_batch *port, const void *bytes, size_t len)
{
    struct fake_batch *b = (struct fake_batch *)port;

    assert(!b->delta.bytes);
    b->delta.bytes = malloc(len + 1);
    fake_require(b->delta.bytes);
    memcpy(b->delta.bytes, bytes, len);
    b->delta.len = len;
    b->r.bytes += len;
}

static uint64_t last_delta(const struct journal *j)
{
    return fake_store(j)->last_delta[j->boot];
}

static enum mu_err deltas(struct journal *port, uint64_t boot, uint64_t after, journal_delta_fn row, void *ctx)
{
    struct fake_journal *j = fake_store(port);
    enum mu_err err;

    pthread_mutex_lock(&j->lock);
    err = j->fail;
    for (size_t i = 0; i < j->deltas.count && err == MU_OK; i++) {
        const struct fake_delta *d = &j->deltas.at[i];
        if (d->boot == boot && d->number > after)
            err = row(ctx, d->number, d->bytes, d->len);
    }
    pthread_mutex_unlock(&j->lock);
    return err;
}

static enum mu_err device_events(struct journal *port, const uint32_t *devices, size_t count, journal_event_fn row,
                                 void *ctx)
{
    struct fake_journal *j = fake_store(port);
    enum mu_err err;

    pthread_mutex_lock(&j->lock);
    err = j->fail;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < j->all.events.count && err == MU_OK; k++) {
            struct journal_event e = j->all.events.at[k].e;
            e.name.at = j->all.events.at[k].name;
            if (j->all.events.at[k].device == devices[i] && !j->all.events.at[k].forgotten)
                err = row(ctx, devices[i], &e);
        }
    }
    pthread_mutex_unlock(&j->lock);
    fake_meanwhile(port);
    return err;
}

static enum mu_err device_versions(struct journal *port, const uint32_t *devices, size_t count, journal_versions_fn row,
                                   void *ctx)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    enum mu_err err = j->fail;
    for (size_t i = 0; i < count && err == MU_OK; i++) {
        const struct journal_versions *v = fake_versions_of(&j->all, devices[i]);
        if (v)
            err = row(ctx, devices[i], v);
    }
    pthread_mutex_unlock(&j->lock);
    fake_meanwhile(port);
    return err;
}

static enum mu_err device_state(struct journal *port, uint32_t device,
                                void (*state)(void *ctx, const struct journal_state *s), void *ctx)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    const struct fake_state *at = find_state(j, device);
    if (at) {
        struct journal_state s = at->s;
        s.image = s.image_len ? at->image : NULL;
        state(ctx, &s);
    }
    pthread_mutex_unlock(&j->lock);
    return at ? MU_OK : MU_E_NOT_FOUND;
}

/* --- what is done once ---------------------------------------------------------------------------- */

static struct fake_active_set *require_set(struct fake_journal *j, int32_t day)
{
    for (size_t i = 0; i < j->all.active_sets.count; i++)
        if (j->all.active_sets.at[i].day == day)
            return &j->all.active_sets.at[i];
    struct fake_active_set *set = FAKE_APPEND(j->all.active_sets);
    set->day = day;
    return set;
}

/* With the lock held. */
static enum mu_err fold_entry(struct fake_journal *j, const struct journal_house *h, const struct fake_active *entry)
{
    struct fake_active_set *set = require_set(j, entry->day);
    struct buf bytes;

    buf_init(&bytes, sizeof(set->bytes));
    if (!set->forgotten)
        buf_append(&bytes, set->bytes, set->len);
    enum mu_err err = h->unite(h->ctx, &bytes, &entry->device, 1);
    fake_require(bytes.err == MU_OK);
    set->forgotten = false;
    set->len = bytes.len;
    memcpy(set->bytes, bytes.data, bytes.len);
    buf_free(&bytes);
    return err;
}

static enum mu_err keep_house(struct journal *port, const struct journal_house *h)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    enum mu_err err = j->fail;
    if (err == MU_OK) {
        FAKE_KEEP(j->all.active, struct fake_active, row->day >= h->first_day);
        FAKE_KEEP(j->all.active_sets, struct fake_active_set, row->day >= h->first_day);
    }
    for (size_t i = 0; i < j->all.active.count && err == MU_OK; i++)
        if (j->all.active.at[i].day < h->today)
            err = fold_entry(j, h, &j->all.active.at[i]);
    if (err == MU_OK)
        FAKE_KEEP(j->all.active, struct fake_active, row->day >= h->today);
    pthread_mutex_unlock(&j->lock);
    return err;
}

static void grant(struct fake_calls *at, struct journal_grant *g)
{
    if (at->hour != g->hour)
        *at = (struct fake_calls){ g->hour, 0 };
    int64_t left = g->limit > at->granted ? g->limit - at->granted : 0, calls = g->wanted < left ? g->wanted : left;
    at->granted = (uint32_t)(at->granted + calls);
    g->calls = calls > 0 ? (uint32_t)calls : 0;
    g->total = at->granted;
}

static enum mu_err grant_calls(struct journal *port, struct journal_grant *g)
{
    struct fake_journal *j = fake_store(port);
    struct fake_calls *at = &j->calls[g->enterprise];
    enum mu_err err;

    assert(g->enterprise < FAKE_ENTERPRISES);
    pthread_mutex_lock(&j->lock);
    err = g->wanted < 0 && at->hour != g->hour ? MU_E_NOT_FOUND : j->fail;
    if (err == MU_OK)
        grant(at, g);
    pthread_mutex_unlock(&j->lock);
    return err;
}

const struct journal_driver_nodes fake_driver_nodes = {
    .nodes = nodes,
    .stay_alive = stay_alive,
    .end_boot = end_boot,
    .claim = claim,
    .past = past,
    .merge_versions = merge_versions,
    .delta = delta,
    .last_delta = last_delta,
    .deltas = deltas,
    .device_events = device_events,
    .device_versions = device_versions,
    .device_state = device_state,
    .grant_calls = grant_calls,
    .keep_house = keep_house,
};
