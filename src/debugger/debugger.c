#include "debugger/debugger.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_in.h"
#include "debugger/files.h"

/* Nothing is loaded from elsewhere, nothing is inline, and nothing is sent to other servers. data: is needed by
 * pictures in Swagger UI's style sheet. */
#define CONTENT_SECURITY_POLICY                                                       \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct debugger {
    struct http_route routes[2];
    struct http_table table;
    struct str demo; /* owned; at NULL: none */
};

static enum http_before before(struct http_exchange *ex)
{
    http_add_header(ex, "Content-Security-Policy", "%s", CONTENT_SECURITY_POLICY);
    http_add_header(ex, "X-Content-Type-Options", "nosniff");
    http_add_header(ex, "X-Frame-Options", "DENY");
    http_add_header(ex, "Referrer-Policy", "no-referrer");
    http_add_header(ex, "Cross-Origin-Opener-Policy", "same-origin");
    http_add_header(ex, "Cross-Origin-Resource-Policy", "same-origin");
    return HTTP_GO_ON;
}

static void write_error(struct http_exchange *ex, int status, const char *detail)
{
    ex->res.status = status;
    ex->res.content_type = "text/plain; charset=utf-8";
    if (!detail)
        detail = status == 405 ? "this page can only be read" : "there is no such page";
    buf_printf(&ex->res.body, "%s\n", detail);
}

/* --- files ----------------------------------------------------------------------------------------*/
static const struct http_static *find(struct str name)
{
    for (size_t i = 0; i < debugger_file_count; i++)
        if (str_eq(name, str_of(debugger_files[i].name)))
            return &debugger_files[i].content;
    return NULL;
}

/* --- the two routes -------------------------------------------------------------------------------*/

/* The addresses in the page are relative, so that they work when a reverse proxy adds a prefix before /docs. Hence
 * the page is only at /docs/. demo.html is the same page with the demo's button. */
static void get_page(struct http_exchange *ex)
{
    const struct debugger *d = ex->ctx;
    struct str path = ex->req.path, query = ex->req.query;

    if (str_eq(path, STR("/docs/"))) {
        http_send_static(ex, find(d->demo.at ? STR("demo.html") : STR("index.html")));
    } else if (str_eq(path, STR("/docs"))) {
        ex->res.status = 308;
        http_add_header(ex, "Location", "docs/%s%.*s", query.len ? "?" : "", (int)query.len, query.at);
    } else {
        write_error(ex, 404, "the page is at /docs/");
    }
}

static void get_file(struct http_exchange *ex)
{
    const struct debugger *d = ex->ctx;
    struct str name = ex->req.captures[0];
    const struct http_static *file = find(name);

    if (d->demo.at && str_eq(name, STR("demo.json"))) {
        http_add_header(ex, "Cache-Control", "no-store");
        ex->res.content_type = "application/json; charset=utf-8";
        ex->res.constant = d->demo;
    } else if (file && strcmp(file->content_type, "text/html; charset=utf-8") != 0) {
        http_send_static(ex, file);
    } else {
        write_error(ex, 404, "there is no such file");
    }
}

/* --- setting up -----------------------------------------------------------------------------------*/
static enum mu_err check_demo(struct str demo, char *why, size_t why_size)
{
    static const char *const names[] = { "enterprise_id", "enterprise_secret", "product_key", "product_secret" };
    json_error_t error;
    json_t *content = json_read(demo, JSON_REJECT_DUPLICATES, &error);
    enum mu_err err = MU_OK;

    if (!content) {
        snprintf(why, why_size, "line %d: %s", error.line, error.text);
        return MU_E_SYNTAX;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == MU_OK; i++) {
        if (!json_is_string(json_object_get(content, names[i]))) {
            snprintf(why, why_size, "it is not an object with a text %s", names[i]);
            err = MU_E_SYNTAX;
        }
    }
    json_decref(content);
    return err;
}

enum mu_err debugger_create(struct debugger **out, struct str demo, char *why, size_t why_size)
{
    enum mu_err err = demo.at ? check_demo(demo, why, why_size) : MU_OK;

    if (err != MU_OK)
        return err;
    struct debugger *d = calloc(1, sizeof(*d));
    char *copy = demo.at ? malloc(demo.len) : NULL;
    if (!d || (demo.at && !copy)) {
        free(d);
        free(copy);
        return MU_E_NOMEM;
    }
    if (copy)
        d->demo = (struct str){ memcpy(copy, demo.at, demo.len), demo.len };
    d->routes[0] = (struct http_route){ .method = HTTP_M_GET, .path = "/docs", .where = HTTP_FAST, .handle = get_page };
    d->routes[1] =
        (struct http_route){ .method = HTTP_M_GET, .path = "/docs/{file}", .where = HTTP_FAST, .handle = get_file };
    d->table = (struct http_table){
        .prefix = "/docs", .routes = d->routes, .count = 2, .ctx = d, .error = write_error, .before = before
    };
    *out = d;
    return MU_OK;
}

struct http_table *debugger_http_table(struct debugger *d)
{
    return &d->table;
}

void debugger_destroy(struct debugger *d)
{
    if (d)
        free((char *)d->demo.at);
    free(d);
}
