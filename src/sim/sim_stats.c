#include "sim/sim_stats.h"

static unsigned bucket_of(uint64_t us)
{
    if (us < 32)
        return (unsigned)us;
    unsigned power = 63 - (unsigned)__builtin_clzll(us); /* 5 or more */
    unsigned bucket = (power - 4) * 32 + (unsigned)((us >> (power - 5)) & 31);
    return bucket < SIM_BUCKETS ? bucket : SIM_BUCKETS - 1;
}

static uint64_t bucket_top(unsigned bucket)
{
    if (bucket < 32)
        return bucket;
    unsigned power = bucket / 32 + 4;
    return ((uint64_t)(32 + bucket % 32) + 1) << (power - 5);
}

void sim_stats_latency(struct sim_stats *s, int64_t us)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;

    s->latency[bucket_of(v)]++;
    if (v > s->latency_max)
        s->latency_max = v;
}

void sim_stats_add(struct sim_stats *to, const struct sim_stats *from)
{
    to->sent += from->sent;
    to->acked += from->acked;
    to->acked_late += from->acked_late;
    to->failed += from->failed;
    to->controls += from->controls;
    to->pings += from->pings;
    to->pongs += from->pongs;
    to->registered += from->registered;
    to->connected += from->connected;
    to->closed += from->closed;
    for (unsigned i = 0; i < SIM_BUCKETS; i++)
        to->latency[i] += from->latency[i];
    if (from->latency_max > to->latency_max)
        to->latency_max = from->latency_max;
}

uint64_t sim_stats_percentile(const struct sim_stats *s, double share)
{
    uint64_t total = 0, seen = 0;

    for (unsigned i = 0; i < SIM_BUCKETS; i++)
        total += s->latency[i];
    for (unsigned i = 0; i < SIM_BUCKETS; i++) {
        seen += s->latency[i];
        if (total && (double)seen >= share * (double)total) {
            uint64_t top = bucket_top(i);
            return top < s->latency_max ? top : s->latency_max;
        }
    }
    return 0;
}
