#include "model/quota.h"

#include <math.h>

#define CHECK_BITS 12
#define CHECK_MASK ((UINT64_C(1) << CHECK_BITS) - 1)
#define HOUR_MASK  UINT32_C(0xfffff) /* until the year 2089 */

/* A flipped bit of the content changes the check too. */
static uint64_t check_of(uint64_t content)
{
    uint64_t check = 0;

    for (; content; content >>= CHECK_BITS)
        check ^= content & CHECK_MASK;
    return check;
}

static uint64_t pack(uint32_t hour, uint32_t used)
{
    uint64_t content = (uint64_t)hour << 32 | used;

    return content << CHECK_BITS | check_of(content);
}

bool quota_is_whole(const struct quota *q)
{
    uint64_t word = atomic_load_explicit(&q->word, memory_order_relaxed);

    return check_of(word >> CHECK_BITS) == (word & CHECK_MASK);
}

bool quota_take(struct quota *q, uint32_t limit, int64_t unix_s, struct quota_view *view)
{
    uint32_t hour = (uint32_t)(unix_s / 3600) & HOUR_MASK;
    uint64_t seen = atomic_load_explicit(&q->word, memory_order_relaxed);
    uint32_t used;
    bool taken;

    do {
        /* Another hour is a new account, even an earlier hour: if a clock is set back, a caller must not be
         * locked out until that clock reaches the old hour again. */
        used = seen >> (32 + CHECK_BITS) == hour ? (uint32_t)(seen >> CHECK_BITS) : 0;
        taken = used < limit;
        if (!taken)
            break;
    } while (!atomic_compare_exchange_weak_explicit(&q->word, &seen, pack(hour, used + 1), memory_order_relaxed,
                                                    memory_order_relaxed));
    *view = (struct quota_view){
        .limit = limit,
        .remaining = taken ? limit - used - 1 : 0,
        .reset = (unix_s / 3600 + 1) * 3600,
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

void bucket_give(struct bucket *b, double rate, double n)
{
    if (rate <= 0 || b->emptied_us == 0)
        return;
    b->emptied_us -= llround(n / rate * 1e6);
    if (b->emptied_us == 0)
        b->emptied_us = -1;
}

int64_t bucket_ready_us(const struct bucket *b, double rate, double n)
{
    return b->emptied_us + llround(ceil(n / rate * 1e6));
}
