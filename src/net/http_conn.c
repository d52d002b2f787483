#include "net/http_conn_private.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    IN_MAX = 64 * 1024, /* more than the head that is ever set aside, since it is also what one read
                           brings of a body */
    OUT_MAX = LIMIT_HTTP_ANSWER + 2 * HTTP_BATCH,
    /* A body must bring this much for each idle timeout: a byte now and then does not count. */
    BODY_STEP = 1024,
};

/* --- deadlines ---------------------------------------------------------------------------------*/
static void arm(struct http_conn *hc)
{
    if (hc->alarm_ms && hc->alarm_ms <= hc->deadline_ms)
        return;
    hc->alarm_ms = hc->deadline_ms;
    timer_start(hc->home->loop, &hc->timer, hc->deadline_ms - loop_now_ms(hc->home->loop));
}

static void wait_for(struct http_conn *hc, enum http_conn_wait what, uint64_t mark, int ms)
{
    hc->wait = (uint8_t)what;
    hc->mark = mark;
    hc->deadline_ms = loop_now_ms(hc->home->loop) + ms;
    arm(hc);
}

/* Sets the deadline of what the connection is waiting for now. partial: some bytes of a head. */
static void update_deadline(struct http_conn *hc, bool partial)
{
    const struct http_settings *s = &hc->home->server->settings;
    size_t unsent = conn_unsent(&hc->c);

    if (unsent) {
        if (hc->wait != WAIT_SENT)
            wait_for(hc, WAIT_SENT, unsent, s->idle_timeout_ms);
    } else if (hc->state == AWAY || hc->state == ENDING) {
        hc->wait = WAIT_NOTHING;
    } else if (hc->state == BODY) {
        if (hc->wait != WAIT_BODY || hc->x->body_raw - hc->mark >= BODY_STEP)
            wait_for(hc, WAIT_BODY, hc->x->body_raw, s->idle_timeout_ms);
    } else if (partial) {
        if (hc->wait == WAIT_FIRST)
            hc->wait = WAIT_HEAD;
        else if (hc->wait != WAIT_HEAD)
            wait_for(hc, WAIT_HEAD, 0, s->head_timeout_ms);
    } else if (hc->wait != WAIT_FIRST) {
        wait_for(hc, WAIT_NEXT, 0, s->idle_timeout_ms);
    }
}

/* --- output ------------------------------------------------------------------------------------*/
/* false: the connection has ended, or ends now. */
static bool flush(struct http_conn *hc)
{
    struct buf *out = &hc->home->out;
    bool sent = out->err == MU_OK;

    if (!sent)
        conn_close(&hc->c);
    else if (out->len)
        sent = conn_write(&hc->c, out->data, out->len) == MU_OK;
    buf_clear(out);
    return sent;
}

/* What is small is not counted: nobody is to be turned away for what others keep. */
static size_t held_by(const struct http_conn *hc)
{
    size_t n = conn_unsent(&hc->c) + (hc->state == BODY ? hc->x->body.len : 0);

    return n > HTTP_BATCH ? n : 0;
}

bool http_conn_count_held(struct http_conn *hc)
{
    size_t before = hc->held;

    hc->held = held_by(hc);
    hc->home->held += hc->held - before;
    return hc->held <= before || hc->home->held <= LIMIT_HTTP_HELD;
}

void http_conn_settle(struct http_conn *hc, bool partial)
{
    /* An exchange that is away remains its holder's, who finds out that the connection is gone. */
    if (!flush(hc) && hc->state != AWAY)
        hc->state = ENDING;
    if (!http_conn_count_held(hc))
        conn_close(&hc->c);
    /* Not before: what conn allows for its farewell is too short for a large answer. */
    if (hc->state == ENDING && conn_unsent(&hc->c) == 0)
        conn_close_when_sent(&hc->c);
    update_deadline(hc, partial);
    /* A peer that does not take its answers gets no further ones computed. */
    bool pause = hc->state == AWAY || conn_unsent(&hc->c) > 0;
    if (pause && !hc->paused)
        conn_pause(&hc->c);
    else if (!pause && hc->paused)
        conn_resume(&hc->c);
    hc->paused = pause;
}

