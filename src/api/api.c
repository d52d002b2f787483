#include "api/api.h"

#include <assert.h>
#include <stdlib.h>

#include "api/answer.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/call.h"
#include "api/cors.h"
#include "api/openapi.h"
#include "api/params.h"
#include "journal/journal_nodes.h"

/* How a call is served: `before` (on the loop) gives it a number and checks its caller; if that must wait, a worker checks
 * him. Then `run` (on the loop, or on a worker if the call may wait) reads its parameters and calls the handler. */

enum { BODY_ON_LOOP = 16 * 1024 };

/* clang-format off: a table */
const struct api_chapter *const api_chapters[] = {
    &chapter_token,
    &chapter_product,
    &chapter_user,
    &chapter_device,
    &chapter_device_search,
    &chapter_control,
    &chapter_device_online,
    &chapter_device_log,
    &chapter_device_agg,
    &chapter_group,
    &chapter_binding,
    &chapter_device_report,
    &chapter_device_rows,
    &chapter_device_history,
    &chapter_fault_report,
    &chapter_user_report,
    &chapter_enterprise_report,
    &chapter_openapi,
    NULL,
};
/* clang-format on */

/* What this node shows may be old by now. */
static enum api_error check_late(struct api_call *call)
{
    const struct api_options *parts = &call->api->parts;

    if (!parts->is_late || call->route->auth == AUTH_NONE || !parts->is_late(parts->nodes))
        return API_OK;
    return api_refuse(call, API_UNAVAILABLE, "this node has not reached the store for some seconds; ask another one");
}

/* *body must stay alive as long as the handler runs, since its parameters point into it. It is NULL if there is
 * none. */
static enum api_error read_request(struct api_call *call, json_t **body)
{
    const struct api_route *route = call->route;
    enum api_error error;

    if (route->args_size) {
        call->args = arena_alloc(&call->ex->arena, route->args_size);
        if (!call->args)
            return API_INTERNAL;
    }
    bool empty = route->body_optional && call->ex->req.body.len == 0;
    if (params_in_body(route) && !empty && (error = body_read(call, body)) != API_OK)
        return error;
    return params_read(call, *body);
}

static void run(struct http_exchange *ex)
{
    struct api_call *call = ex->user;
    const struct api_route *route = call->route;
    json_t *body = NULL;
    enum api_error error = read_request(call, &body);

    if (error == API_OK)
        error = route->handle(call);
    json_decref(body);
    /* If a deferred handler succeeded, the call may be freed by now. */
    if (route->where == HTTP_DEFERRED && error == API_OK)
        return;
    if (route->refused)
        route->refused(call, error);
    if (route->where == HTTP_DEFERRED || call->away)
        api_finish(call, error);
    else
        api_complete(call, error);
}

/* --- moving to a worker ---------------------------------------------------------------------------*/
static struct api_call *call_of(struct job *job)
{
    return (struct api_call *)((char *)job - offsetof(struct api_call, job));
}

static void hand_to_worker(struct api_call *call, void (*what)(struct job *job))
{
    assert(!call->job.run);
    call->job.run = what;
    workers_submit(call->api->parts.workers, &call->job);
}

static void run_whole(struct job *job)
{
    run(call_of(job)->ex);
}

/* Its caller is known, but not yet whether a call of his is left: that may wait for the store. */
static void check_and_run(struct job *job)
{
    struct api_call *call = call_of(job);

    call->away = true;
    call->detail = NULL;
    enum api_error error = auth_check(call);
    if (error == API_OK)
        run(call->ex);
    else
        api_finish(call, error);
}

static enum http_before before(struct http_exchange *ex)
{
    const struct api *api = ex->ctx;
    struct api_call *call = arena_alloc(&ex->arena, sizeof(*call));

