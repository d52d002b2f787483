#include "access/claim.h"
#include "access/session.h"

#include <assert.h>
#include <stdlib.h>

#include "access/acks.h"
#include "access/end_order.h"
#include "base/clock.h"
#include "base/log.h"

/* Makes a session known, and its end: to the session table, the committer and the figures. The states that a login goes
 * through stand in claim.h. */

static struct login_group *lock_group(struct access *a, uint32_t device)
{
    struct login_group *g = &a->login_groups[device % LOGIN_GROUPS];
    pthread_mutex_lock(&g->lock);
    return g;
}

/* The place of the device's claim among those that wait, or the end of the list. */
static struct claim **find_waiting(struct login_group *g, uint32_t device)
{
    struct claim **at = &g->waiting;

    while (*at && (*at)->item.device != device)
        at = &(*at)->next;
    return at;
}

/* --- with the lock held --------------------------------------------------------------------------*/

static void hand_over_login(struct access *a, struct claim *c, bool takeover)
{
    c->fate = CLAIM_HANDED_OVER;
    c->login.takeover = takeover;
    c->item.ts_us = clock_wall_us();
    committer_login(a->options.committer, &c->item, &c->login);
}

/* The device's session has ended: the turn of the one that waits. */
static void let_next_in(struct access *a, struct login_group *g, uint32_t device, bool takeover)
{
    struct claim **at = find_waiting(g, device), *c = *at;

    if (!c)
        return;
    *at = c->next;
    hand_over_login(a, c, takeover);
}

static void hand_over_end(struct access *a, struct login_group *g, const struct session *s, struct commit_end *end)
{
    session_table_leave(a->table, s->device, s->handle, 0);
    end->ts_us = clock_wall_us();
    committer_end(a->options.committer, end);
    let_next_in(a, g, s->device, true);
}

/* `before` is the device's session by the session table: one that has been handed over, or one that waits itself. The
 * latter gives up its place. */
static void let_wait(struct login_group *g, struct claim *c, session_handle before)
{
    struct claim **at = find_waiting(g, c->item.device), *replaced = *at;

    c->fate = CLAIM_WAITS;
    c->before = before;
    if (replaced) {
        assert(replaced->item.owner == before);
        *at = replaced->next;
        replaced->fate = CLAIM_REPLACED;
        c->before = replaced->before;
    }
    c->next = g->waiting;
    g->waiting = c;
}

/* --- on the session's loop -----------------------------------------------------------------------*/

enum mu_err session_claim(struct session *s, bool names_client)
{
    struct access *a = s->home->access;
    session_handle before = 0;
    struct claim *c = calloc(1, sizeof(*c));
    struct end_order *order = end_order_create(); /* now, while it may still fail */

    assert(s->state == SESSION_NEW && s->device);
    if (!c || !order)
        goto no_memory;
    c->names_client = names_client;
    c->item = session_item(s, ack_tag((struct ack_kind){ .login = true }));
    c->login.keep_alive = s->announced_keep_alive + COMMIT_KEEP_ALIVE_MORE;
    conn_peer(&s->conn, &c->login.peer);

    struct login_group *g = lock_group(a, s->device);
    enum mu_err err = session_table_swap(a->table, s->device, s->handle, &before);
    if (err == MU_OK) {
        c->login.session = atomic_fetch_add(&a->last_session, 1) + 1;
        s->claim = c;
        if (before)
            let_wait(g, c, before);
        else
            hand_over_login(a, c, false);
    }
    pthread_mutex_unlock(&g->lock);
    if (err != MU_OK)
        goto no_memory;

    if (before)
        end_order_send(order, a, before, END_FORCE);
    else
        free(order);
    s->uncommitted = 1;
    s->state = SESSION_CLAIMING;
    session_seen(s);
    conn_pause(&s->conn);
    session_arm(s);
    return MU_OK;
no_memory:
    free(order);
    free(c);
    return MU_E_NOMEM;
}

void session_go_live(struct session *s)
{
    struct claim *c = s->claim;

    assert(s->state == SESSION_CLAIMING && c->fate == CLAIM_HANDED_OVER && c->err == MU_OK);
    if (c->login.takeover)
        access_count(&s->home->counters.takeovers, 1);
    s->number = c->login.session;
    free(c);
    heartbeat_start(&s->heartbeat, session_now(s));
    session_seen(s);
    s->state = SESSION_LIVE;
    access_count(&s->home->counters.logins, 1);
    access_count(&s->home->counters.sessions, 1);
    conn_resume(&s->conn);
}

void session_unclaim(struct session *s, enum end_reason reason)
{
    struct access *a = s->home->access;
    struct claim *c = s->claim;
    struct commit_end end = { .device = s->device, .session = c->login.session, .reason = reason };

    struct login_group *g = lock_group(a, s->device);
    switch (c->fate) {
    case CLAIM_WAITS:
        *find_waiting(g, s->device) = c->next;
        session_table_leave(a->table, s->device, s->handle, c->before);
        break;
    case CLAIM_REPLACED: break;
    case CLAIM_HANDED_OVER:
        if (c->err == MU_OK) {
            hand_over_end(a, g, s, &end);
            break;
        }
        session_table_leave(a->table, s->device, s->handle, 0);
        let_next_in(a, g, s->device, false);
        break;
    }
    pthread_mutex_unlock(&g->lock);
    free(c);
}

void session_logout(struct session *s, enum end_reason reason)
{
    struct access *a = s->home->access;
    struct commit_end end = {
        .device = s->device,
        .session = s->number,
        .duration = (uint32_t)(heartbeat_connected_ms(&s->heartbeat, session_now(s)) / 1000),
        .reason = reason,
        .heartbeat = heartbeat_end(&s->heartbeat, session_now(s)),
    };

    struct login_group *g = lock_group(a, s->device);
    hand_over_end(a, g, s, &end);
    pthread_mutex_unlock(&g->lock);
    log_event(LOG_DEBUG, "session_end", "did=%s reason=%s seconds=%u", s->did, end_reason_text(reason), end.duration);
    access_count(&s->home->counters.ends[reason], 1);
    access_count(&s->home->counters.sessions, (uint64_t)-1);
}
