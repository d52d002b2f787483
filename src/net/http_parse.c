#include "net/http_internal.h"

/* llhttp reads headers and bodies. It is given whole heads, so that each header comes in one piece,
 * and only from behind the request line, which is read here: what it takes for a request line, a
 * line's end or a header's name depends on how it was built, it knows a closed list of methods, and
 * for some of them (CONNECT, PRI) it leaves HTTP. */

static const struct str method_names[] = {
    [HTTP_M_GET] = { "GET", 3 },       [HTTP_M_POST] = { "POST", 4 },
    [HTTP_M_PUT] = { "PUT", 3 },       [HTTP_M_DELETE] = { "DELETE", 6 },
    [HTTP_M_OPTIONS] = { "OPTIONS", 7 },
};

static int refuse(struct exchange *x, int status, const char *why)
{
    x->failed = status;
    x->failed_why = why;
    return -1;
}

/* --- headers -----------------------------------------------------------------------------------*/
static int on_header_field(llhttp_t *p, const char *at, size_t len)
{
    struct exchange *x = p->data;
    struct http_request *req = &x->pub.req;
    struct str name = { at, len };

    if (x->in_body) /* a trailer: nothing that we serve reads one */
        return 0;
    if (!http_is_token(name))
        return refuse(x, 400, "a header name has a character that is not allowed");
    if (req->header_count == LIMIT_HTTP_HEADERS)
        return refuse(x, 431, "too many header lines");
    x->headers[req->header_count++] = (struct http_header){ name, { at + len, 0 } };
    return 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t len)
{
    struct exchange *x = p->data;

    if (x->in_body || len == 0)
        return 0;
    struct http_header *h = &x->headers[x->pub.req.header_count - 1];
    if (h->value.len)
        return refuse(x, 400, "a header value is broken");
    h->value = str_trim((struct str){ at, len });
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    struct exchange *x = p->data;

    x->keep_alive = llhttp_should_keep_alive(p);
    x->chunked = (p->flags & F_CHUNKED) != 0;
    x->has_body = x->chunked || p->content_length > 0;
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    (void)p;
    return HPE_PAUSED; /* what follows is the next request, and its time has not come */
}

/* --- bodies ------------------------------------------------------------------------------------*/
enum { FRAME_AFTER_DATA = 256 };

/* llhttp lets other bytes pass for the CRLF around chunks, and a bare LF after the last: two readers
 * of one stream must not disagree about where a message ends. */
static bool frame_ok(struct exchange *x, const char *to)
{
    for (const char *at = x->frame_from; at < to; at++) {
        int last = x->frame_last;
        if ((*at == '\n') != (last == '\r') || (last == FRAME_AFTER_DATA && *at != '\r'))
            return false;
        x->frame_last = (unsigned char)*at;
    }
    return true;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
    struct exchange *x = p->data;

    if (len == 0)
        return 0;
    if (len > LIMIT_HTTP_BODY - x->body.len)
        return refuse(x, 413, "the body is larger than 1 MiB");
    buf_append(&x->body, at, len);
    if (x->body.err != MU_OK)
        return refuse(x, 503, "no memory for the body");
    if (x->chunked) {
        if (!frame_ok(x, at))
            return refuse(x, 400, "the chunked body is broken");
        x->frame_from = at + len;
        x->frame_last = FRAME_AFTER_DATA;
    }
    return 0;
}

static const llhttp_settings_t callbacks = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_parse_init(llhttp_t behind_line[2])
{
    static const char *const lines[] = { "POST / HTTP/1.0\r\n", "POST / HTTP/1.1\r\n" };

    for (size_t i = 0; i < 2; i++) {
        llhttp_init(&behind_line[i], HTTP_REQUEST, &callbacks);
        llhttp_execute(&behind_line[i], lines[i], strlen(lines[i]));
    }
}

/* --- the head ----------------------------------------------------------------------------------*/
enum http_scan http_head_scan(const char *bytes, size_t len, uint32_t *at)
{
    size_t line = *at;

    /* Another protocol's greeting (TLS, say) may never have a line's end to judge it by. */
    if (line == 0 && len && !http_is_token((struct str){ bytes, 1 }))
        return HTTP_SCAN_BAD;
    while (line < len) {
        const char *start = bytes + line;
        const char *end = memchr(start, '\n', len - line);

        if (line && (*start == ' ' || *start == '\t'))
            return HTTP_SCAN_BAD;
        if (!end)
            break;
        if (end == start || end[-1] != '\r')
            return HTTP_SCAN_BAD;
        line = (size_t)(end + 1 - bytes);
        if (end - start == 1) {
            *at = (uint32_t)line;
            return HTTP_SCAN_FOUND;
        }
    }
    *at = (uint32_t)line;
    return HTTP_SCAN_MORE;
}

