#include "net/http_conn_private.h"

#include <stdlib.h>

/* An HTTP connection's output: answers that are sent together, and large ones that are sent from their own memory. */

/* --- what goes into home->out ------------------------------------------------------------------*/
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

/* --- and what does not, since it is large ------------------------------------------------------*/
size_t http_conn_unsent(const struct http_conn *hc)
{
    return conn_unsent(&hc->c) + hc->rest.len;
}

size_t http_conn_untaken(const struct http_conn *hc)
{
    return conn_untaken(&hc->c) + hc->rest.len;
}

void http_conn_drop_rest(struct http_conn *hc)
{
    free(hc->owned);
    hc->owned = NULL;
    hc->owned_size = 0;
    hc->rest.len = 0;
}

/* false: the connection has ended. */
static bool send_rest(struct http_conn *hc)
{
    size_t sent;
    bool alive = conn_offer(&hc->c, hc->rest.at, hc->rest.len, &sent) == MU_OK;

    hc->rest.at += sent;
    hc->rest.len -= sent;
    if (sent)
        http_held_moved(hc);
    if (!alive || hc->rest.len == 0)
        http_conn_drop_rest(hc);
    return alive;
}

/* Takes over the memory of a body that was built, shrunk to its length. */
static void own(struct http_conn *hc, struct buf *body)
{
    void *fitting = realloc(body->data, body->len);

    hc->owned = fitting ? fitting : body->data;
    hc->owned_size = body->len;
    hc->rest = (struct str){ hc->owned, body->len };
    buf_init(body, body->max);
}

static bool send_apart(struct http_conn *hc, struct http_response *res)
{
    if (!flush(hc))
        return false;
    hc->rest = res->constant;
    if (!res->constant.at)
        own(hc, &res->body);
    return send_rest(hc);
}

void http_conn_drained(struct conn *c)
{
    struct http_conn *hc = (struct http_conn *)c;

    if (hc->rest.len && !send_rest(hc))
        hc->state = HTTP_ENDING;
    http_conn_settle(hc, false);
}

/* --- answers -----------------------------------------------------------------------------------*/
void http_conn_settle(struct http_conn *hc, bool partial)
{
    /* An exchange that is away still belongs to its handler; it finds that the connection is gone when it returns. */
    if (!flush(hc) && hc->state != HTTP_AWAY)
        hc->state = HTTP_ENDING;
    if (!http_held_count(hc))
        http_held_end(hc, HTTP_ENDED_CROWD);
    bool unsent = http_conn_unsent(hc) > 0;
    /* Only when all has been sent: the 5 s of conn_close_when_sent are too short for a large answer. */
    if (hc->state == HTTP_ENDING && !unsent)
        conn_close_when_sent(&hc->c);
    http_conn_update_deadline(hc, partial);
    /* While a peer does not take its answers, no further request of it is read. */
    bool pause = hc->state == HTTP_AWAY || unsent;
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
        http_exchange_fail(x, 500, "the answer is too large");
    bool close = res->close || !x->keep_alive;
    struct str body = http_response_body(res);
    http_answer_head(x, close, out, &with_body);
    size_t sent = out->len - before + (with_body ? body.len : 0);
    if (with_body && body.len > (res->constant.at ? HTTP_SMALL : HTTP_BATCH)) {
        if (!send_apart(hc, res))
            hc->state = HTTP_ENDING;
    } else if (with_body) {
        buf_append(out, body.at, body.len);
    }
    if (out->len >= HTTP_BATCH && !flush(hc))
        hc->state = HTTP_ENDING;

    http_exchange_end(x, sent);
    hc->x = NULL;
    if (hc->state != HTTP_ENDING)
        hc->state = close ? HTTP_ENDING : HTTP_AT_HEAD;
    hc->wait = WAIT_NOTHING; /* so that the next deadline starts anew */
}

void http_conn_fail(struct http_conn *hc, int status, const char *detail)
{
    if (!hc->x)
        hc->x = http_exchange_new(hc->home);
    if (!hc->x) {
        hc->state = HTTP_ENDING;
        return;
    }
    hc->x->pub.req.peer = hc->peer;
    hc->x->pub.req.tls = conn_is_tls(&hc->c);
    http_exchange_fail(hc->x, status, detail);
    http_conn_send(hc);
}

void http_conn_answer(struct http_conn *hc)
{
    http_conn_send(hc);
    http_conn_settle(hc, false);
}
