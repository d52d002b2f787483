#include "journal/fake_journal_private.h"

#include <stdlib.h>

/* Committing to the journal in memory, and dropping old records. */

#define DAY_US INT64_C(86400000000)

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

enum mu_err fake_commit(struct journal *port, struct journal_batch *batch, int64_t alive_us)
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

enum mu_err fake_roll(struct journal *port, int64_t now_us)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->counts.rolls++;
    j->rolled_us = now_us;
    expire(&j->all, fake_oldest_us(j));
    pthread_mutex_unlock(&j->lock);
    return MU_OK;
}
