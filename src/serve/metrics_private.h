#ifndef MUSTER_SERVE_METRICS_PRIVATE_H
#define MUSTER_SERVE_METRICS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/latency.h"
#include "ops/disk_use.h"
#include "serve/metrics.h"

/* What the files of the page share. docs/metrics.md describes each metric with type and labels; test_metrics.py
 * compares. */

/* Figures that take too long to measure for a loop. Another thread measures them; a page shows the last ones. */
struct metrics_measured {
    struct disk_use disk;
    uint64_t open_fds;
    int64_t backup_at_s; /* Unix seconds; 0: there was no backup */
    uint64_t backup_bytes;
};

struct metrics {
    struct metrics_sources from;
    struct metrics_requests *requests; /* one for each loop */
    unsigned loop_count;
    int64_t started_s;
    pthread_mutex_t lock; /* guards `measured` */
    struct metrics_measured measured;

    struct http_route route;
    struct http_table table;
};

/* --- metrics_page.c: lines of the page --------------------------------------------------------------------*/

/* Names are complete: "muster_sessions". A failure is stored in the buffer (buf.err). */
void metrics_head(struct buf *page, const char *name, const char *type, const char *help);
/* A metric without labels. */
void metrics_one(struct buf *page, const char *name, const char *type, const char *help, uint64_t value);
/* A sample with one label. */
void metrics_sample(struct buf *page, const char *name, const char *label, const char *value, uint64_t number);

/* counts: of each bucket alone (not cumulative), bound_count + 1 of them; times in microseconds. */
struct metrics_histogram {
    const uint32_t *bounds_us;
    const uint64_t *counts;
    size_t bound_count;
    uint64_t sum_us;
};
void metrics_histogram(struct buf *page, const char *name, const char *help, const struct metrics_histogram *h);
void metrics_latency(struct buf *page, const char *name, const char *help, const struct latency *l);

/* --- each of these writes the metrics of one chapter; on a loop's thread -----------------------------------*/
void metrics_write_process(struct metrics *m, struct buf *page);
void metrics_write_stores(struct metrics *m, struct buf *page);
void metrics_write_nodes(struct metrics *m, struct buf *page); /* only where there are nodes */
void metrics_write_devices(struct metrics *m, struct buf *page);
void metrics_write_http(struct metrics *m, struct buf *page);

/* metrics_process.c: how many descriptors the process has open; 0: not known. */
uint64_t metrics_count_fds(void);
/* When the process started, in Unix seconds. */
int64_t metrics_process_start(void);
/* metrics_http.c */
MU_MUST_USE enum mu_err metrics_requests_create(struct metrics *m);

#endif
