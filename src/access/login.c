#include "access/end_order.h"
#include "access/session.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

/* Makes a session known, and its end: to the session table, the committer and the figures. */

static pthread_mutex_t *lock_of(struct access *a, uint32_t device)
{
    return &a->login_locks[device % LOGIN_LOCKS];
}

enum mu_err session_login(struct session *s)
{
    struct access *a = s->home->access;
    session_handle before = 0;
    struct commit_login login = { .device = s->device, .keep_alive = s->announced_keep_alive + COMMIT_KEEP_ALIVE_MORE };
    struct end_order *order = end_order_create(); /* now, while it may still fail */

    assert(s->state == SESSION_NEW && s->device);
    if (!order)
        return MU_E_NOMEM;
    conn_peer(&s->conn, &login.peer);
    pthread_mutex_lock(lock_of(a, s->device));
    enum mu_err err = session_table_swap(a->table, s->device, s->handle, &before);
    if (err == MU_OK) {
        s->number = login.session = atomic_fetch_add(&a->last_session, 1) + 1;
        login.ts_us = clock_wall_us();
        login.takeover = before != 0;
        committer_login(a->options.committer, &login);
    }
    pthread_mutex_unlock(lock_of(a, s->device));

    if (err == MU_OK && before) {
        end_order_send(order, a, before, END_FORCE);
        access_count(&s->home->counters.takeovers, 1);
    } else {
        free(order);
    }
    if (err != MU_OK)
        return err;
    heartbeat_start(&s->heartbeat, session_now(s));
    session_seen(s);
    s->state = SESSION_LIVE;
    access_count(&s->home->counters.logins, 1);
    access_count(&s->home->counters.sessions, 1);
    return MU_OK;
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

    pthread_mutex_lock(lock_of(a, s->device));
    session_table_remove(a->table, s->device, s->handle);
    end.ts_us = clock_wall_us();
    committer_end(a->options.committer, &end);
    pthread_mutex_unlock(lock_of(a, s->device));
    log_event(LOG_DEBUG, "session_end", "did=%s reason=%s seconds=%u", s->did, end_reason_text(reason), end.duration);
    access_count(&s->home->counters.ends[reason], 1);
    access_count(&s->home->counters.sessions, (uint64_t)-1);
}
