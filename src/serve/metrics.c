#include "serve/metrics_private.h"

#include <stdlib.h>

#include "base/version.h"
#include "command/backup_fact.h"
#include "serve/health.h"

static void write_page(struct http_exchange *ex)
{
    struct metrics *m = ex->ctx;
    struct buf *page = &ex->res.body;

    metrics_head(page, "muster_build_info", "gauge", "The running version, and the commit that it was built from.");
    buf_printf(page, "muster_build_info{version=\"%s\",commit=\"%s\"} 1\n", version_text, version_commit);
    metrics_write_process(m, page);
    metrics_write_stores(m, page);
    metrics_write_nodes(m, page);
    metrics_write_devices(m, page);
    metrics_write_http(m, page);
    ex->res.content_type = "text/plain; version=0.0.4; charset=utf-8";
}

void metrics_measure(struct metrics *m)
{
    struct metrics_measured now = m->measured; /* what cannot be measured, without a descriptor for it, stays */
    uint64_t open_fds = metrics_count_fds();
    struct backup_fact backup;

    if (open_fds)
        now.open_fds = open_fds;
    if (!m->from.stores->store)
        disk_use_read(m->from.stores->data.path, &now.disk);
    if (!m->from.stores->store && backup_fact_read(m->from.stores->registry, &backup) == MU_OK) {
        now.backup_at_s = backup.at_s;
        now.backup_bytes = backup.bytes;
    }
    pthread_mutex_lock(&m->lock);
    m->measured = now;
    pthread_mutex_unlock(&m->lock);
}

enum mu_err metrics_create(struct metrics **out, unsigned loop_count)
{
    struct metrics *m = *out = calloc(1, sizeof(*m));

    if (!m)
        return MU_E_NOMEM;
    pthread_mutex_init(&m->lock, NULL);
    m->loop_count = loop_count;
    m->started_s = metrics_process_start();
    m->route =
        (struct http_route){ .method = HTTP_M_GET, .path = "/metrics", .where = HTTP_FAST, .handle = write_page };
    m->table = (struct http_table){
        .prefix = "/metrics", .routes = &m->route, .count = 1, .ctx = m, .error = health_write_error
    };
    return metrics_requests_create(m);
}

void metrics_attach(struct metrics *m, const struct metrics_sources *from)
{
    m->from = *from;
    metrics_measure(m);
}

void metrics_destroy(struct metrics *m)
{
    if (!m)
        return;
    pthread_mutex_destroy(&m->lock);
    free(m->requests);
    free(m);
}

struct http_table *metrics_http_table(struct metrics *m)
{
    return &m->table;
}
