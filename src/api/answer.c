#include "api/answer.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/random.h"
#include "base/text.h"

/* Writes error bodies, and the headers that every answer has. */

const char answer_json_type[] = "application/json; charset=utf-8";

struct json_out answer_json(struct http_exchange *ex, int status)
{
    ex->res.status = status;
    ex->res.content_type = answer_json_type;
    buf_clear(&ex->res.body);
    return json_out_to(&ex->res.body);
}

static void write_error(struct http_exchange *ex, int status, int code, const char *message, const char *detail)
{
    struct json_out j = answer_json(ex, status);

    json_object_begin(&j);
    json_put_text(&j, "error_message", message);
    json_put_int(&j, "error_code", code);
    json_put_text(&j, "detail_message", detail);
    json_object_end(&j);
}

void answer_error(struct http_exchange *ex, enum api_error error, const char *detail)
{
    const struct api_error_row *row = api_error_row(error);

    assert(error > API_OK && error < API_ERROR_COUNT);
    write_error(ex, row->status, row->code, row->message, detail);
}

void answer_failure(struct http_exchange *ex, int status, const char *detail)
{
    for (int error = API_OK + 1; error < API_ERROR_COUNT; error++) {
        if (api_error_row((enum api_error)error)->code == status) {
            answer_error(ex, (enum api_error)error, detail);
            return;
        }
    }
    write_error(ex, status, status, status < 500 ? "bad request" : "internal server error", detail);
}

enum { TAKEN_AT_ONCE = 1024 };

static _Atomic uint64_t last_request;

static void start_counting(void)
{
    uint32_t process;

    random_bytes(&process, sizeof(process));
    last_request = (uint64_t)process << 32;
}

uint64_t answer_next_request(void)
{
    static pthread_once_t started = PTHREAD_ONCE_INIT;
    static _Thread_local uint64_t last;

    /* A thread takes 1024 numbers at a time, so that loops do not wait for each other's access to the counter. */
    if (last % TAKEN_AT_ONCE == 0) {
        pthread_once(&started, start_counting);
        last = atomic_fetch_add_explicit(&last_request, TAKEN_AT_ONCE, memory_order_relaxed);
    }
    return ++last;
}

void answer_add_request_id(struct http_exchange *ex, uint64_t request)
{
    static const struct str name = { "X-Request-Id: ", 14 };
    struct buf *out = &ex->res.headers;
    uint64_t bytes = htobe64(request);
    char *at = (char *)buf_reserve(out, name.len + 2 * sizeof(bytes) + 2);

    if (!at)
        return;
    memcpy(at, name.at, name.len);
    at += name.len;
    hex_encode((const uint8_t *)&bytes, sizeof(bytes), at);
    memcpy(at + 2 * sizeof(bytes), "\r\n", 2);
    out->len += name.len + 2 * sizeof(bytes) + 2;
}

void answer_add_number(struct http_exchange *ex, struct str name, uint64_t value)
{
    struct buf *out = &ex->res.headers;
    char digits[20], *end = digits + sizeof(digits);
    const char *from = decimal_before(end, value);
    size_t len = (size_t)(end - from);
    char *at = (char *)buf_reserve(out, name.len + 2 + len + 2);

    if (!at)
        return;
    memcpy(at, name.at, name.len);
    at += name.len;
    memcpy(at, ": ", 2);
    memcpy(at + 2, from, len);
    memcpy(at + 2 + len, "\r\n", 2);
    out->len += name.len + 2 + len + 2;
}
