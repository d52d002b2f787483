#ifndef MUSTER_API_ROUTE_H
#define MUSTER_API_ROUTE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet/fleet.h"
#include "model/api_error.h"
#include "net/http.h"

/* How a route is declared, beside its handler. Routing, the checks of the caller's input, and the OpenAPI document
 * all come from the declaration. A handler sees only checked, typed values. */

struct api_call;

/* A text for people, in both languages of the API document. */
enum lang { LANG_EN, LANG_ZH, LANG_COUNT };
struct words {
    const char *zh, *en;
};

/* How a caller identifies himself (contract, "auth"). */
enum auth {
    AUTH_NONE,
    AUTH_TOKEN,   /* Authorization: token …, bound to the product_key of the path */
    AUTH_HEADERS, /* X-Gizwits-Enterprise-ID and -Secret, or a token */
    AUTH_BODY,    /* the handler finds it in the body's fields (access_token) */
};

/* --- what a caller sends --------------------------------------------------------------------------
 * A parameter is read into a field of the handler's arguments. ARG's kind in a row is one of these:
 *
 *   kind     field                absent   value
 *   PRODUCT  none                          the path's product_key; the check of the caller reads it
 *   DEVICE   struct fleet_device           a did of the product; otherwise 5301, 5302
 *   GROUP    uint32_t             0        a gid of the product, as its number; otherwise 5206, 5201
 *   ID       struct str           at NULL  any text; a malformed id is treated as unknown
 *   TEXT     struct str           at NULL  UTF-8
 *   INT      int64_t              fallback min … max
 *   FLAG     enum fleet_tri       FLEET_ANY      0, 1; true, false (in a query: upper or lower case)
 *   CHOICE   int                  fallback index in `choices`
 *   JSON     const json_t *       NULL     a field of the body of any shape, described by `schema`; it
 *                                          lives until the handler returns
 *
 * A text from the body lives until the handler returns, other texts as long as the exchange. */
enum param_in { IN_PATH, IN_QUERY, IN_HEADER, IN_BODY };
enum param_type {
    PARAM_PRODUCT,
    PARAM_DEVICE,
    PARAM_GROUP,
    PARAM_ID,
    PARAM_TEXT,
    PARAM_INT,
    PARAM_FLAG,
    PARAM_CHOICE,
    PARAM_JSON,
};
#define FIELD_OF_DEVICE struct fleet_device
#define FIELD_OF_GROUP  uint32_t
#define FIELD_OF_ID     struct str
#define FIELD_OF_TEXT   struct str
#define FIELD_OF_INT    int64_t
#define FIELD_OF_FLAG   enum fleet_tri
#define FIELD_OF_CHOICE int
#define FIELD_OF_JSON   const json_t *

enum { OPTIONAL = 0, REQUIRED = 1 };

enum { PARAM_MAX = 24 }; /* in one route */

struct param {
    const char *name;
    enum param_in in;
    enum param_type type;
    size_t offset; /* of the field in the handler's arguments */
    bool required;
    struct words text;
    const char *example; /* as a caller types it; JSON text for PARAM_JSON */
    int64_t min, max, fallback;
    const char *const *choices; /* ended by NULL */
    const char *schema;         /* PARAM_JSON: a JSON schema */
};

/* The kind of a parameter and its field. Does not compile if the field has the wrong type. */
#define ARG(kind, args, field)        \
    .type = PARAM_##kind,             \
    .offset = offsetof(args, field) + \
              0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((args *)0)->field), FIELD_OF_##kind) ? 1 : -1])

/* Rows that many routes share. Path parameters must stand in the order of the path's captures. */
/* clang-format off */
#define PRODUCT_KEY                                                                                  \
    { .name = "product_key", .in = IN_PATH, .type = PARAM_PRODUCT, .required = true,                 \
      .text = { "产品标识符", "Product key" }, .example = "6f2e214bf2d79649232431b94a25f46a" }
/* clang-format on */
/* clang-format off */
#define DID(args)                                                                                    \
    { "did", IN_PATH, ARG(DEVICE, args, device), REQUIRED, { "设备 id", "Device id" },               \
      "kYkSE2xspYjocBhaUHdM5k" }
/* clang-format on */

