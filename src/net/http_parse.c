#include "net/http_internal.h"

/* The head of a request: its end, its first line, its headers and what they say of the body. */

/* --- its end -----------------------------------------------------------------------------------*/
enum http_scan http_head_scan(const char *bytes, size_t len, uint32_t *at)
{
    size_t line = *at;

    /* The greeting of another protocol, such as TLS, may never contain an end of line. */
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

/* The next line of a complete head, without its CRLF. */
static struct str take_line(struct str *rest)
{
    struct str line = str_take_line(rest);

    line.len--;
    return line;
}

/* --- the first line ----------------------------------------------------------------------------*/
static const struct str method_names[] = {
    [HTTP_M_GET] = { "GET", 3 },       [HTTP_M_POST] = { "POST", 4 },       [HTTP_M_PUT] = { "PUT", 3 },
    [HTTP_M_DELETE] = { "DELETE", 6 }, [HTTP_M_OPTIONS] = { "OPTIONS", 7 },
};

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

/* --- headers -----------------------------------------------------------------------------------*/
bool http_is_field_value(struct str s)
{
    if (str_is_plain(s, ' ', 0x7f, 0x7f))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http_field_parse(struct str line, struct http_header *out, const char **why)
{
    const char *colon = memchr(line.at, ':', line.len);

    out->name = (struct str){ line.at, (size_t)((colon ? colon : line.at) - line.at) };
    *why = "a header name has a character that is not allowed";
    if (!http_is_token(out->name))
        return false;
    out->value = str_trim((struct str){ colon + 1, line.len - out->name.len - 1 });
    *why = "a header value has a character that is not allowed";
    return http_is_field_value(out->value);
}

static int parse_header(struct exchange *x, struct str line)
{
    struct http_request *req = &x->pub.req;
    struct http_header h;

    if (!http_field_parse(line, &h, &x->failed_why))
        return 400;
    x->failed_why = "too many header lines";
    if (req->header_count == LIMIT_HTTP_HEADERS)
        return 431;
    x->headers[req->header_count++] = h;
    return 0;
}

/* What the headers say of the message's body and of the connection. */
struct framing {
    unsigned hosts, lengths, codings;
    uint64_t length;
    struct str expect;
    bool close, keep_alive;
};

static bool parse_length(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.at[i] - '0'), &v))
            return false;
    }
    *out = v;
    return s.len > 0;
}

static void read_connection(struct str options, struct framing *f)
{
    while (options.len) {
        const char *comma = memchr(options.at, ',', options.len);
        struct str option = { options.at, comma ? (size_t)(comma - options.at) : options.len };
        options.at += option.len + (comma != NULL);
        options.len -= option.len + (comma != NULL);
        option = str_trim(option);
        f->close |= str_eq_nocase(option, STR("close"));
        f->keep_alive |= str_eq_nocase(option, STR("keep-alive"));
    }
}

static int read_header(struct exchange *x, const struct http_header *h, struct framing *f)
{
    struct http_request *req = &x->pub.req;

    switch (h->name.len) {
    case 4:
        if (!str_eq_nocase(h->name, STR("Host")))
            break;
        f->hosts++;
        x->failed_why = "the Host header is not a host name";
        if (h->value.len && !http_is_host(h->value)) /* it may be empty: RFC 9112, section 3.2 */
            return 400;
        if (req->host.len == 0)
            req->host = h->value;
        break;
    case 6:
        if (str_eq_nocase(h->name, STR("Expect")))
            f->expect = h->value;
        break;
    case 10:
        if (str_eq_nocase(h->name, STR("Connection")))
            read_connection(h->value, f);
        break;
    case 14:
        if (!str_eq_nocase(h->name, STR("Content-Length")))
            break;
        f->lengths++;
        x->failed_why = "Content-Length is not a number";
        if (!parse_length(h->value, &f->length))
            return 400;
        break;
    case 17:
        if (!str_eq_nocase(h->name, STR("Transfer-Encoding")))
            break;
        f->codings++;
        x->failed_why = "the only transfer coding understood is chunked";
        if (!str_eq_nocase(h->value, STR("chunked")))
            return 400;
        break;
    }
    return 0;
}

static int check_framing(struct exchange *x, const struct framing *f)
{
    x->failed_why = "Transfer-Encoding and Content-Length contradict each other or themselves";
    if (f->lengths + f->codings > 1 || (f->codings && x->http10))
        return 400;
    x->failed_why = "there must be exactly one Host header";
    if (f->hosts > 1 || (f->hosts == 0 && !x->http10))
        return 400;
    x->failed_why = "the body is larger than 1 MiB";
    if (f->length > LIMIT_HTTP_BODY)
        return 413;
    x->keep_alive = !f->close && (f->keep_alive || !x->http10);
    if (f->codings)
        http_body_expect_chunks(x);
    x->body_left = f->length;
    x->has_body = f->codings || f->length;
    if (f->expect.len && !x->http10) {
        x->failed_why = "no expectation but 100-continue is known";
        if (!str_eq_nocase(f->expect, STR("100-continue")))
            return 417;
        x->expects = x->has_body;
    }
    x->failed_why = NULL;
    return 0;
}

int http_head_parse(struct exchange *x, const char *bytes, size_t len)
{
    struct http_request *req = &x->pub.req;
    struct framing framing = { 0 };
    int status;

    buf_append(&x->head, bytes, len);
    x->failed_why = "no memory for the request";
    if (x->head.err != MU_OK)
        return 503;

    struct str rest = { (const char *)x->head.data, len };
    if ((status = parse_line(x, take_line(&rest))) != 0)
        return status;
    req->headers = x->headers;
    for (struct str line = take_line(&rest); line.len; line = take_line(&rest)) {
        if ((status = parse_header(x, line)) != 0)
            return status;
    }
    for (size_t i = 0; i < req->header_count; i++) {
        if ((status = read_header(x, &x->headers[i], &framing)) != 0)
            return status;
    }
    return check_framing(x, &framing);
}
