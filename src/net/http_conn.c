#include <stdlib.h>
#include <unistd.h>

#include "net/http_internal.h"

/* One connection reads one request at a time:
 *
 *   HEAD -> [BODY ->] answered at once, and on with HEAD
 *                  -> AWAY (paused: pipelined requests stay in the kernel) -> HEAD
 *   any  -> ENDING   after an answer that closes; the connection sends the rest and goes
 *
 * What is answered at once gathers in home->out, so that pipelined requests are answered by one
 * write; every entry from the loop therefore ends with settle().
 *
 * Deadlines are lazy: a request moves deadline_ms, the timer runs on and looks at it when it fires. */

enum state { HEAD, BODY, AWAY, ENDING };

/* What the deadline is about. */
enum wait {
    WAIT_NOTHING,
    WAIT_FIRST,  /* the first request's head, nothing of it here */
    WAIT_HEAD,   /* the rest of a head */
    WAIT_BODY,
    WAIT_NEXT,   /* another request */
    WAIT_SENT,   /* that the peer takes its answer */
};

enum {
    IN_MAX = 64 * 1024, /* more than the head that is ever set aside, since it is also what one read
                           brings of a body */
    OUT_MAX = LIMIT_HTTP_ANSWER + 2 * HTTP_BATCH,
    /* A body must bring this much for each idle timeout: a byte now and then does not count. */
    BODY_STEP = 1024,
};

struct http_conn {
    struct conn c; /* first: conn.h */
    struct http_loop *home;
    struct http_conn *next, **prev;
    struct exchange *x;      /* the request at hand; NULL in HEAD */
    struct timer timer;
    int64_t deadline_ms;
    int64_t alarm_ms;        /* when the timer fires; 0 = not running */
    uint64_t body_mark;      /* x->body_raw, or unsent bytes, when the deadline was set */
    uint32_t scanned;        /* of an incomplete head */
    uint8_t state, wait;
    bool paused, refused;
    struct ip_addr peer;
};

/* --- deadlines ---------------------------------------------------------------------------------*/
static void arm(struct http_conn *hc)
{
    if (hc->alarm_ms && hc->alarm_ms <= hc->deadline_ms)
        return;
    hc->alarm_ms = hc->deadline_ms;
    timer_start(hc->home->loop, &hc->timer, hc->deadline_ms - loop_now_ms(hc->home->loop));
}

static void wait_for(struct http_conn *hc, enum wait what, uint64_t mark, int ms)
{
    hc->wait = (uint8_t)what;
    hc->body_mark = mark;
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
        if (hc->wait != WAIT_BODY || hc->x->body_raw - hc->body_mark >= BODY_STEP)
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
static void flush(struct http_conn *hc)
{
    struct buf *out = &hc->home->out;

    if (out->err != MU_OK) {
        hc->state = ENDING;
        conn_close(&hc->c);
    } else if (out->len && conn_write(&hc->c, out->data, out->len) != MU_OK) {
        hc->state = ENDING; /* conn has ended it already */
    }
    buf_clear(out);
}

/* Ends what an entry from the loop did. */
static void settle(struct http_conn *hc, bool partial)
{
    flush(hc);
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

/* Appends the response of hc->x, which is over with it. */
static void answer(struct http_conn *hc)
{
    struct exchange *x = hc->x;
    struct http_server *s = hc->home->server;
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
        flush(hc);
        if (hc->state != ENDING && conn_write(&hc->c, res->body.data, res->body.len) != MU_OK)
            hc->state = ENDING;
    } else if (with_body) {
        buf_append(out, res->body.data, res->body.len);
    }
    if (out->len >= HTTP_BATCH)
        flush(hc);

    if (s->done)
        s->done(s->ctx, &x->pub, sent);
    exchange_release(x);
    hc->x = NULL;
    if (hc->state != ENDING)
        hc->state = close ? ENDING : HEAD;
    hc->wait = WAIT_NOTHING; /* so that the next deadline starts anew */
}

static void fail(struct http_conn *hc, int status, const char *detail)
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
    answer(hc);
}

/* --- input -------------------------------------------------------------------------------------*/
static void run(struct http_conn *hc)
{
    hc->state = AWAY;
    if (exchange_run(hc->x) == EXCHANGE_ANSWERED)
        answer(hc);
}

