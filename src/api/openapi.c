#include "api/openapi.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/params.h"

/* Writes the OpenAPI document from the routes' declarations: paths, operations, answers, tags. */

/* A document of a hundred routes has 500 KiB. */
enum { DOCUMENT_MAX = 4 * 1024 * 1024 };

const char *openapi_words(const struct words *w, enum lang lang)
{
    return lang == LANG_ZH ? w->zh : w->en;
}

static void write_words(struct json_out *j, const char *key, const struct words *w, enum lang lang)
{
    json_put_text(j, key, openapi_words(w, lang));
}

static const char *method_name(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_M_GET] = "get", [HTTP_M_POST] = "post", [HTTP_M_PUT] = "put", [HTTP_M_DELETE] = "delete"
    };

    assert((size_t)method < sizeof(names) / sizeof(names[0]) && names[method]);
    return names[method];
}

void openapi_operation_id(const struct api_route *route, char out[OPENAPI_ID_MAX])
{
    int len = snprintf(out, OPENAPI_ID_MAX, "%s", method_name(route->method));

    for (const char *at = route->path; *at && len < OPENAPI_ID_MAX - 2; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (letter)
            out[len++] = *at;
        else if (out[len - 1] != '_' && at[1])
            out[len++] = '_';
    }
    out[len] = '\0';
}

/* --- answers ---------------------------------------------------------------------------------- */
static void write_header_refs(struct json_out *j, const struct api_route *route)
{
    static const char *const of_caller[] = { "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", NULL };

    json_put_object(j, "headers");
    json_put_raw(j, "X-Request-Id", STR("{\"$ref\":\"#/components/headers/X-Request-Id\"}"));
    for (const char *const *name = of_caller; *name && route->auth != AUTH_NONE; name++) {
        char ref[64];
        snprintf(ref, sizeof(ref), "#/components/headers/%s", *name);
        json_put_object(j, *name);
        json_put_text(j, "$ref", ref);
        json_object_end(j);
    }
    json_object_end(j);
}

