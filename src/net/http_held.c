#include "net/http_conn_private.h"

#include <assert.h>

#include "base/log.h"

/* Connections for which we keep something are in a list, ordered by when their peers last took or sent something.
 * A peer that stalls moves to the front; one that reads soon leaves the list. */

enum { LOG_EVERY_MS = 10000 };

static void leave(struct http_conn *hc)
{
    struct http_loop *home = hc->home;

    assert(hc->staler || home->stalest == hc);
    assert(hc->fresher || home->freshest == hc);
    *(hc->staler ? &hc->staler->fresher : &home->stalest) = hc->fresher;
    *(hc->fresher ? &hc->fresher->staler : &home->freshest) = hc->staler;
    hc->staler = hc->fresher = NULL;
}

static void join(struct http_conn *hc)
{
    struct http_loop *home = hc->home;

    hc->staler = home->freshest;
    *(home->freshest ? &home->freshest->fresher : &home->stalest) = hc;
    home->freshest = hc;
}

static void set(struct http_conn *hc, size_t held)
{
    if (hc->held && !held)
        leave(hc);
    else if (!hc->held && held)
        join(hc);
    assert(hc->home->held >= hc->held);
    hc->home->held += held - hc->held;
    atomic_fetch_add_explicit(&hc->home->server->held, held - hc->held, memory_order_relaxed);
    hc->held = held;
}

void http_held_moved(struct http_conn *hc)
{
    if (!hc->held || hc == hc->home->freshest)
        return;
    leave(hc);
    join(hc);
}

void http_held_forget(struct http_conn *hc)
{
    set(hc, 0);
}

bool http_held_count(struct http_conn *hc)
{
    struct http_loop *home = hc->home;
    size_t held = conn_unsent(&hc->c) + hc->owned_size + (hc->state == HTTP_AT_BODY ? hc->x->body.len : 0);

    if (held == hc->held)
        return true;
    bool more = held > hc->held;
    set(hc, held);
    if (more)
        http_held_moved(hc);
    while (more && home->held > home->server->settings.held_max) {
        assert(home->stalest);
        if (home->stalest == hc)
            return false;
        http_held_end(home->stalest, HTTP_ENDED_CROWD);
    }
    return true;
}

void http_held_end(struct http_conn *hc, enum http_ended why)
{
    static const char *const reasons[] = { [HTTP_ENDED_SLOW] = "too_slow", [HTTP_ENDED_CROWD] = "stalled_longest" };
    struct http_loop *home = hc->home;
    uint32_t suppressed;
    char peer[IP_TEXT_SIZE];

    atomic_fetch_add_explicit(&home->server->ended[why], 1, memory_order_relaxed);
    if (log_limit_may(&home->ends, LOG_EVERY_MS, 1, loop_now_ms(home->loop), &suppressed)) {
        ip_text(&hc->peer, peer);
        log_event(LOG_WARN, "http_peer_ended", "peer=%s reason=%s kept=%zu kept_for_all=%zu suppressed=%u", peer,
                  reasons[why], hc->held, home->held, suppressed);
    }
    http_held_forget(hc);
    http_conn_drop_rest(hc);
    hc->state = hc->state == HTTP_AWAY ? HTTP_AWAY : HTTP_ENDING;
    conn_abort(&hc->c);
}
