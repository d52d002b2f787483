#include "net/http_internal.h"

/* The body of a request: a known number of bytes, or chunks (RFC 9112, section 7.1). A line of the chunked framing
 * is read when it is complete; until then the connection keeps its bytes. */

enum chunk_step { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER };

/* --- the lines around chunks -------------------------------------------------------------------*/
static struct str skip(struct str s, size_t n)
{
    return (struct str){ s.at + n, s.len - n };
}

static struct str skip_blanks(struct str s)
{
    while (s.len && (*s.at == ' ' || *s.at == '\t'))
        s = skip(s, 1);
    return s;
}

static size_t token_len(struct str s)
{
    size_t n = 0;

    while (n < s.len && http_is_token((struct str){ s.at + n, 1 }))
        n++;
    return n;
}

/* The length of a quoted string with its quotes; 0 if there is none. */
static size_t quoted_len(struct str s)
{
    size_t n = 1;

    if (s.len == 0 || *s.at != '"')
        return 0;
    while (n < s.len && s.at[n] != '"')
        n += s.at[n] == '\\' ? 2 : 1;
    return n < s.len && http_is_field_value((struct str){ s.at, n }) ? n + 1 : 0;
}

/* Nothing, or ;name[=value] any number of times. Blanks between them are bad style, but must be read (RFC 9112,
 * section 7.1.1). */
static bool are_extensions(struct str s)
{
    while (s.len) {
        struct str at = skip_blanks(s);
        if (!at.len || *at.at != ';')
            return false;
        at = skip_blanks(skip(at, 1));
        size_t n = token_len(at);
        if (!n)
            return false;
        s = skip(at, n);
        at = skip_blanks(s);
        if (at.len && *at.at == '=') {
            at = skip_blanks(skip(at, 1));
            if (!(n = token_len(at)) && !(n = quoted_len(at)))
                return false;
            s = skip(at, n);
        }
    }
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20; /* lower case */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_size(struct exchange *x, struct str line)
{
    uint64_t size = 0;
    size_t n = 0;

    for (; n < line.len && hex_value(line.at[n]) >= 0; n++) {
        if (size >> 60)
            return 400;
        size = size << 4 | (uint64_t)hex_value(line.at[n]);
    }
    if (n == 0 || !are_extensions(skip(line, n)))
        return 400;
    x->failed_why = "the body is larger than 1 MiB";
    if (size > LIMIT_HTTP_BODY - x->body.len)
        return 413;
    x->body_left = size;
    x->chunk_step = size ? CHUNK_DATA : CHUNK_TRAILER;
    return 0;
}

/* Trailers are dropped, even those that may not be trailers (Content-Length): they do not change the framing. */
static int read_trailer(struct exchange *x, struct str line)
{
    struct http_header h;

    return http_field_parse(line, &h, &x->failed_why) ? 0 : 400;
}

/* The next line without its CRLF. False: it is not complete; or it does not end with CRLF, then *status is set. */
static bool take_line(struct str *rest, struct str *line, int *status)
{
    const char *end = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;

    if (!end)
        return false;
    *line = (struct str){ rest->at, (size_t)(end - rest->at) };
    *rest = skip(*rest, line->len + 1);
    if (line->len && line->at[line->len - 1] == '\r') {
        line->len--;
        return true;
    }
    *status = 400;
    return false;
}

/* --- reading -----------------------------------------------------------------------------------*/
static int read_data(struct exchange *x, struct str *rest)
{
    size_t n = rest->len < x->body_left ? rest->len : x->body_left;

    buf_append(&x->body, rest->at, n);
    x->failed_why = "no memory for the body";
    if (x->body.err != MU_OK)
        return 503;
    *rest = skip(*rest, n);
    x->body_left -= n;
    return 0;
}

/* One step; *more says whether the bytes at hand allow another one. */
static int step(struct exchange *x, struct str *rest, bool *more, bool *complete)
{
    struct str line;
    int status = 0;

    *more = true;
    if (x->chunk_step == CHUNK_DATA) {
        status = read_data(x, rest);
        *more = x->body_left == 0;
        if (*more)
            x->chunk_step = CHUNK_DATA_END;
        return status;
    }
    x->failed_why = "the chunked body is broken";
    if (x->chunk_step == CHUNK_SIZE && rest->len && hex_value(*rest->at) < 0)
        return 400;
    if (x->chunk_step == CHUNK_DATA_END && rest->len && *rest->at != '\r')
        return 400;
    if (!take_line(rest, &line, &status)) {
        *more = false;
        return status;
    }
    if (x->chunk_step == CHUNK_SIZE)
        return read_size(x, line);
    if (x->chunk_step == CHUNK_DATA_END) {
        x->chunk_step = CHUNK_SIZE;
        return line.len ? 400 : 0;
    }
    *complete = line.len == 0;
    *more = !*complete;
    return *complete ? 0 : read_trailer(x, line);
}

static int read_chunks(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    struct str rest = { bytes, len };
    bool more = true;
    int status = 0;

    *complete = false;
    while (more && status == 0)
        status = step(x, &rest, &more, complete);
    *used = len - rest.len;
    x->body_raw += *used;
    if (status)
        return status;
    x->failed_why = "the chunked body's framing is out of proportion";
    return x->body_raw + (*complete ? 0 : rest.len) - x->body.len > LIMIT_HTTP_HEAD + 8 * x->body.len ? 413 : 0;
}

static int read_sized(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    struct str rest = { bytes, len };
    int status = read_data(x, &rest);

    *used = len - rest.len;
    x->body_raw += *used;
    *complete = x->body_left == 0;
    return status;
}

void http_body_expect_chunks(struct exchange *x)
{
    x->chunk_step = CHUNK_SIZE;
    x->chunked = true;
}

int http_body_parse(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete)
{
    return (x->chunked ? read_chunks : read_sized)(x, bytes, len, used, complete);
}
