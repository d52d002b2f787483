#include "net/http_internal.h"

/* The body of a request: so many bytes, or chunks. llhttp reads chunks, and nothing but them: what it
 * takes for a request line, a line's end or a header's name depends on how it was built. */

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

static int refuse(struct exchange *x, int status, const char *why)
{
    x->failed = status;
    x->failed_why = why;
    return -1;
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
    if (!frame_ok(x, at))
        return refuse(x, 400, "the chunked body is broken");
    x->frame_from = at + len;
    x->frame_last = FRAME_AFTER_DATA;
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    (void)p;
    return HPE_PAUSED; /* what follows is the next request, and its time has not come */
}

void http_body_init(llhttp_t *before_chunks)
{
    static const llhttp_settings_t callbacks = { .on_body = on_body,
                                                 .on_message_complete = on_message_complete };
    const struct str head = STR("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");

    llhttp_init(before_chunks, HTTP_REQUEST, &callbacks);
    llhttp_execute(before_chunks, head.at, head.len);
}

void http_body_expect_chunks(struct exchange *x)
{
    x->parser = x->home->server->before_chunks;
    x->parser.data = x;
    x->chunked = true;
}

static int read_chunks(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    x->frame_from = bytes;
    llhttp_errno_t e = llhttp_execute(&x->parser, bytes, len);
    *complete = e == HPE_PAUSED;
    *used = *complete ? (size_t)(llhttp_get_error_pos(&x->parser) - bytes) : len;
    if (x->failed)
        return x->failed;

    x->failed_why = "the chunked body is broken";
    if ((e != HPE_OK && e != HPE_PAUSED) || !frame_ok(x, bytes + *used))
        return 400;
    x->body_raw += *used;
    x->failed_why = "the chunked body's framing is out of proportion";
    if (x->body_raw - x->body.len > LIMIT_HTTP_HEAD + 8 * x->body.len)
        return 413;
    return 0;
}

static int read_sized(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    *used = len < x->body_left ? len : x->body_left;
    buf_append(&x->body, bytes, *used);
    x->failed_why = "no memory for the body";
    if (x->body.err != MU_OK)
        return 503;
    x->body_raw += *used;
    x->body_left -= *used;
    *complete = x->body_left == 0;
    return 0;
}

int http_body_parse(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    return (x->chunked ? read_chunks : read_sized)(x, bytes, len, used, complete);
}
