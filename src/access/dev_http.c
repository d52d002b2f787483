#include "access/dev_http.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* The routes under /dev and their answers. */

static struct http_route routes[] = {
    { .method = HTTP_M_POST, .path = "/dev/devices", .where = HTTP_SLOW, .handle = dev_register },
    { .method = HTTP_M_DELETE, .path = "/dev/devices", .where = HTTP_SLOW, .handle = dev_disable },
    { .method = HTTP_M_GET, .path = "/dev/devices/{did}", .where = HTTP_FAST, .handle = dev_provision },
    { .method = HTTP_M_POST,
      .path = "/dev/ota/v4.1/update_and_check/{did}",
      .where = HTTP_DEFERRED,
      .handle = dev_check_firmware },
};

void dev_answer(struct http_exchange *ex, int status, const char *format, ...)
{
    va_list args;

    ex->res.status = status;
    ex->res.content_type = "text/plain; charset=utf-8";
    va_start(args, format);
    buf_vprintf(&ex->res.body, format, args);
    va_end(args);
}

void dev_refuse(struct http_exchange *ex, int status, struct access_caller who, enum refusal_reason why)
{
    who.peer = ex->req.peer;
    dev_answer(ex, status, "%s", strstr(refusal_text(why), ": ") + 2);
    access_refused(ex->ctx, &who, why);
}

void dev_refuse_did(struct http_exchange *ex, struct str did, enum refusal_reason why)
{
    dev_refuse(ex, 404, (struct access_caller){ .name = did_valid(did) ? did : STR("") }, why);
}

bool dev_passcode_is_right(struct http_exchange *ex, const struct fleet_device *device, struct str passcode,
                           enum refusal_reason wrong, enum refusal_reason too_many)
{
    struct access *a = ex->ctx;
    enum guess guess = guesses_passcode(a->guesses, device, passcode, &ex->req.peer);

    if (guess != GUESS_RIGHT)
        dev_refuse(ex, guess == GUESS_WRONG ? 400 : 429,
                   (struct access_caller){ .name = str_of(device->did), .known = true, .product = device->product },
                   guess == GUESS_WRONG ? wrong : too_many);
    return guess == GUESS_RIGHT;
}

/* One line a second: while a store is away, every answer fails. */
static void log_failure(struct access *a, const char *what, enum mu_err err)
{
    uint32_t suppressed;

    if (log_limit_may(&a->failures, 1000, 1, clock_mono_ms(), &suppressed))
        log_event(LOG_WARN, "device_request_failed", "request=%s reason=\"%s\" suppressed=%u", what, mu_err_text(err),
                  suppressed);
}

void dev_answer_failure(struct http_exchange *ex, const char *what, enum mu_err err)
{
    log_failure(ex->ctx, what, err);
    dev_answer(ex, err == MU_E_FULL ? 503 : 500, "%s", mu_err_text(err));
}

static void write_error(struct http_exchange *ex, int status, const char *detail)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        { 404, "not found" },
        { 405, "method not allowed" },
        { 408, "request timeout" },
        { 413, "request body too large" },
        { 500, "internal server error" },
        { 503, "service unavailable" },
    };
    const char *text = "bad request";

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].status == status)
            text = texts[i].text;
    }
    dev_answer(ex, status, "%s", detail && *detail ? detail : text);
}

/* What this node knows may be old by now. */
static enum http_before before(struct http_exchange *ex)
{
    const struct access_options *o = &((const struct access *)ex->ctx)->options;
    bool late = o->is_late && o->is_late(o->nodes);

    if (late)
        write_error(ex, 503, NULL);
    return late ? HTTP_ANSWERED : HTTP_GO_ON;
}

void access_dev_init(struct access *a)
{
    a->http = (struct http_table){
        .prefix = "/dev",
        .routes = routes,
        .count = sizeof(routes) / sizeof(routes[0]),
        .ctx = a,
        .before = before,
        .error = write_error,
    };
    access_versions_init(a);
}

struct http_table *access_http_table(struct access *a)
{
    return &a->http;
}
