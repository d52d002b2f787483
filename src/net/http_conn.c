#include "net/http_conn_private.h"

#include <stdlib.h>
#include <unistd.h>

/* One HTTP connection: its life and its deadlines. */

enum {
    HTTP_IN_MAX = 64 * 1024,       /* one read of a body; also more than any head that is kept */
    HTTP_OUT_MAX = 4 * HTTP_BATCH, /* what is larger stays in http_conn.rest */
    BODY_STEP = 1024,              /* bytes of a body that must come within each idle timeout */
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

void http_conn_update_deadline(struct http_conn *hc, bool partial)
{
    const struct http_settings *s = &hc->home->server->settings;

    if (http_conn_unsent(hc)) {
        if (hc->wait != WAIT_SENT)
            wait_for(hc, WAIT_SENT, http_conn_untaken(hc), s->idle_timeout_ms);
    } else if (hc->state == HTTP_AWAY || hc->state == HTTP_ENDING) {
        hc->wait = WAIT_NOTHING;
    } else if (hc->state == HTTP_AT_BODY) {
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

/* --- what wakes it ------------------------------------------------------------------------------*/
/* The peer must take LIMIT_HTTP_TAKEN bytes a second: a byte now and then is not enough. Bytes that the kernel has
 * count as taken when the peer has acknowledged them. */
static void check_taken(struct http_conn *hc)
{
    int ms = hc->home->server->settings.idle_timeout_ms;
    size_t untaken = http_conn_untaken(hc);

    if (untaken + (uint64_t)ms * LIMIT_HTTP_TAKEN / 1000 < hc->mark)
        wait_for(hc, WAIT_SENT, untaken, ms);
    else
        http_held_end(hc, HTTP_ENDED_SLOW);
}

static void on_timer(struct timer *t)
{
    struct http_conn *hc = (struct http_conn *)((char *)t - offsetof(struct http_conn, timer));

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
    case WAIT_SENT: check_taken(hc); break;
    default: conn_close(&hc->c); break;
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
    http_held_forget(hc);
    http_conn_drop_rest(hc);
    if (hc->x && hc->state == HTTP_AWAY)
        hc->x->conn = NULL;
    else if (hc->x)
        http_exchange_release(hc->x);
    free(hc);
}

static const struct conn_ops ops = {
    .data = http_conn_data,
    .drained = http_conn_drained,
    .closed = on_closed,
};

void http_conns_init(struct http_loop *home)
{
    home->shared =
        (struct conn_owner){ .loop = home->loop, .ops = ops, .in_max = HTTP_IN_MAX, .out_max = HTTP_OUT_MAX };
}

enum mu_err http_conn_open(struct http_loop *home, int fd, const struct transport *via, const struct sockaddr *peer,
                           bool refuse)
{
    struct http_conn *hc = calloc(1, sizeof(*hc));

    if (!hc) {
        close(fd);
        return MU_E_NOMEM;
    }
    hc->home = home;
    hc->timer.fire = on_timer;
    ip_of_sockaddr(peer, &hc->peer);
    enum mu_err err = conn_open(&hc->c, &home->shared, fd, via);
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
