#ifndef MUSTER_SERVE_METRICS_H
#define MUSTER_SERVE_METRICS_H

#include "access/access.h"
#include "net/http.h"
#include "net/tls.h"
#include "ops/stores.h"

/* The operator's port: /metrics in Prometheus text form, and the counting of HTTP requests behind
 * it. */
struct metrics;

/* Who is asked when a page is drawn. They outlive the loops. */
struct metrics_sources {
    const struct http_server *http; /* whose requests are counted */
    const struct stores *stores;
    struct access *access;
    const struct tls_context *tls; /* NULL without TLS */
};

MU_MUST_USE enum mu_err metrics_create(struct metrics **out, unsigned loop_count);
/* Before the loops start, with the stores open. */
void metrics_attach(struct metrics *m, const struct metrics_sources *from);
/* Measures what a page shows that takes too long to look at for each one: sizes on disk, open descriptors, the last
 * backup. From time to time, on a thread that may block. */
void metrics_measure(struct metrics *m);
void metrics_destroy(struct metrics *m);

/* The http_server's done(): counts one request. Any loop of an index below loop_count, in its thread. */
void metrics_count_request(void *metrics, const struct http_exchange *ex, size_t bytes_sent);

/* Prefix "/metrics", for the operator's server. */
struct http_table *metrics_http_table(struct metrics *m);

#endif
