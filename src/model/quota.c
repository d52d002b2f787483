#include "model/quota.h"

#include <math.h>

bool quota_take(struct quota *q, uint32_t limit, int64_t unix_s, struct quota_view *view)
{
    uint32_t hour = (uint32_t)(unix_s / 3600);
    uint64_t seen = atomic_load_explicit(&q->hour_and_used, memory_order_relaxed);
    uint32_t used;
    bool taken;

    do {
        /* Another hour is a new account, be it an earlier one: a clock that was set back must not
         * leave a caller locked out until the hour that it had come from. */
        used = (uint32_t)(seen >> 32) == hour ? (uint32_t)seen : 0;
        taken = used < limit;
        if (!taken)
            break;
    } while (!atomic_compare_exchange_weak_explicit(&q->hour_and_used, &seen,
                                                    (uint64_t)hour << 32 | (used + 1),
                                                    memory_order_relaxed, memory_order_relaxed));
    *view = (struct quota_view){
        .limit = limit,
        .remaining = taken ? limit - used - 1 : 0,
        .reset = ((int64_t)hour + 1) * 3600,
    };
    return taken;
}

bool bucket_take(struct bucket *b, double rate, double burst, double n, int64_t mono_us)
{
    if (rate <= 0)
        return true;

    double tokens = burst;
    if (b->emptied_us != 0)
        tokens = fmin(burst, (double)(mono_us - b->emptied_us) * rate / 1e6);
    if (tokens < n)
        return false;
    b->emptied_us = mono_us - llround((tokens - n) / rate * 1e6);
    if (b->emptied_us == 0)
        b->emptied_us = 1; /* 0 means never used */
    return true;
}
