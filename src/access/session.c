#include "access/session.h"

#include <stdlib.h>
#include <unistd.h>

#include "access/handle.h"
#include "access/rate.h"
#include "access/send.h"
#include "base/clock.h"
#include "base/log.h"

/* From the accept to a good CONNECT: a peer that does not log in may not hold a descriptor. */
#define LOGIN_MS 10000
/* From there to CONNACK: the committer's answer decides, also if it is that the login has waited too long. */
#define CLAIMING_MS (LIMIT_CLAIM_WAIT_MS + 5000)
/* How long a session that leaves waits for its acknowledgements: a disk that takes longer has stalled. */
#define LEAVING_MS 5000

/* --- deadlines ---------------------------------------------------------------------------------*/

/* When the client will have been silent for too long. */
static int64_t silence_due_ms(const struct session *s)
{
    if (s->state == SESSION_NEW)
        return session_seen_ms(s) + LOGIN_MS;
    if (s->state == SESSION_CLAIMING)
        return session_seen_ms(s) + CLAIMING_MS;
    return session_seen_ms(s) + session_keep_alive(s) * INT64_C(1500);
}

/* The timer is only ever set earlier. A packet that delays the silence leaves it as it is; when it fires, it looks
 * again. */
void session_arm(struct session *s)
{
    if (session_is_over(s))
        return;
    int64_t due = silence_due_ms(s), out = outgoing_due_ms(s);
    if (out < due)
        due = out;
    if (session_is_slow(s) && s->more->slow_until_ms < due)
        due = s->more->slow_until_ms;
    if (!s->timer.prev || s->timer.due_ms > due)
        timer_start(s->home->loop, &s->timer, due - session_now(s));
}

/* --- what few sessions need --------------------------------------------------------------------*/

struct session_more *session_more(struct session *s)
{
    if (!s->more)
        s->more = calloc(1, sizeof(*s->more));
    return s->more;
}

/* If it is not needed any more. */
static void drop_more(struct session *s)
{
    const struct session_more *m = s->more;

    if (!m || m->will || m->qos2 || session_is_paused(s) || session_is_slow(s) || session_now(s) < m->patient_until_ms)
        return;
    free(s->more);
    s->more = NULL;
}

/* --- a deadline ---------------------------------------------------------------------------------*/

/* A peer is sent away before it has logged in. */
static void tell_stranger(struct session *s, enum refusal_reason why)
{
    struct access_caller who = { 0 };

    conn_peer(&s->conn, &who.peer);
    access_refused(s->home->access, &who, why);
}

static void leave(struct session *s);

static void deadline(struct timer *t)
{
    struct session *s = (struct session *)((char *)t - offsetof(struct session, timer));

    if (s->state == SESSION_LEAVING) {
        leave(s);
        return;
    }
    /* While we do not read, we cannot know whether it is silent. */
    if (session_is_paused(s) || session_is_slow(s))
        session_seen(s);
    rate_go_on(s);
    if (session_now(s) >= silence_due_ms(s)) {
        if (s->state == SESSION_NEW)
            tell_stranger(s, REFUSED_SILENT);
        session_end(s, s->state == SESSION_CLAIMING ? END_EXCEPTION : END_NO_HEARTBEAT, MQTT_KEEP_ALIVE_TIMEOUT);
        return;
    }
    drop_more(s);
    outgoing_go_on(s);
}

struct commit_item session_item(const struct session *s, uint64_t tag)
{
    return (struct commit_item){
        .sink = &s->home->sink, .owner = s->handle, .tag = tag, .device = s->device, .ts_us = clock_wall_us()
    };
}

/* --- the end -----------------------------------------------------------------------------------*/

static void publish_will(struct session *s)
{
    struct access *a = s->home->access;
    const struct will *will = s->more ? s->more->will : NULL;

    if (will) {
        access_count(&s->home->counters.messages_in, 1);
        struct commit_item item = session_item(s, 0);
        committer_report(a->options.committer, &item, will->payload, will->len);
    }
}

/* The session's end is recorded: now tell the client why, and close. */
static void leave(struct session *s)
{
    if (s->state == SESSION_LEAVING)
        access_loop_left(s->home);
    s->state = SESSION_ENDED;
    timer_stop(&s->timer);
    send_disconnect(s, (enum mqtt_reason)s->farewell);
    conn_close_when_sent(&s->conn);
}

/* What the client has sent is being committed. Without the acknowledgements it would send it again. */
static void leave_when_acknowledged(struct session *s, enum mqtt_reason why)
{
    s->farewell = (uint8_t)why;
    if (!s->uncommitted) {
        leave(s);
        return;
    }
    s->state = SESSION_LEAVING;
    s->paced = false; /* there is no time for gaps */
    conn_pause(&s->conn);
    access_loop_leaves(s->home);
    timer_start(s->home->loop, &s->timer, LEAVING_MS);
}

