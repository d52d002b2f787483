#include "journal/fake_journal_private.h"

#include <stdlib.h>

/* A journal in memory, for tests (fake_journal.h): what the test asks of it, and committing. */

#define DAY_US INT64_C(86400000000)

void fake_require(bool memory)
{
    if (!memory)
        abort();
}

void fake_records_free(struct fake_records *r)
{
    for (size_t i = 0; i < r->messages.count; i++)
        free(r->messages.at[i].payload);
    free(r->messages.at);
    free(r->sessions.at);
    free(r->states.at);
    free(r->versions.at);
    free(r->turns.at);
    free(r->pasts.at);
    free(r->heard.at);
    free(r->active.at);
    free(r->active_sets.at);
    free(r->events.at);
    free(r->controls.at);
    free(r->forgotten.at);
    *r = (struct fake_records){ 0 };
}

struct fake_records *fake_journal_records(struct journal *j)
{
    return &fake_store(j)->all;
}

void fake_journal_keep(struct journal *j, unsigned days)
{
    fake_store(j)->keep_days = days;
}

void fake_journal_fail(struct journal *port, enum mu_err err)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->fail = err;
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_fail_at(struct journal *j, size_t place, enum mu_err err)
{
    fake_store(j)->fail_at = place;
    fake_store(j)->fail_row = err;
}

