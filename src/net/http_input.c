#include "net/http_conn_private.h"

/* An HTTP connection's input: from bytes to requests. */

static void run(struct http_conn *hc)
{
    hc->state = HTTP_AWAY;
    if (http_exchange_run(hc->x) == EXCHANGE_ANSWERED && http_exchange_ready(hc->x) == EXCHANGE_ANSWERED)
        http_conn_send(hc);
}

/* A head is complete: refuses it, waits for the body, or runs the request. more: bytes follow the head. */
static void begin(struct http_conn *hc, const char *bytes, size_t len, bool more)
{
    struct exchange *x = http_exchange_new(hc->home);

    hc->x = x;
    if (!x) {
        hc->state = HTTP_ENDING;
        return;
    }
    x->conn = hc;
    x->pub.req.peer = hc->peer;
    x->pub.req.tls = conn_is_tls(&hc->c);
    int status = http_head_parse(x, bytes, len);
    const struct http_settings *s = &hc->home->server->settings;
    if (s->trusted_proxy_count)
        x->pub.req.peer = http_client(&x->pub.req, s->trusted_proxies, s->trusted_proxy_count);
    if (!status && !http_route_find(hc->home->server, x)) {
        status = 400;
        x->failed_why = "the path has a bad percent-escape";
    }
    if (status) {
        http_conn_fail(hc, status, x->failed_why);
    } else if (!x->has_body) {
        run(hc);
    } else if (x->expects && !x->pub.route) {
        /* It is refused before its body, which the peer may send or not: the connection cannot go on. */
        x->keep_alive = false;
        run(hc);
    } else {
        hc->state = HTTP_AT_BODY;
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
        http_conn_fail(hc, 400, "the head is not of HTTP/1.1");
    } else if (head > LIMIT_HTTP_HEAD) {
        http_conn_fail(hc, 431, "the head is larger than 16 KiB");
    } else if (scan == HTTP_SCAN_FOUND) {
        hc->scanned = 0;
        *partial = false;
        begin(hc, bytes, head, len > head);
        return blank + head;
    }
    return blank;
}

/* *partial: those left are the start of a line between chunks. */
static size_t read_body(struct http_conn *hc, const char *bytes, size_t len, bool *partial)
{
    bool complete;
    size_t used;
    int status = http_body_parse(hc->x, bytes, len, &used, &complete);

    if (status)
        http_conn_fail(hc, status, hc->x->failed_why);
    else if (complete)
        run(hc);
    else if (!http_held_count(hc))
        http_conn_fail(hc, 503, "too many large bodies are on their way");
    *partial = hc->state == HTTP_AT_BODY;
    return used;
}

size_t http_conn_data(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct http_conn *hc = (struct http_conn *)c;
    const char *text = (const char *)bytes;
    size_t used = 0;
    bool partial = false;

    http_gather_send(hc); /* if this comes twice in a round */
    while (used < len && !partial && http_conn_unsent(hc) == 0) {
        if (hc->state == HTTP_AT_HEAD)
            used += read_head(hc, text + used, len - used, &partial);
        else if (hc->state == HTTP_AT_BODY)
            used += read_body(hc, text + used, len - used, &partial);
        else
            break;
    }
    if (partial || hc->state != HTTP_AT_HEAD || hc->paused || !http_gather(hc))
        http_conn_settle(hc, partial);
    return used;
}