/* METHOD SP target SP HTTP/1.x, nothing else. */
static int parse_line(struct exchange *x, struct str line)
{
    static const struct str tails[] = { { " HTTP/1.0", 9 }, { " HTTP/1.1", 9 } };
    struct http_request *req = &x->pub.req;
    const char *blank = memchr(line.at, ' ', line.len);

    x->failed_why = "the request line is not of HTTP/1.1";
    if (!blank || line.len < tails[0].len)
        return 400;
    struct str method = { line.at, (size_t)(blank - line.at) };
    struct str tail = { line.at + line.len - tails[0].len, tails[0].len };
    struct str target = { blank + 1, (size_t)(tail.at > blank ? tail.at - blank - 1 : 0) };
    if (!http_is_token(method) || (!str_eq(tail, tails[0]) && !str_eq(tail, tails[1])))
        return 400;

    x->http10 = str_eq(tail, tails[0]);
    req->method = HTTP_M_OTHER;
    for (int m = 0; m < HTTP_M_OTHER; m++) {
        if (str_eq(method, method_names[m]))
            req->method = (enum http_method)m;
    }
    if (str_eq(method, STR("HEAD"))) {
        req->method = HTTP_M_GET;
        req->head = true;
    }
    return http_target_parse(req, target, &x->failed_why);
}

/* The rules about single headers that llhttp leaves to its user. */
static int check_headers(struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    unsigned hosts = 0, lengths = 0, codings = 0;
    struct str expect = { "", 0 };

    for (size_t i = 0; i < req->header_count; i++) {
        struct http_header *h = &x->headers[i];
        switch (h->name.len) {
        case 4:
            if (!str_eq_nocase(h->name, STR("Host")))
                break;
            hosts++;
            x->failed_why = "the Host header is not a host name";
            if (!http_is_host(h->value))
                return 400;
            if (req->host.len == 0)
                req->host = h->value;
            break;
        case 6:
            if (str_eq_nocase(h->name, STR("Expect")))
                expect = h->value;
            break;
        case 14:
            lengths += str_eq_nocase(h->name, STR("Content-Length"));
            break;
        case 17:
            if (!str_eq_nocase(h->name, STR("Transfer-Encoding")))
                break;
            codings++;
            x->failed_why = "the only transfer coding understood is chunked";
            if (!str_eq_nocase(h->value, STR("chunked")))
                return 400;
            break;
        }
    }

    x->failed_why = "Transfer-Encoding and Content-Length contradict each other or themselves";
    if (lengths + codings > 1 || (codings && x->http10))
        return 400;
    x->failed_why = "there must be exactly one Host header";
    if (hosts > 1 || (hosts == 0 && !x->http10))
        return 400;
    x->failed_why = "the body is larger than 1 MiB";
    if (lengths && x->parser.content_length > LIMIT_HTTP_BODY)
        return 413;
    if (expect.len && !x->http10) {
        x->failed_why = "no expectation but 100-continue is known";
        if (!str_eq_nocase(expect, STR("100-continue")))
            return 417;
        x->expects = x->has_body;
    }
    return 0;
}

int http_head_parse(struct exchange *x, const char *bytes, size_t len)
{
    buf_append(&x->head, bytes, len);
    x->failed_why = "no memory for the request";
    if (x->head.err != MU_OK)
        return 503;

    const char *head = (const char *)x->head.data;
    struct str line = { head, (size_t)((const char *)memchr(head, '\n', len) - 1 - head) };
    int status = parse_line(x, line);
    if (status)
        return status;

    x->parser = x->home->server->behind_line[!x->http10];
    x->parser.data = x;
    x->pub.req.headers = x->headers;
    x->failed_why = NULL;
    const char *rest = line.at + line.len + 2;
    llhttp_errno_t e = llhttp_execute(&x->parser, rest, (size_t)(head + len - rest));
    if (e != HPE_OK && e != HPE_PAUSED) {
        if (x->failed)
            return x->failed;
        x->failed_why = llhttp_get_error_reason(&x->parser);
        return 400;
    }
    x->in_body = true;
    return check_headers(x);
}

int http_body_parse(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    x->frame_from = bytes;
    llhttp_errno_t e = llhttp_execute(&x->parser, bytes, len);
    *complete = e == HPE_PAUSED;
    *used = *complete ? (size_t)(llhttp_get_error_pos(&x->parser) - bytes) : len;
    if (x->failed)
        return x->failed;

    x->failed_why = "the chunked body is broken";
    if (e != HPE_OK && e != HPE_PAUSED)
        return 400;
    if (x->chunked && !frame_ok(x, bytes + *used))
        return 400;
    x->body_raw += *used;
    x->failed_why = "the chunked body's framing is out of proportion";
    if (x->body_raw - x->body.len > LIMIT_HTTP_HEAD + 8 * x->body.len)
        return 413;
    return 0;
}