void fake_journal_hold(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->held = true;
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_release(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->held = false;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_wait_held(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    while (!j->waiting)
        pthread_cond_wait(&j->changed, &j->lock);
    pthread_mutex_unlock(&j->lock);
}

int64_t fake_journal_alive_us(struct journal *j)
{
    return fake_store(j)->alive_us[j->boot];
}

void fake_journal_set_alive(struct journal *j, uint64_t boot, int64_t alive_us)
{
    fake_store(j)->alive_us[boot] = alive_us;
}

unsigned fake_journal_claims(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    unsigned asked = j->asked[port->boot];
    pthread_mutex_unlock(&j->lock);
    return asked;
}

struct fake_counts fake_journal_counts(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    struct fake_counts counts = j->counts;
    pthread_mutex_unlock(&j->lock);
    return counts;
}

/* --- committing ---------------------------------------------------------------------------------- */

static void take_over_set(struct fake_records *all, const struct fake_active_set *set)
{
    FAKE_KEEP(all->active, struct fake_active, row->day != set->day);
    for (size_t i = 0; i < all->active_sets.count; i++) {
        struct fake_active_set *old = &all->active_sets.at[i];
        if (old->day == set->day) {
            *old = *set;
            return;
        }
    }
    *FAKE_APPEND(all->active_sets) = *set;
}

static bool same_event(const struct fake_event *a, const struct fake_event *b)
{
    return a->device == b->device && a->e.opened_us == b->e.opened_us && a->e.alert == b->e.alert &&
           a->e.name.len == b->e.name.len && memcmp(a->name, b->name, a->e.name.len) == 0;
}

static void take_over_event(struct fake_records *all, const struct fake_event *e)
{
    for (size_t i = 0; i < all->events.count; i++) {
        if (same_event(&all->events.at[i], e)) {
            all->events.at[i] = *e;
            return;
        }
    }
    *FAKE_APPEND(all->events) = *e;
}

static void take_over_control(struct fake_records *all, const struct fake_control *c)
{
    for (size_t i = 0; i < all->controls.count; i++) {
        if (all->controls.at[i].c.ts_us == c->c.ts_us && all->controls.at[i].c.request == c->c.request) {
            all->controls.at[i] = *c;
            return;
        }
    }
    *FAKE_APPEND(all->controls) = *c;
}

static struct fake_state *state_of(struct fake_records *r, uint32_t device)
{
    size_t i = 0;

    while (i < r->states.count && r->states.at[i].device < device)
        i++;
    if (i == r->states.count || r->states.at[i].device != device) {
        (void)FAKE_APPEND(r->states);
        memmove(&r->states.at[i + 1], &r->states.at[i], (r->states.count - 1 - i) * sizeof(struct fake_state));
        r->states.at[i] = (struct fake_state){ .device = device };
    }
    return &r->states.at[i];
}

/* Before the batch's own records are there. */
static void take_over_turn(struct fake_records *all, struct fake_turn turn)
{
    for (size_t i = 0; turn.list == LIST_MESSAGES && i < all->messages.count; i++) {
        const struct fake_message *at = &all->messages.at[i];
        if (at->device == turn.device && at->m.ts_us > turn.from_us && at->m.ts_us < turn.ahead_us)
            turn.ahead_us = at->m.ts_us;
    }
    for (size_t i = 0; turn.list == LIST_SESSIONS && i < all->sessions.count; i++) {
        const struct fake_session *at = &all->sessions.at[i];
        if (at->device == turn.device && at->s.ts_us > turn.from_us && at->s.ts_us < turn.ahead_us)
            turn.ahead_us = at->s.ts_us;
    }
    *FAKE_APPEND(all->turns) = turn;
}

static void take_over_past(struct journal_state *s, const struct fake_past *past)
{
    if (past->activated_at && (!s->activated_at || past->activated_at < s->activated_at))
        s->activated_at = past->activated_at;
    s->online_latest = past->online_latest > s->online_latest ? past->online_latest : s->online_latest;
    s->last_report = past->last_report > s->last_report ? past->last_report : s->last_report;
}

/* A state that is written later does not make it forgotten. */
static void take_over_state(struct fake_records *all, const struct fake_state *state)
{
    struct fake_state *at = state_of(all, state->device);

    *at = *state;
    for (size_t i = 0; i < all->pasts.count; i++)
        if (all->pasts.at[i].device == state->device)
            take_over_past(&at->s, &all->pasts.at[i]);
}

const struct journal_versions *fake_versions_of(const struct fake_records *all, uint32_t device)
{
    for (size_t i = all->versions.count; i-- > 0;)
        if (all->versions.at[i].device == device)
            return &all->versions.at[i].v;
    return NULL;
}

static void take_over_heard(struct fake_records *all, const struct fake_heard *heard)
{
    const struct journal_versions *before = fake_versions_of(all, heard->device);
    struct fake_versions now = { .device = heard->device };

    if (before)
        now.v = *before;
    journal_versions_merge(&now.v, &heard->v, heard->told);
    *FAKE_APPEND(all->versions) = now;
}

static void forget_device(struct fake_records *all, uint32_t device)
{
    FAKE_KEEP(all->states, struct fake_state, row->device != device);
    FAKE_KEEP(all->versions, struct fake_versions, row->device != device);
    FAKE_KEEP(all->turns, struct fake_turn, row->device != device);
    FAKE_KEEP(all->pasts, struct fake_past, row->device != device);
}

static void take_over(struct fake_records *all, struct fake_records *r)
{
    if (r->controls_before_us) {
        all->controls_before_us = r->controls_before_us;
        FAKE_KEEP(all->controls, struct fake_control, row->c.ts_us >= r->controls_before_us);
    }
    for (size_t i = 0; i < r->controls.count; i++)
        take_over_control(all, &r->controls.at[i]);
    if (r->followed_until_us)
        all->followed_until_us = r->followed_until_us;
    for (size_t i = 0; i < r->forgotten.count; i++)
        forget_device(all, r->forgotten.at[i]);
    for (size_t i = 0; i < r->turns.count; i++)
        take_over_turn(all, r->turns.at[i]);
    for (size_t i = 0; i < r->messages.count; i++)
        *FAKE_APPEND(all->messages) = r->messages.at[i];
    r->messages.count = 0; /* the payloads are theirs now */
    for (size_t i = 0; i < r->sessions.count; i++)
        *FAKE_APPEND(all->sessions) = r->sessions.at[i];
    for (size_t i = 0; i < r->states.count; i++)
        take_over_state(all, &r->states.at[i]);
    for (size_t i = 0; i < r->pasts.count; i++) {
        take_over_past(&state_of(all, r->pasts.at[i].device)->s, &r->pasts.at[i]);
        *FAKE_APPEND(all->pasts) = r->pasts.at[i];
    }
    for (size_t i = 0; i < r->versions.count; i++)
        *FAKE_APPEND(all->versions) = r->versions.at[i];
    for (size_t i = 0; i < r->heard.count; i++)
        take_over_heard(all, &r->heard.at[i]);
    for (size_t i = 0; i < r->active_sets.count; i++)
        take_over_set(all, &r->active_sets.at[i]);
    for (size_t i = 0; i < r->active.count; i++)
        *FAKE_APPEND(all->active) = r->active.at[i];
    for (size_t i = 0; i < r->events.count; i++)
        take_over_event(all, &r->events.at[i]);
}

int64_t fake_oldest_us(const struct fake_journal *j)
{
    return j->keep_days ? (j->rolled_us / DAY_US - j->keep_days) * DAY_US : INT64_MIN;
}

static bool drops(const struct fake_message *m, int64_t oldest_us)
{
    if (m->m.ts_us < oldest_us)
        free(m->payload);
    return m->m.ts_us < oldest_us;
}

/* Before the oldest moment that is kept. */
static void expire(struct fake_records *r, int64_t oldest_us)
{
    FAKE_KEEP(r->messages, struct fake_message, !drops(row, oldest_us));
    FAKE_KEEP(r->sessions, struct fake_session, row->s.ts_us >= oldest_us);
}

static void take_over_delta(struct fake_journal *j, struct fake_batch *b)
{
    if (!b->delta.bytes)
        return;
    b->delta.boot = b->boot;
    b->delta.number = ++j->last_delta[b->boot];
    *FAKE_APPEND(j->deltas) = b->delta;
    b->delta.bytes = NULL;
}

static enum mu_err commit(struct journal *port, struct journal_batch *batch, int64_t alive_us)
{
    struct fake_journal *j = fake_store(port);
    struct fake_batch *b = (struct fake_batch *)batch;

    pthread_mutex_lock(&j->lock);
    while (j->held) {
        j->waiting = true;
        pthread_cond_broadcast(&j->changed);
        pthread_cond_wait(&j->changed, &j->lock);
    }
    j->waiting = false;
    enum mu_err err = b->err != MU_OK ? b->err : j->over[port->boot] ? MU_E_OVER : j->fail;
    if (err == MU_OK) {
        j->counts.commits++;
        j->counts.empty_commits += b->r.bytes == 0;
        j->alive_us[port->boot] = alive_us;
        j->committed[port->boot] = true;
        j->registry[port->boot] = ((struct fake_handle *)port)->registry;
        expire(&b->r, fake_oldest_us(j));
        take_over(&j->all, &b->r);
        take_over_delta(j, b);
    } else {
        j->counts.failures++;
    }
    pthread_mutex_unlock(&j->lock);
    journal_batch_clear(batch);
    return err;
}

static enum mu_err roll(struct journal *port, int64_t now_us)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->counts.rolls++;
    j->rolled_us = now_us;
    expire(&j->all, fake_oldest_us(j));
    pthread_mutex_unlock(&j->lock);
    return MU_OK;
}

/* --- opening and closing -------------------------------------------------------------------------- */

static void close_journal(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    free(port);
    if (--j->users)
        return;
    fake_records_free(&j->all);
    for (size_t i = 0; i < j->deltas.count; i++)
        free(j->deltas.at[i].bytes);
    free(j->deltas.at);
    free(j->claims.at);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

void fake_journal_end(struct journal *j)
{
    pthread_mutex_lock(&fake_store(j)->lock);
    fake_store(j)->over[j->boot] = true;
    pthread_mutex_unlock(&fake_store(j)->lock);
}

void fake_journal_meanwhile(struct journal *j, void (*fn)(void *ctx), void *ctx)
{
    ((struct fake_handle *)j)->meanwhile = fn;
    ((struct fake_handle *)j)->meanwhile_ctx = ctx;
}

void fake_meanwhile(struct journal *j)
{
    struct fake_handle *h = (struct fake_handle *)j;
    void (*fn)(void *ctx) = h->meanwhile;

    h->meanwhile = NULL;
    if (fn)
        fn(h->meanwhile_ctx);
}

void fake_journal_free(struct journal *j)
{
    journal_close(j);
}

static bool boot_is_over(struct journal *port, uint64_t boot, int64_t *since_us)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    *since_us = j->alive_us[boot];
    bool over = !j->joined[boot] || j->over[boot];
    pthread_mutex_unlock(&j->lock);
    return over;
}

static void note_registry(struct journal *port, uint64_t change, uint32_t device)
{
    (void)device;
    ((struct fake_handle *)port)->registry = change;
}

static int64_t followed_until_us(struct journal *j)
{
    return fake_store(j)->all.followed_until_us ? fake_store(j)->all.followed_until_us : INT64_MAX;
}

static int64_t expiry_us(const struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    int64_t rolled_us = j->rolled_us;
    pthread_mutex_unlock(&j->lock);
    return rolled_us;
}

/* clang-format off: a table */
#define FUNCTIONS                                                                                                   \
    .close = close_journal, .boot_is_over = boot_is_over, .note_registry = note_registry,                           \
    .followed_until_us = followed_until_us, .batch_create = fake_batch_create, .batch_destroy = fake_batch_destroy, \
    .batch_clear = fake_batch_clear, .batch_bytes = fake_batch_bytes, .message = fake_batch_message,                \
    .session = fake_batch_session, .turn = fake_batch_turn, .state = fake_batch_state,                              \
    .followed = fake_batch_followed, .versions = fake_batch_versions, .active = fake_batch_active,                  \
    .active_set = fake_batch_active_set, .event = fake_batch_event, .forget_event = fake_batch_forget_event,        \
    .forget_device = fake_batch_forget_device, .control = fake_batch_control,                                       \
    .forget_controls = fake_batch_forget_controls, .commit = commit, .roll = roll, .expiry_us = expiry_us,          \
    .visit = fake_visit, .events = fake_events, .controls = fake_controls, .messages = fake_messages,               \
    .sessions = fake_sessions, .turned = fake_turned, .check = fake_check

static const struct journal_driver fake_driver = { FUNCTIONS };
static const struct journal_driver fake_shared_driver = { FUNCTIONS, .nodes = &fake_driver_nodes };
/* clang-format on */

static struct journal *open_store(struct fake_journal *store, const struct journal_driver *driver, uint64_t boot)
{
    struct fake_handle *h = calloc(1, sizeof(*h));

    fake_require(h && boot < FAKE_BOOTS);
    h->base.driver = driver;
    h->base.boot = boot;
    h->store = store;
    pthread_mutex_lock(&store->lock);
    store->users++;
    store->joined[boot] = driver->nodes != NULL;
    pthread_mutex_unlock(&store->lock);
    return &h->base;
}

static struct fake_journal *new_store(void)
{
    struct fake_journal *j = calloc(1, sizeof(*j));

    fake_require(j);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->changed, NULL);
    return j;
}

struct journal *fake_journal_new(uint64_t boot)
{
    return open_store(new_store(), &fake_driver, boot);
}

struct journal *fake_journal_new_shared(uint64_t boot)
{
    return open_store(new_store(), &fake_shared_driver, boot);
}

struct journal *fake_journal_join(struct journal *j, uint64_t boot)
{
    return open_store(fake_store(j), &fake_shared_driver, boot);
}
