#ifndef MUSTER_SERVE_METRICS_H
#define MUSTER_SERVE_METRICS_H

#include "access/access.h"
#include "net/http.h"
#include "net/tls.h"
#include "ops/stores.h"

/* The page /metrics of the operator's port, in Prometheus' text form, and the counters of HTTP requests that it
 * shows. */
struct metrics;

/* Where the figures of a page come from. These live longer than the loops. */
struct metrics_sources {
    const struct http_server *http; /* whose requests are counted */
    const struct stores *stores;
    struct access *access;
    const struct tls_context *tls; /* NULL without TLS */
};

MU_MUST_USE enum mu_err metrics_create(struct metrics **out, unsigned loop_count);
/* Call it before the loops start, with the stores open. */
void metrics_attach(struct metrics *m, const struct metrics_sources *from);
/* Measures the figures that take too long to measure for each page: sizes on disk, open descriptors, the last
 * backup. Call it from time to time, on a thread that may block. */
void metrics_measure(struct metrics *m);
void metrics_destroy(struct metrics *m);

/* The http_server's done(): counts one request. On the thread of a loop whose index is below loop_count. */
void metrics_count_request(void *metrics, const struct http_exchange *ex, size_t bytes_sent);

/* Prefix "/metrics", for the operator's server. */
struct http_table *metrics_http_table(struct metrics *m);

#endif