static void write_success(struct json_out *j, const struct api_route *route, enum lang lang)
{
    static const struct words success = { "成功", "Success" };
    char status[8];

    snprintf(status, sizeof(status), "%d", route->status ? route->status : 200);
    json_put_object(j, status);
    write_words(j, "description", &success, lang);
    write_header_refs(j, route);
    json_put_object(j, "content");
    json_put_object(j, "application/json");
    json_key(j, "schema");
    openapi_write_answer_schema(j, route, lang);
    json_key(j, "example");
    openapi_write_answer_example(j, route);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void write_error_example(struct json_out *j, const struct api_error_row *row)
{
    char code[8];

    snprintf(code, sizeof(code), "%d", row->code);
    json_put_object(j, code);
    json_put_text(j, "summary", row->message);
    json_put_object(j, "value");
    json_put_text(j, "error_message", row->message);
    json_put_int(j, "error_code", row->code);
    json_put_null(j, "detail_message");
    json_object_end(j);
    json_object_end(j);
}

/* Errors with the same status share a response. */
static void write_failure(struct json_out *j, const struct api_route *route, const bool can[API_ERROR_COUNT],
                          int status)
{
    char text[1024], key[8];
    size_t len = 0;

    for (int e = API_OK + 1; e < API_ERROR_COUNT; e++) {
        const struct api_error_row *row = api_error_row((enum api_error)e);
        if (can[e] && row->status == status && len < sizeof(text))
            len +=
                (size_t)snprintf(text + len, sizeof(text) - len, "%s%d %s", len ? "; " : "", row->code, row->message);
    }
    assert(len < sizeof(text));
    if (len == 0)
        return;
    snprintf(key, sizeof(key), "%d", status);
    json_put_object(j, key);
    json_put_text(j, "description", text);
    write_header_refs(j, route);
    json_put_object(j, "content");
    json_put_object(j, "application/json");
    json_put_raw(j, "schema", STR("{\"$ref\":\"#/components/schemas/Error\"}"));
    json_put_object(j, "examples");
    for (int e = API_OK + 1; e < API_ERROR_COUNT; e++) {
        if (can[e] && api_error_row((enum api_error)e)->status == status)
            write_error_example(j, api_error_row((enum api_error)e));
    }
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void write_responses(struct json_out *j, const struct api_route *route, enum lang lang)
{
    bool can[API_ERROR_COUNT];

    openapi_route_errors(route, can);
    json_put_object(j, "responses");
    write_success(j, route, lang);
    for (int status = 400; status < 600; status++)
        write_failure(j, route, can, status);
    json_object_end(j);
}

/* --- operations ------------------------------------------------------------------------------- */
static void write_operation(struct json_out *j, const struct api_chapter *chapter, const struct api_route *route,
                            enum lang lang)
{
    static const char *const security[] = {
        [AUTH_NONE] = "[]",
        [AUTH_TOKEN] = "[{\"token\":[]}]",
        [AUTH_HEADERS] = "[{\"enterprise_id\":[],\"enterprise_secret\":[]},{\"token\":[]}]",
        [AUTH_BODY] = "[]",
    };
    char id[OPENAPI_ID_MAX];

    json_put_object(j, method_name(route->method));
    json_put_array(j, "tags");
    json_text(j, openapi_words(&chapter->name, lang));
    json_array_end(j);
    write_words(j, "summary", &route->summary, lang);
    if (route->about.en)
        write_words(j, "description", &route->about, lang);
    openapi_operation_id(route, id);
    json_put_text(j, "operationId", id);
    json_put_raw(j, "security", str_of(security[route->auth]));
    openapi_write_params(j, route, lang);
    if (params_in_body(route))
        openapi_write_body(j, route, lang);
    write_responses(j, route, lang);
    json_object_end(j);
}

static bool is_first_of_its_path(const struct api_route *wanted)
{
    EACH_ROUTE(chapter, route)
    {
        if (strcmp((*route)->path, wanted->path) == 0)
            return *route == wanted;
    }
    return false;
}

static void write_paths(struct json_out *j, enum lang lang)
{
    json_put_object(j, "paths");
    EACH_ROUTE(first_chapter, first)
    {
        if (!is_first_of_its_path(*first))
            continue;
        json_put_object(j, (*first)->path);
        EACH_ROUTE(chapter, route)
        {
            if (strcmp((*route)->path, (*first)->path) == 0)
                write_operation(j, *chapter, *route, lang);
        }
        json_object_end(j);
    }
    json_object_end(j);
}

/* --- what all operations share ----------------------------------------------------------------------*/
static void write_tags(struct json_out *j, enum lang lang)
{
    const char *before = "";

    json_put_array(j, "tags");
    for (const struct api_chapter *const *c = api_chapters; *c; c++) {
        const char *name = openapi_words(&(*c)->name, lang);
        if (strcmp(name, before) != 0) { /* files of the same chapter are neighbours */
            json_object_begin(j);
            json_put_text(j, "name", name);
            json_put_object(j, "x-names"); /* so that a link may name the chapter in either language */
            json_put_text(j, "zh", (*c)->name.zh);
            json_put_text(j, "en", (*c)->name.en);
            json_object_end(j);
            json_object_end(j);
        }
        before = name;
    }
    json_array_end(j);
}

static void write_info(struct json_out *j, enum lang lang)
{
    static const struct words title = { "muster 企业 API", "muster enterprise API" };
    static const struct words about = {
        "企业系统通过本接口查询、搜索和控制其设备。请求体为 JSON（不论 Content-Type）；时间戳为 Unix 秒。"
        "失败时返回 error_message、error_code 和 detail_message。",
        "How the systems of an enterprise find, read and control its devices. A request's body is JSON, "
        "whatever its Content-Type says; timestamps are Unix seconds. A failure answers error_message, "
        "error_code and detail_message.",
    };

    json_put_object(j, "info");
    write_words(j, "title", &title, lang);
    write_words(j, "description", &about, lang);
    json_put_text(j, "version", "1");
    json_object_end(j);
}

enum mu_err openapi_write(struct buf *out, enum lang lang)
{
    buf_init(out, DOCUMENT_MAX);
    struct json_out j = json_out_to(out);

    json_object_begin(&j);
    json_put_text(&j, "openapi", "3.1.0");
    write_info(&j, lang);
    json_put_raw(&j, "servers", STR("[{\"url\":\"/\"}]"));
    write_tags(&j, lang);
    write_paths(&j, lang);
    openapi_write_components(&j, lang);
    json_object_end(&j);
    return out->err;
}