void session_acknowledged(struct session *s)
{
    if (s->state == SESSION_LEAVING && !s->uncommitted)
        leave(s);
}

/* Records the end; the connection is not touched. */
static void finish(struct session *s, enum end_reason reason)
{
    enum session_state was = s->state;

    s->state = SESSION_ENDED;
    timer_stop(&s->timer);
    access_loop_unpause(s->home, s);
    outgoing_end(s);
    if (was == SESSION_LIVE) {
        publish_will(s);
        session_logout(s, reason);
    } else if (was == SESSION_CLAIMING) {
        session_unclaim(s, reason);
    }
    if (s->more) {
        free(s->more->will);
        free(s->more->qos2);
    }
    free(s->more);
    s->more = NULL;
}

enum mqtt_reason session_reason(enum end_reason reason)
{
    switch (reason) {
    case END_FORCE: return MQTT_TAKEN_OVER;
    case END_RESET: return MQTT_ADMINISTRATIVE;
    case END_NO_HEARTBEAT: return MQTT_KEEP_ALIVE_TIMEOUT;
    case END_DENSITY: return MQTT_RATE_TOO_HIGH;
    case END_DATA_SIZE: return MQTT_QUOTA_EXCEEDED;
    case END_EXCEPTION: return MQTT_SHUTTING_DOWN;
    default: return MQTT_SUCCESS;
    }
}

void session_end(struct session *s, enum end_reason reason, enum mqtt_reason why)
{
    bool was_live = s->state == SESSION_LIVE;
    /* Controls that are still unsent fail now, so they must not arrive later. */
    bool cut = outgoing_unsent(s) > 0;

    if (session_is_over(s))
        return;
    if (s->state == SESSION_CLAIMING)
        why = handle_claim_ended(s, reason);
    bool tell = why != MQTT_SUCCESS && !cut;
    if (tell && was_live)
        outgoing_release_held(s);
    finish(s, reason);
    if (tell && was_live)
        leave_when_acknowledged(s, why);
    else if (tell && send_connack(s, why, NULL))
        conn_close_when_sent(&s->conn);
    else
        conn_close(&s->conn);
}

void session_violation(struct session *s, enum mqtt_reason why)
{
    if (s->state == SESSION_NEW)
        tell_stranger(s, REFUSED_NO_CONNECT);
    session_end(s, END_EXCEPTION, why);
}

static enum end_reason reason_of_close(const struct conn *c, enum conn_end end)
{
    switch (end) {
    case CONN_PEER_CLOSED: return conn_is_tls(c) ? END_SSL_CLOSED : END_TCP_CLOSED;
    case CONN_TLS_FAILED: return END_SSL_CLOSED;
    default: return END_EXCEPTION;
    }
}

static void closed(struct conn *c, enum conn_end end)
{
    struct session *s = (struct session *)c;

    if (s->state == SESSION_NEW && end == CONN_TLS_FAILED)
        access_refused(s->home->access, &(struct access_caller){ .peer = s->came_from }, REFUSED_HANDSHAKE);
    if (s->state == SESSION_LEAVING)
        access_loop_left(s->home);
    else if (s->state != SESSION_ENDED)
        finish(s, reason_of_close(c, end));
    timer_stop(&s->timer);
    access_count(&s->home->counters.connections, (uint64_t)-1);
    seats_leave(&s->home->access->seats);
    session_slab_give(&s->home->sessions, s);
}

static void drained(struct conn *c)
{
    struct session *s = (struct session *)c;
    if (s->state == SESSION_LIVE)
        outgoing_drained(s);
}

/* --- the beginning -----------------------------------------------------------------------------*/

struct conn_owner session_conns(const struct access *a, struct loop *loop)
{
    return (struct conn_owner){
        .loop = loop,
        .ops = { .data = session_input, .drained = drained, .closed = closed },
        .patience = LOOP_PATIENT,
        .in_max = a->options.mqtt_packet_max,
        .out_max = LIMIT_MQTT_OUT,
    };
}

void session_open(struct access_loop *home, int fd, const struct transport *via)
{
    struct session *s;

    if (session_slab_take(&home->sessions, &s) != MU_OK) {
        close(fd);
        goto refused;
    }
    if (conn_open(&s->conn, &home->conns, fd, via) != MU_OK) {
        session_slab_give(&home->sessions, s);
        goto refused;
    }
    s->out.packet_max = UINT32_MAX;
    s->home = home;
    s->timer.fire = deadline;
    session_seen(s);
    if (conn_is_tls(&s->conn))
        conn_peer(&s->conn, &s->came_from);
    access_count(&home->counters.connections, 1);
    session_arm(s);
    return;
refused:
    seats_leave(&home->access->seats);
}
