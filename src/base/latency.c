#include "base/latency.h"

/* For syncs to a disk: from flash with a cache to a busy disk. */
const uint32_t latency_bounds_us[LATENCY_BUCKETS] = {
    500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 5000000,
};

void latency_add(struct latency *l, int64_t us)
{
    unsigned bucket = 0;

    while (bucket < LATENCY_BUCKETS && us > latency_bounds_us[bucket])
        bucket++;
    l->counts[bucket]++;
    l->sum_us += us > 0 ? (uint64_t)us : 0;
}
