#include <assert.h>
#include <time.h>

#include "base/clock.h"
#include "net/http_internal.h"

/* The status line and the headers of an answer. */

static struct str reason_of(int status)
{
    switch (status) {
    case 200: return STR("OK");
    case 201: return STR("Created");
    case 202: return STR("Accepted");
    case 204: return STR("No Content");
    case 206: return STR("Partial Content");
    case 301: return STR("Moved Permanently");
    case 302: return STR("Found");
    case 303: return STR("See Other");
    case 304: return STR("Not Modified");
    case 307: return STR("Temporary Redirect");
    case 308: return STR("Permanent Redirect");
    case 400: return STR("Bad Request");
    case 401: return STR("Unauthorized");
    case 403: return STR("Forbidden");
    case 404: return STR("Not Found");
    case 405: return STR("Method Not Allowed");
    case 406: return STR("Not Acceptable");
    case 408: return STR("Request Timeout");
    case 409: return STR("Conflict");
    case 410: return STR("Gone");
    case 412: return STR("Precondition Failed");
    case 413: return STR("Content Too Large");
    case 415: return STR("Unsupported Media Type");
    case 416: return STR("Range Not Satisfiable");
    case 417: return STR("Expectation Failed");
    case 422: return STR("Unprocessable Content");
    case 429: return STR("Too Many Requests");
    case 431: return STR("Request Header Fields Too Large");
    case 500: return STR("Internal Server Error");
    case 501: return STR("Not Implemented");
    case 502: return STR("Bad Gateway");
    case 503: return STR("Service Unavailable");
    case 504: return STR("Gateway Timeout");
    default: return STR(""); /* a reason may be empty: RFC 9112, section 4 */
    }
}

/* Formatting by hand: printf took a third of an answer's time. */
static char *put_str(char *at, struct str text)
{
    memcpy(at, text.at, text.len);
    return at + text.len;
}

static char *put(char *at, const char *text)
{
    return put_str(at, str_of(text));
}

static char *put_number(char *at, size_t v)
{
    char digits[20], *end = digits + sizeof(digits);
    const char *from = decimal_before(end, v);

    return put_str(at, (struct str){ from, (size_t)(end - from) });
}

static size_t room(const struct http_loop *home, const char *at)
{
    return sizeof(home->date) - (size_t)(at - home->date);
}

static const char *date_line(struct http_loop *home)
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    int64_t now_ms = loop_now_ms(home->loop);

    if (now_ms < home->date_until_ms)
        return home->date;
    int64_t wall_us = clock_wall_us();
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    /* Not strftime: the names must not follow a locale. */
    char *at = put(put(home->date, "Date: "), days[tm.tm_wday]);
    at += strftime(at, room(home, at), ", %d ", &tm);
    at = put(at, months[tm.tm_mon]);
    strftime(at, room(home, at), " %Y %H:%M:%S GMT\r\n", &tm);
    home->date_until_ms = now_ms + 1000 - wall_us / 1000 % 1000;
    return home->date;
}

struct str http_response_body(const struct http_response *res)
{
    return res->constant.at ? res->constant : (struct str){ (const char *)res->body.data, res->body.len };
}

void http_answer_head(struct exchange *x, bool close, struct buf *out, bool *body)
{
    const struct http_response *res = &x->pub.res;
    bool without = res->status == 204 || res->status == 304; /* these have no body */
    struct str type = str_of(res->content_type ? res->content_type : "");
    const size_t fixed = 256; /* its longest form has 170 bytes */
    char *start = (char *)buf_reserve(out, fixed + type.len + res->headers.len);
    char *at = start;

    *body = !without && !x->pub.req.head;
    if (!start)
        return;
    at = put_number(put(at, "HTTP/1.1 "), (size_t)res->status);
    *at++ = ' ';
    at = put(put_str(at, reason_of(res->status)), "\r\n");
    at = put(at, date_line(x->home));
    if (type.len && !without)
        at = put(put_str(put(at, "Content-Type: "), type), "\r\n");
    if (!without)
        at = put(put_number(put(at, "Content-Length: "), http_response_body(res).len), "\r\n");
    if (close)
        at = put(at, "Connection: close\r\n");
    else if (x->http10)
        at = put(at, "Connection: keep-alive\r\n");
    if (res->headers.len)
        memcpy(at, res->headers.data, res->headers.len);
    at = put(at + res->headers.len, "\r\n");
    assert((size_t)(at - start) <= fixed + type.len + res->headers.len);
    out->len += (size_t)(at - start);
}
