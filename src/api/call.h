#ifndef MUSTER_API_CALL_H
#define MUSTER_API_CALL_H

#include "api/api.h"
#include "api/past_rows.h"
#include "api/route.h"
#include "base/json_out.h"
#include "net/http_static.h"
#include "registry/audit.h"

/* One call of the API, from the check of its caller to its answer. It lives in the exchange's arena. Like the
 * exchange, it is used by one thread at a time. */

struct api {
    struct api_options parts;    /* what handlers work with */
    struct http_table tables[2]; /* /v1, /openapi.json */
    struct http_route *routes;
    struct http_made documents[LANG_COUNT]; /* openapi.json */
    struct past_rows *past;                 /* rows of histories */
};

struct api_call {
    const struct api *api;
    struct http_exchange *ex;
    const struct api_route *route;       /* NULL: no route matched */
    uint64_t request;                    /* X-Request-Id */
    struct fleet_enterprise *enterprise; /* the caller; NULL while unknown */
    const struct fleet_product *product; /* the token's product; NULL without a token */
    int64_t now_s;                       /* when the caller was identified, Unix seconds */
    enum quota_taken quota;
    int64_t quota_reset; /* Unix seconds */
    bool away;           /* it is answered by api_finish, whatever its route says */
    void *args;          /* the route's own argument struct; NULL if it has none */
    const char *detail;  /* of the error that will be answered; NULL = none */
    struct job job;      /* used by api.c while the call waits for a worker */
};

/* Sets detail_message for the error and returns the error. If there is no memory, the answer has no detail. */
enum api_error api_refuse(struct api_call *call, enum api_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A store failed: logs it and returns `error`. `error` is API_INTERNAL, or API_JOURNAL_FAILED for
 * the journal. */
enum api_error api_store_failed(struct api_call *call, enum api_error error, const char *what, enum mu_err err);

/* Waits until the fleet shows what was written to the registry, so that a caller finds what he has written. */
MU_MUST_USE enum api_error api_follow(struct api_call *call);

/* In whose name the call changes something, for the audit log. The caller must be known. */
struct audit_by api_audit_by(const struct api_call *call);

/* Returns the writer of a JSON answer with this status. */
struct json_out api_answer(struct api_call *call, int status);

/* Prepares the response for sending: writes the error's body if there is an error. */
void api_complete(struct api_call *call, enum api_error error);

/* Sends the answer of a DEFERRED route: the error, or with API_OK what the handler has written. Any thread. The call
 * is freed by this. */
void api_finish(struct api_call *call, enum api_error error);

#endif
