#include "serve/metrics_private.h"

#include <inttypes.h>

void metrics_head(struct buf *page, const char *name, const char *type, const char *help)
{
    buf_printf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_one(struct buf *page, const char *name, const char *type, const char *help, uint64_t value)
{
    metrics_head(page, name, type, help);
    buf_printf(page, "%s %" PRIu64 "\n", name, value);
}

void metrics_sample(struct buf *page, const char *name, const char *label, const char *value, uint64_t number)
{
    buf_printf(page, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, number);
}

void metrics_histogram(struct buf *page, const char *name, const char *help, const struct metrics_histogram *h)
{
    uint64_t total = 0;

    metrics_head(page, name, "histogram", help);
    for (size_t i = 0; i < h->bound_count; i++) {
        total += h->counts[i];
        buf_printf(page, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, h->bounds_us[i] / 1e6, total);
    }
    total += h->counts[h->bound_count];
    buf_printf(page, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n%s_count %" PRIu64 "\n", name, total, name,
               (double)h->sum_us / 1e6, name, total);
}

void metrics_latency(struct buf *page, const char *name, const char *help, const struct latency *l)
{
    const struct metrics_histogram h = { latency_bounds_us, l->counts, LATENCY_BUCKETS, l->sum_us };

    metrics_histogram(page, name, help, &h);
}