    ex->user = call;
    if (!call) {
        answer_error(ex, API_INTERNAL, NULL);
        return HTTP_ANSWERED;
    }
    call->api = api;
    call->ex = ex;
    call->request = answer_next_request();
    answer_add_request_id(ex, call->request);
    if (api->parts.cors_origin)
        cors_add_headers(ex, api->parts.cors_origin);
    if (!ex->route)
        return HTTP_GO_ON;
    call->route = ex->route->meta;
    enum api_error error = check_late(call);
    if (error == API_OK)
        error = auth_check(call);
    if (call->quota == QUOTA_WAIT) {
        hand_to_worker(call, check_and_run);
        return HTTP_TAKEN_OVER;
    }
    if (error != API_OK)
        api_complete(call, error);
    return error == API_OK ? HTTP_GO_ON : HTTP_ANSWERED;
}

/* Parsing a large body takes long (1 MiB of numbers: 85 ms). It must not keep the loop from its sessions. Nor must a
 * store that is asked what another node's device has reported. */
static void run_deferred(struct http_exchange *ex)
{
    const struct api *api = ex->ctx;

    if (ex->req.body.len > BODY_ON_LOOP || journal_is_shared(api->parts.journal))
        hand_to_worker(ex->user, run_whole);
    else
        run(ex);
}

static void run_handler(struct job *job)
{
    struct api_call *call = call_of(job);

    api_finish(call, call->route->handle(call));
}

/* For a route whose `waits` decides: calls that wait go to a worker, the others stay on the loop. */
static void run_or_wait(struct http_exchange *ex)
{
    struct api_call *call = ex->user;
    json_t *body = NULL;
    enum api_error error = read_request(call, &body);

    if (error == API_OK && call->route->waits(call)) {
        hand_to_worker(call, run_handler);
        return;
    }
    api_finish(call, error == API_OK ? call->route->handle(call) : error);
}

/* --- setting up ------------------------------------------------------------------------------- */
static size_t count_routes(void)
{
    size_t n = 0;

    EACH_ROUTE(chapter, route)
    n++;
    return n;
}

static struct http_route http_route_of(const struct api_route *route)
{
    struct http_route http = {
        .method = route->method, .path = route->path, .where = route->where, .handle = run, .meta = route
    };

    if (route->waits) {
        http.where = HTTP_DEFERRED;
        http.handle = run_or_wait;
    } else if (route->where == HTTP_DEFERRED) {
        http.handle = run_deferred;
    }
    return http;
}

/* Makes the table of all routes under a prefix, and writes these routes to `routes`. */
static struct http_table table_of(struct api *api, const char *prefix, struct http_route *routes)
{
    struct http_table table = {
        .prefix = prefix, .routes = routes, .ctx = api, .error = answer_failure, .before = before
    };

    EACH_ROUTE(chapter, route)
    {
        if (str_starts(str_of((*route)->path), str_of(prefix)))
            routes[table.count++] = http_route_of(*route);
    }
    return table;
}

enum mu_err api_create(struct api **out, const struct api_options *options)
{
    struct api *api = calloc(1, sizeof(*api));
    enum mu_err err;

    if (!api)
        return MU_E_NOMEM;
    api->parts = *options;
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        if ((err = openapi_make(&api->documents[lang], (enum lang)lang)) != MU_OK)
            goto out;
    }
    if ((err = past_rows_create(&api->past)) != MU_OK)
        goto out;
    err = MU_E_NOMEM;
    api->routes = calloc(count_routes(), sizeof(*api->routes));
    if (!api->routes)
        goto out;
    api->tables[0] = table_of(api, "/v1", api->routes);
    api->tables[1] = table_of(api, "/openapi.json", api->routes + api->tables[0].count);
    assert(api->tables[0].count + api->tables[1].count == count_routes());
    *out = api;
    return MU_OK;
out:
    api_destroy(api);
    return err;
}

size_t api_http_tables(struct api *api, struct http_table **out, size_t max)
{
    size_t n = 0;

    for (; n < max && n < sizeof(api->tables) / sizeof(api->tables[0]); n++)
        out[n] = &api->tables[n];
    return n;
}

void api_destroy(struct api *api)
{
    for (int lang = 0; lang < LANG_COUNT; lang++)
        http_made_free(&api->documents[lang]);
    past_rows_destroy(api->past);
    free(api->routes);
    free(api);
}

void api_write_error(struct http_exchange *ex, int status, const char *detail)
{
    answer_add_request_id(ex, answer_next_request());
    answer_failure(ex, status, detail);
}
