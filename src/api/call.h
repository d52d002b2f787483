#ifndef MUSTER_API_CALL_H
#define MUSTER_API_CALL_H

#include "api/api.h"
#include "api/past_rows.h"
#include "api/route.h"
#include "base/json_out.h"
#include "net/http_static.h"
#include "registry/audit.h"

/* One call of the API, from the check of its caller to its answer. It lives in the exchange's arena
 * and is touched by one thread at a time, as the exchange is. */

struct api {
    struct api_options parts;    /* what handlers stand on */
    struct http_table tables[2]; /* /v1, /openapi.json */
    struct http_route *routes;
    struct http_made documents[LANG_COUNT]; /* openapi.json */
    struct past_rows *past;                 /* of histories */
};

struct api_call {
    const struct api *api;
    struct http_exchange *ex;
    const struct api_route *route;       /* NULL: no route matched */
    uint64_t request;                    /* X-Request-Id */
    struct fleet_enterprise *enterprise; /* who calls; NULL while not known */
    const struct fleet_product *product; /* that of the token; NULL without one */
    int64_t now_s;                       /* when its caller was known, Unix seconds */
    bool over_quota;
    int64_t quota_reset; /* Unix seconds */
    void *args;          /* the route's own struct; NULL if it has none */
    const char *detail;  /* of the error to come; NULL = none */
    struct job job;      /* api.c's, while the call waits for a worker */
};

/* Gives the error its detail_message and returns it. Without memory for it, the answer has no detail. */
enum api_error api_refuse(struct api_call *call, enum api_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A store failed: logs what and returns `error`, which is API_INTERNAL or, for a reading journal,
 * API_JOURNAL_FAILED. */
enum api_error api_store_failed(struct api_call *call, enum api_error error, const char *what, enum mu_err err);

/* The fleet shows what was written to the registry: a caller finds what he has written. */
MU_MUST_USE enum api_error api_follow(struct api_call *call);

/* In whose name the call changes something; of a call whose caller is known. */
struct audit_by api_audit_by(const struct api_call *call);

/* The writer of a JSON answer with this status. */
struct json_out api_answer(struct api_call *call, int status);

/* Makes the response ready to be sent: the error's body, if there is one. */
void api_complete(struct api_call *call, enum api_error error);

/* Sends the answer of a DEFERRED route: the error, or with API_OK what the handler has written. Any
 * thread; the call is gone afterwards. */
void api_finish(struct api_call *call, enum api_error error);

#endif
