#include <time.h>

#include "base/clock.h"
#include "net/http_internal.h"

static const char *reason_of(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return ""; /* a reason may be empty: RFC 9112, section 4 */
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

void http_answer_head(struct exchange *x, bool close, struct buf *out, bool *body)
{
    const struct http_response *res = &x->pub.res;
    bool without = res->status == 204 || res->status == 304; /* have no body, by definition */
    const char *reason = reason_of(res->status);
    size_t type_len = res->content_type ? strlen(res->content_type) : 0;
    /* 256: all that is fixed; the longest comes to 170. */
    char *start = (char *)buf_reserve(out, 256 + type_len + res->headers.len);
    char *at = start;

    *body = !without && !x->pub.req.head;
    if (!start)
        return;
    at = put_number(put(at, "HTTP/1.1 "), (size_t)res->status);
    *at++ = ' ';
    at = put(put(at, reason), "\r\n");
    at = put(at, date_line(x->home));
    if (res->content_type && !without)
        at = put(put(put(at, "Content-Type: "), res->content_type), "\r\n");
    if (!without)
        at = put(put_number(put(at, "Content-Length: "), res->body.len), "\r\n");
    if (close)
        at = put(at, "Connection: close\r\n");
    else if (x->http10)
        at = put(at, "Connection: keep-alive\r\n");
    if (res->headers.len)
        memcpy(at, res->headers.data, res->headers.len);
    at = put(at + res->headers.len, "\r\n");
    out->len += (size_t)(at - start);
}
