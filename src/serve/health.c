#include "serve/health.h"

static void write_health(struct http_exchange *ex)
{
    const struct health *h = ex->ctx;
    enum mu_err err = committer_failing(h->committer);

    /* The API answers 503 as well. */
    if (err == MU_OK && h->nodes && nodes_is_late(h->nodes))
        err = MU_E_TIMEOUT;

    ex->res.status = err == MU_OK ? 200 : 503;
    ex->res.content_type = "application/json; charset=utf-8";
    buf_printf(&ex->res.body, "{\"status\":\"%s\"}",
               err == MU_OK       ? "ok"
               : err == MU_E_FULL ? "disk_full"
                                  : "store_failed");
}

void health_write_error(struct http_exchange *ex, int status, const char *detail)
{
    ex->res.status = status;
    ex->res.content_type = "text/plain; charset=utf-8";
    if (!detail)
        detail = status == 405 ? "this page can only be read" : "there is no such page; / lists them";
    buf_printf(&ex->res.body, "%s\n", detail);
}

void health_init(struct health *h, const struct committer *committer, const struct nodes *nodes)
{
    *h = (struct health){
        .committer = committer,
        .nodes = nodes,
        .route = { .method = HTTP_M_GET, .path = "/healthz", .where = HTTP_FAST, .handle = write_health },
    };
    h->table = (struct http_table){
        .prefix = "/healthz", .routes = &h->route, .count = 1, .ctx = h, .error = health_write_error
    };
}
