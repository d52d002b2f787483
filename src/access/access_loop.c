#include "access/access_loop.h"

#include <stdlib.h>

#include "access/acks.h"
#include "access/session.h"

/* The device side on one loop: sessions that wait for room, notes from other threads, the end of a round. */

enum { LOG_EVERY_MS = 200, LOG_AT_ONCE = 20 }; /* lines about refused logins */

/* --- waiting for room --------------------------------------------------------------------------*/

static void wait_for_room(struct access_loop *home, struct session *s)
{
    struct session_more *m = session_more(s);

    if (!m) {
        session_end(s, END_EXCEPTION, MQTT_UNSPECIFIED);
        return;
    }
    if (m->prev_paused)
        return;
    m->next_paused = home->paused;
    m->prev_paused = &home->paused;
    if (m->next_paused)
        m->next_paused->more->prev_paused = &m->next_paused;
    home->paused = s;
    conn_pause(&s->conn);
}

void access_loop_unpause(struct access_loop *home, struct session *s)
{
    struct session_more *m = s->more;

    (void)home;
    if (!session_is_paused(s))
        return;
    *m->prev_paused = m->next_paused;
    if (m->next_paused)
        m->next_paused->more->prev_paused = m->prev_paused;
    m->prev_paused = NULL;
}

bool access_loop_has_room(struct access_loop *home, struct session *s)
{
    struct committer *c = home->access->options.committer;

    if (!home->starving) {
        if (committer_has_room(c, &home->sink))
            return true;
        /* A flush may have told of room before it could see that we wait for it. So set the flag and ask
         * once more. */
        atomic_store(&home->wants_room, true);
        if (committer_has_room(c, &home->sink))
            return true;
        home->starving = true;
    }
    wait_for_room(home, s);
    return false;
}

static void resume_all(struct access_loop *home)
{
    home->starving = false;
    while (home->paused) {
        struct session *s = home->paused;
        access_loop_unpause(home, s);
        session_seen(s);
        outgoing_listen(s);
        conn_resume(&s->conn);
    }
}

/* --- what must not fail for lack of memory -----------------------------------------------------*/

/* Ends every session that has an acknowledgement to get: its client will send again. */
static void fail_waiting(struct access_loop *home)
{
    struct session *s;

    for (uint32_t at = 0; (s = session_slab_next(&home->sessions, &at));)
        if ((s->state == SESSION_CLAIMING || s->state == SESSION_LIVE) && s->uncommitted)
            session_end(s, END_EXCEPTION, MQTT_UNSPECIFIED);
}

static void deliver_note(struct mail *m, struct loop *loop)
{
    struct access_note *note = (struct access_note *)m;
    struct access_loop *home = note->home;

    (void)loop;
    /* First of all: what is wanted from now on needs another note. */
    atomic_store(&note->posted, false);
    if (atomic_exchange(&home->acks_lost, false))
        fail_waiting(home);
    if (atomic_exchange(&home->wants_room, false) && home->starving)
        resume_all(home);
}

static void drop_note(struct mail *m)
{
    free(m);
}

void access_loop_notify(struct access_loop *home)
{
    if (!atomic_exchange(&home->note->posted, true))
        loop_post(home->loop, &home->note->mail);
}

static void tell_emptied(struct access_loop *home)
{
    struct access *a = home->access;

    home->emptying = false;
    pthread_mutex_lock(&a->shutdown_lock);
    a->loops_to_empty--;
    pthread_cond_signal(&a->loop_emptied);
    pthread_mutex_unlock(&a->shutdown_lock);
}

void access_loop_leaves(struct access_loop *home)
{
    home->leaving++;
}

void access_loop_left(struct access_loop *home)
{
    if (--home->leaving == 0 && home->emptying)
        tell_emptied(home);
}

static void deliver_empty(struct mail *m, struct loop *loop)
{
    struct empty_mail *empty = (struct empty_mail *)m;
    struct access_loop *home = empty->home;
    struct session *s;

    (void)loop;
    for (uint32_t at = 0; (s = session_slab_next(&home->sessions, &at));)
        session_end(s, empty->reason, session_reason(empty->reason));
    if (home->leaving)
        home->emptying = true;
    else
        tell_emptied(home);
}

static void drop_empty(struct mail *m)
{
    (void)m; /* part of its loop, and access_shutdown waits for it */
}

void access_loop_post_empty(struct access_loop *home, enum end_reason reason)
{
    home->empty =
        (struct empty_mail){ .mail = { .deliver = deliver_empty, .drop = drop_empty }, .home = home, .reason = reason };
    loop_post(home->loop, &home->empty.mail);
}

/* Once a round, so that one batch takes all that the round brought. */
static void end_round(struct loop_hook *h, struct loop *loop)
{
    struct access_loop *home = (struct access_loop *)((char *)h - offsetof(struct access_loop, round));

    if (home->hurried) {
        committer_hurry(home->access->options.committer);
        loop_hurry(loop);
    }
    home->hurried = false;
}

/* --- the whole ---------------------------------------------------------------------------------*/

bool access_loop_may_log(struct access_loop *home, uint32_t *suppressed)
{
    return log_limit_may(&home->log_limit, LOG_EVERY_MS, LOG_AT_ONCE, loop_now_ms(home->loop), suppressed);
}

enum mu_err access_loop_create(struct access_loop **out, struct access *a, struct loop *loop)
{
    struct access_loop *home = calloc(1, sizeof(*home));
    struct access_note *note = calloc(1, sizeof(*note));

    *out = NULL;
    if (!home || !note) {
        free(home);
        free(note);
        return MU_E_NOMEM;
    }
    note->mail = (struct mail){ .deliver = deliver_note, .drop = drop_note };
    note->home = home;
    home->sink = (struct commit_sink){ .done = acks_done, .flush = acks_flush };
    home->access = a;
    home->loop = loop;
    home->conns = session_conns(a, loop);
    home->round.run = end_round;
    loop_add_hook(loop, &home->round);
    home->sessions.loop = loop_index(loop);
    home->note = note;
    buf_init(&home->scratch, LIMIT_MQTT_OUT);
    *out = home;
    return MU_OK;
}

void access_loop_destroy(struct access_loop *home)
{
    struct session *s;

    if (!home)
        return;
    for (uint32_t at = 0; (s = session_slab_next(&home->sessions, &at));)
        conn_close(&s->conn); /* the loop does not run: closed() frees the session here */
    /* A note that was posted belongs to the mailbox, which drops it. */
    if (!atomic_load(&home->note->posted))
        free(home->note);
    acks_free(home->gathered);
    buf_free(&home->scratch);
    session_slab_free(&home->sessions);
    free(home);
}
