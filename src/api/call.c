#include "api/call.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "api/answer.h"
#include "base/log.h"

enum { DETAIL_MAX = 400 };

enum api_error api_refuse(struct api_call *call, enum api_error error, const char *format, ...)
{
    char text[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(error > API_OK && error < API_ERROR_COUNT);
    call->detail = arena_strndup(&call->ex->arena, text, strlen(text));
    return error;
}

enum api_error api_store_failed(struct api_call *call, enum api_error error, const char *what, enum mu_err err)
{
    assert(err != MU_OK);
    log_event(LOG_ERROR, "api_store_failed", "request=%016" PRIx64 " what=%s why=%s", call->request, LOG_Q(what, -1),
              LOG_Q(mu_err_text(err), -1));
    /* A caller is told the cause only if it passes by itself: a full disk. */
    if (err == MU_E_FULL)
        return api_refuse(call, error, "%s", mu_err_text(err));
    return error;
}

enum api_error api_follow(struct api_call *call)
{
    enum mu_err err = committer_follow_registry(call->api->parts.committer);

    return err == MU_OK ? API_OK : api_store_failed(call, API_INTERNAL, "show what was written", err);
}

struct audit_by api_audit_by(const struct api_call *call)
{
    assert(call->enterprise);
    return (struct audit_by){ .enterprise_id = call->enterprise->enterprise_id,
                              .request = call->request,
                              .command = "api" };
}

struct json_out api_answer(struct api_call *call, int status)
{
    return answer_json(call->ex, status);
}

void api_complete(struct api_call *call, enum api_error error)
{
    struct http_exchange *ex = call->ex;

    if (error != API_OK)
        answer_error(ex, error, call->detail);
    else if (ex->res.body.err != MU_OK)
        answer_error(ex, API_INTERNAL, NULL);
}

void api_finish(struct api_call *call, enum api_error error)
{
    api_complete(call, error);
    http_finish(call->ex);
}
