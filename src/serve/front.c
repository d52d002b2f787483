#include "serve/front.h"

#include "base/version.h"
#include "serve/health.h"

static void write_front(struct http_exchange *ex)
{
    ex->res.content_type = "text/plain; charset=utf-8";
    buf_printf(&ex->res.body,
               "This is the operator's port of muster %s.\n\n"
               "/metrics   figures, in Prometheus' text form\n"
               "/healthz   200 while reports are kept, 503 while they cannot be\n",
               version_text);
}

/* The address is relative, so that it works behind a reverse proxy that adds a prefix. 302, not 301: we may change
 * it. */
static void lead_to_docs(struct http_exchange *ex)
{
    ex->res.status = 302;
    http_add_header(ex, "Location", "docs/");
}

static struct http_route ops_route = { .method = HTTP_M_GET, .path = "/", .where = HTTP_FAST, .handle = write_front };
static struct http_table ops_table = { .prefix = "/", .routes = &ops_route, .count = 1, .error = health_write_error };
static struct http_route public_route = {
    .method = HTTP_M_GET, .path = "/", .where = HTTP_FAST, .handle = lead_to_docs
};
static struct http_table public_table = { .prefix = "/", .routes = &public_route, .count = 1 };

struct http_table *front_ops_table(void)
{
    return &ops_table;
}

struct http_table *front_public_table(void (*error)(struct http_exchange *ex, int status, const char *detail))
{
    public_table.error = error;
    return &public_table;
}
