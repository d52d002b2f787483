#ifndef MUSTER_BASE_LATENCY_H
#define MUSTER_BASE_LATENCY_H

#include <stdint.h>

/* How long something took, each time: a histogram as /metrics shows it. Its owner guards it. */
#define LATENCY_BUCKETS 12
extern const uint32_t latency_bounds_us[LATENCY_BUCKETS]; /* upper bounds, microseconds */

struct latency {
    uint64_t counts[LATENCY_BUCKETS + 1]; /* of each bucket alone; the last has what is above all bounds */
    uint64_t sum_us;
};

void latency_add(struct latency *l, int64_t us);

#endif