/* A complete head: refuses, asks for the body, or runs the request. more: bytes follow it. */
static void begin(struct http_conn *hc, const char *bytes, size_t len, bool more)
{
    struct exchange *x = exchange_new(hc->home);

    hc->x = x;
    if (!x) {
        hc->state = ENDING;
        return;
    }
    x->conn = hc;
    x->pub.req.peer = hc->peer;
    x->pub.req.tls = conn_is_tls(&hc->c);
    int status = http_head_parse(x, bytes, len);
    if (!status && !http_route_find(hc->home->server, x)) {
        status = 400;
        x->failed_why = "the path has a bad percent-escape";
    }
    if (status) {
        fail(hc, status, x->failed_why);
    } else if (!x->has_body) {
        run(hc);
    } else if (x->expects && !x->pub.route) {
        /* Refused without its body, which the peer may or may not send now. */
        x->keep_alive = false;
        run(hc);
    } else {
        hc->state = BODY;
        if (x->expects && !more)
            buf_append_str(&hc->home->out, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

/* Returns the bytes used; *partial: those left are the start of a head. */
static size_t read_head(struct http_conn *hc, const char *bytes, size_t len, bool *partial)
{
    size_t blank = 0;

    /* Empty lines before a request are to be ignored: RFC 9112, section 2.2. */
    while (len - blank >= 2 && bytes[blank] == '\r' && bytes[blank + 1] == '\n')
        blank += 2;
    bytes += blank;
    len -= blank;
    *partial = len > 0;
    if (len == 0 || (len == 1 && *bytes == '\r'))
        return blank;

    enum http_scan scan = http_head_scan(bytes, len, &hc->scanned);
    size_t head = scan == HTTP_SCAN_FOUND ? hc->scanned : len;
    if (scan == HTTP_SCAN_BAD) {
        fail(hc, 400, "the head is not of HTTP/1.1");
    } else if (head > LIMIT_HTTP_HEAD) {
        fail(hc, 431, "the head is larger than 16 KiB");
    } else if (scan == HTTP_SCAN_FOUND) {
        hc->scanned = 0;
        *partial = false;
        begin(hc, bytes, head, len > head);
        return blank + head;
    }
    return blank;
}

static size_t read_body(struct http_conn *hc, const char *bytes, size_t len)
{
    bool complete;
    size_t used;
    int status = http_body_parse(hc->x, bytes, len, &used, &complete);

    if (status)
        fail(hc, status, hc->x->failed_why);
    else if (complete)
        run(hc);
    return used;
}

static size_t on_data(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct http_conn *hc = (struct http_conn *)c;
    const char *text = (const char *)bytes;
    size_t used = 0;
    bool partial = false;

    while (used < len && !partial && conn_unsent(c) == 0) {
        if (hc->state == HEAD)
            used += read_head(hc, text + used, len - used, &partial);
        else if (hc->state == BODY)
            used += read_body(hc, text + used, len - used);
        else
            break;
    }
    settle(hc, partial);
    return used;
}

static void on_drained(struct conn *c)
{
    settle((struct http_conn *)c, false);
}

void http_conn_answer(struct http_conn *hc)
{
    answer(hc);
    settle(hc, false);
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
        fail(hc, 408, "the head did not come in time");
        settle(hc, false);
        break;
    case WAIT_BODY:
        fail(hc, 408, "the body did not come in time");
        settle(hc, false);
        break;
    case WAIT_SENT:
        if (unsent < hc->body_mark) {
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
static unsigned *count_of(struct http_conn *hc)
{
    return hc->refused ? &hc->home->refused_count : &hc->home->conn_count;
}

static void on_closed(struct conn *c, enum conn_end end)
{
    struct http_conn *hc = (struct http_conn *)c;

    (void)end;
    timer_stop(&hc->timer);
    *hc->prev = hc->next;
    if (hc->next)
        hc->next->prev = hc->prev;
    *count_of(hc) -= 1;
    if (hc->x && hc->state == AWAY)
        hc->x->conn = NULL;
    else if (hc->x)
        exchange_release(hc->x);
    free(hc);
}

static const struct conn_ops ops = { .data = on_data, .drained = on_drained, .closed = on_closed };

enum mu_err http_conn_open(struct http_loop *home, int fd, struct tls_context *tls,
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
    enum mu_err err = conn_open(&hc->c, home->loop, fd, tls, &ops, IN_MAX, OUT_MAX);
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
    *count_of(hc) += 1;

    wait_for(hc, WAIT_FIRST, 0, home->server->settings.head_timeout_ms);
    if (refuse) {
        fail(hc, 503, "too many connections");
        settle(hc, false);
    }
    return MU_OK;
}

void http_conns_close(struct http_loop *home)
{
    while (home->conns)
        conn_close(&home->conns->c);
}