/* --- the answer -------------------------------------------------------------------------------------*/
enum field_type {
    FIELD_TEXT,
    FIELD_INT,
    FIELD_NUMBER,
    FIELD_BOOL,
    FIELD_OBJECT,
    FIELD_ARRAY, /* of objects */
    FIELD_TEXTS, /* an array of texts */
};

/* How a field may be missing: present with null (tables write it as true, too), or not in every answer. */
enum { MAY_BE_NULL = 1, MAY_BE_ABSENT = 2 };

struct field {
    const char *name; /* NULL ends a list */
    enum field_type type;
    unsigned may;
    struct words text;
    const char *example;        /* JSON text; not needed if `fields` have examples */
    const struct field *fields; /* of an object, or of an array's objects; NULL = anything */
};

/* --- a route ----------------------------------------------------------------------------------------*/
struct api_route {
    enum http_method method;
    const char *path;
    enum auth auth;
    enum http_where where;

    /* Writes the answer (answer.h) or returns an error; api_refuse adds a detail. With HTTP_DEFERRED, API_OK means
     * that the answer is sent later, by api_finish. */
    enum api_error (*handle)(struct api_call *call);
    /* Optional: checks what several parameters say together (5002). Runs before the objects that they name are
     * looked up. */
    enum api_error (*check)(struct api_call *call);
    /* Optional: only calls for which it returns true wait for a store; they go to a worker, the others are answered
     * on the loop, whatever `where` says. Not for a route with parameters in a body. */
    bool (*waits)(const struct api_call *call);

    /* Optional, with HTTP_DEFERRED: is called with the error if a call of a known caller is refused before the
     * handler has taken it over. */
    void (*refused)(struct api_call *call, enum api_error error);

    const struct param *params;
    size_t param_count;
    size_t args_size;         /* of call->args */
    const char *body_example; /* JSON text */
    bool body_optional;       /* an empty body counts as one without fields */

    int status;                 /* of a successful answer; 0 = 200 */
    const struct field *fields; /* of the answer, or of its rows; NULL = {} */
    bool paged;                 /* {meta, objects: [rows]} */
    /* Instead of fields, for an answer that fields cannot describe: a JSON schema and an example. */
    const char *answer_schema, *answer_example;
    const enum api_error *errors; /* in addition to those that follow from auth and params; ended by API_OK */

    struct words summary;
    struct words about; /* what the summary does not say; NULL = nothing */
};

/* Declares the handler and its route, `<handler>_route`. The chapter's list must name the route; one that is not
 * listed is an unused variable for the compiler. */
#define ROUTE(handler, verb, url, caller, runs, ...)                           \
    static enum api_error handler(struct api_call *call);                      \
    static const struct api_route handler##_route = { .method = HTTP_M_##verb, \
                                                      .path = url,             \
                                                      .auth = AUTH_##caller,   \
                                                      .where = HTTP_##runs,    \
                                                      .handle = handler,       \
                                                      __VA_ARGS__ }
#define PARAMS(list) .params = list, .param_count = sizeof(list) / sizeof(list[0])
#define ARGS(type)   .args_size = sizeof(type)
#define ERRORS(...)                    \
    .errors = (const enum api_error[]) \
    {                                  \
        __VA_ARGS__, API_OK            \
    }

/* A chapter of the API document. Several files may form one; then they have the same name. */
struct api_chapter {
    struct words name;
    const struct api_route *const *routes; /* ended by NULL */
};
#define ROUTES(...)                             \
    .routes = (const struct api_route *const[]) \
    {                                           \
        __VA_ARGS__, NULL                       \
    }

extern const struct api_chapter chapter_token, chapter_product, chapter_user, chapter_device, chapter_device_search,
    chapter_control, chapter_device_online, chapter_device_log, chapter_device_agg, chapter_group, chapter_binding,
    chapter_device_report, chapter_device_rows, chapter_device_history, chapter_fault_report, chapter_user_report,
    chapter_enterprise_report, chapter_openapi;

/* All chapters, in the document's order, ended by NULL. */
extern const struct api_chapter *const api_chapters[];

#define EACH_ROUTE(chapter, route)                                                     \
    for (const struct api_chapter *const *chapter = api_chapters; *chapter; chapter++) \
        for (const struct api_route *const *route = (*chapter)->routes; *route; route++)

#endif
