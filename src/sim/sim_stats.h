#ifndef MUSTER_SIM_SIM_STATS_H
#define MUSTER_SIM_SIM_STATS_H

#include <stdatomic.h>
#include <stdint.h>

/* What a simulation counts, one per loop, added up at the end. Latencies are kept in a log-linear
 * histogram: 32 steps per power of two, so a percentile is right within 3 %. */
#define SIM_BUCKETS (40 * 32)

struct sim_stats {
    _Atomic uint64_t open;                  /* connections now; read while it changes, as is the next */
    _Atomic uint64_t acked_late;            /* those of acked that came after the device was stopped */
    uint64_t sent, acked, failed;           /* reports */
    uint64_t controls;                      /* control frames answered */
    uint64_t pings, pongs;                  /* heartbeats, and their answers */
    uint64_t registered, connected, closed; /* steps of devices; closed = by the server */
    uint64_t latency[SIM_BUCKETS];          /* microseconds from due to acknowledged */
    uint64_t latency_max;
};

void sim_stats_latency(struct sim_stats *s, int64_t us);
void sim_stats_add(struct sim_stats *to, const struct sim_stats *from);
/* Microseconds below which `share` (0 to 1) of the latencies lie; 0 without any. */
uint64_t sim_stats_percentile(const struct sim_stats *s, double share);

#endif
