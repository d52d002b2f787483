#include "serve/front.h"

#include "serve/health.h"

static void write_front(struct http_exchange *ex)
{
    ex->res.content_type = "text/plain; charset=utf-8";
    buf_append_str(&ex->res.body, "This is the operator's port of muster " MUSTER_VERSION ".\n\n"
                                  "/metrics   figures, in Prometheus' text form\n"
                                  "/healthz   200 while reports are kept, 503 while the disk is full\n");
}

static struct http_route route = { .method = HTTP_M_GET, .path = "/", .where = HTTP_FAST,
                                   .handle = write_front };
static struct http_table table = { .prefix = "/", .routes = &route, .count = 1,
                                   .error = health_write_error };

struct http_table *front_http_table(void)
{
    return &table;
}