void http_conn_send(struct http_conn *hc)
{
    struct exchange *x = hc->x;
    struct http_response *res = &x->pub.res;
    struct buf *out = &hc->home->out;
    size_t before = out->len;
    bool with_body;

    if (res->body.err != MU_OK || res->headers.err != MU_OK)
        exchange_fail(x, 500, "the answer is too large");
    bool close = res->close || !x->keep_alive;
    http_answer_head(x, close, out, &with_body);
    size_t sent = out->len - before;
    if (with_body)
        sent += res->body.len;
    if (with_body && res->body.len > HTTP_BATCH) {
        if (!flush(hc) || conn_write(&hc->c, res->body.data, res->body.len) != MU_OK)
            hc->state = ENDING;
    } else if (with_body) {
        buf_append(out, res->body.data, res->body.len);
    }
    if (out->len >= HTTP_BATCH && !flush(hc))
        hc->state = ENDING;

    exchange_end(x, sent);
    hc->x = NULL;
    if (hc->state != ENDING)
        hc->state = close ? ENDING : HEAD;
    hc->wait = WAIT_NOTHING; /* so that the next deadline starts anew */
}

void http_conn_fail(struct http_conn *hc, int status, const char *detail)
{
    if (!hc->x)
        hc->x = exchange_new(hc->home);
    if (!hc->x) {
        hc->state = ENDING;
        return;
    }
    hc->x->pub.req.peer = hc->peer;
    hc->x->pub.req.tls = conn_is_tls(&hc->c);
    exchange_fail(hc->x, status, detail);
    http_conn_send(hc);
}

static void on_drained(struct conn *c)
{
    http_conn_settle((struct http_conn *)c, false);
}

void http_conn_answer(struct http_conn *hc)
{
    http_conn_send(hc);
    http_conn_settle(hc, false);
}

static void on_timer(struct timer *t)
{
    struct http_conn *hc = (struct http_conn *)((char *)t - offsetof(struct http_conn, timer));
    size_t unsent = conn_unsent(&hc->c);

    hc->alarm_ms = 0;
    if (hc->wait == WAIT_NOTHING)
        return;
    if (loop_now_ms(hc->home->loop) < hc->deadline_ms) {
        arm(hc);
        return;
    }
    switch (hc->wait) {
    case WAIT_HEAD:
        http_conn_fail(hc, 408, "the head did not come in time");
        http_conn_settle(hc, false);
        break;
    case WAIT_BODY:
        http_conn_fail(hc, 408, "the body did not come in time");
        http_conn_settle(hc, false);
        break;
    case WAIT_SENT:
        if (unsent < hc->mark) {
            wait_for(hc, WAIT_SENT, unsent, hc->home->server->settings.idle_timeout_ms);
            break;
        }
        conn_close(&hc->c);
        break;
    default:
        conn_close(&hc->c);
        break;
    }
}

/* --- birth and end -----------------------------------------------------------------------------*/
static void on_closed(struct conn *c, enum conn_end end)
{
    struct http_conn *hc = (struct http_conn *)c;

    (void)end;
    timer_stop(&hc->timer);
    http_gather_drop(hc);
    *hc->prev = hc->next;
    if (hc->next)
        hc->next->prev = hc->prev;
    if (hc->refused)
        hc->home->refused_count--;
    else
        seats_leave(&hc->home->server->seats);
    hc->home->held -= hc->held;
    if (hc->x && hc->state == AWAY)
        hc->x->conn = NULL;
    else if (hc->x)
        exchange_release(hc->x);
    free(hc);
}

static const struct conn_ops ops = {
    .data = http_conn_data,
    .drained = on_drained,
    .closed = on_closed,
};

enum mu_err http_conn_open(struct http_loop *home, int fd, const struct transport *via,
                           const struct sockaddr *peer, bool refuse)
{
    struct http_conn *hc = calloc(1, sizeof(*hc));

    if (!hc) {
        close(fd);
        return MU_E_NOMEM;
    }
    hc->home = home;
    hc->timer.fire = on_timer;
    ip_of_sockaddr(peer, &hc->peer);
    enum mu_err err = conn_open(&hc->c, home->loop, fd, via, &ops, IN_MAX, OUT_MAX);
    if (err != MU_OK) {
        free(hc);
        return err;
    }
    hc->next = home->conns;
    hc->prev = &home->conns;
    if (hc->next)
        hc->next->prev = &hc->next;
    home->conns = hc;
    hc->refused = refuse;
    hc->home->refused_count += refuse;

    wait_for(hc, WAIT_FIRST, 0, home->server->settings.head_timeout_ms);
    if (refuse) {
        http_conn_fail(hc, 503, "too many connections");
        http_conn_settle(hc, false);
    }
    return MU_OK;
}

void http_conns_close(struct http_loop *home)
{
    while (home->conns)
        conn_close(&home->conns->c);
}
