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

static uint64_t word_of(const struct quota *q)
{
    return atomic_load_explicit(&q->word, memory_order_relaxed);
}

static bool is_of_hour(uint64_t word, uint32_t hour)
{
    return word >> (32 + CHECK_BITS) == (hour & HOUR_MASK);
}

/* The calls that an account has for an hour. */
static uint32_t calls_in(uint64_t word, uint32_t hour)
{
    return is_of_hour(word, hour) ? (uint32_t)(word >> CHECK_BITS) : 0;
}

bool quota_is_whole(const struct quota *q)
{
    uint64_t word = word_of(q);

    return check_of(word >> CHECK_BITS) == (word & CHECK_MASK);
}

bool quota_take(struct quota *q, uint32_t limit, int64_t unix_s, struct quota_view *view)
{
    uint32_t hour = (uint32_t)(unix_s / 3600) & HOUR_MASK;
    uint64_t seen = word_of(q);
    uint32_t used;
    bool taken;

    do {
        /* Another hour is a new account, even an earlier hour: if a clock is set back, a caller must not be
         * locked out until that clock reaches the old hour again. */
        used = calls_in(seen, hour);
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

/* --- a share of it ------------------------------------------------------------------------------- */

/* A node asks for this part of what is left, so grants get smaller towards the end, but not for fewer than GRANT_LEAST. It
 * keeps this part of the limit while it is idle. */
enum { GRANT_PART = 64, GRANT_LEAST = 4, RESERVE_PART = 400 };

static void set_granted(struct quota_share *s, uint32_t hour, uint32_t calls)
{
    atomic_store_explicit(&s->granted->word, pack(hour & HOUR_MASK, calls), memory_order_relaxed);
}

enum quota_taken quota_take_shared(struct quota *q, struct quota_share *s, uint32_t limit, int64_t unix_s,
                                   struct quota_view *view, bool *ask)
{
    uint32_t hour = (uint32_t)(unix_s / 3600), used = calls_in(word_of(q), hour), unasked = 0;
    uint64_t share = word_of(s->granted);
    uint32_t granted = calls_in(share, hour);
    uint32_t total = is_of_hour(share, hour) ? atomic_load_explicit(&s->total, memory_order_relaxed) : 0;
    uint32_t left = limit > total ? limit - total : 0, most = granted < limit ? granted : limit;
    bool taken = quota_take(q, most, unix_s, view);
    uint32_t grant = left / GRANT_PART > GRANT_LEAST ? left / GRANT_PART : GRANT_LEAST;
    *ask = left && used + grant / 2 >= granted &&
           atomic_compare_exchange_strong_explicit(&s->wanted, &unasked, grant, memory_order_relaxed,
                                                   memory_order_relaxed);
    /* What others have been granted counts as used. */
    uint64_t others = total > granted ? total - granted : 0, all = others + (most - view->remaining);
    view->limit = limit;
    view->remaining = taken && all < limit ? limit - (uint32_t)all : 0;
    return taken ? QUOTA_TAKEN : left ? QUOTA_WAIT : QUOTA_OVER;
}

bool quota_share_asks(const struct quota_share *s)
{
    return atomic_load_explicit(&s->wanted, memory_order_acquire) != 0;
}

void quota_share_grant(struct quota_share *s, const struct quota *q, uint32_t hour, uint32_t calls, uint32_t total)
{
    uint32_t granted = calls_in(word_of(s->granted), hour), used = calls_in(word_of(q), hour);

    atomic_store_explicit(&s->total, total, memory_order_relaxed);
    /* More was used than granted: what was granted is lost, or a call came while the rest was taken out. */
    set_granted(s, hour, (granted > used ? granted : used) + calls);
    atomic_store_explicit(&s->wanted, 0, memory_order_release);
}

uint32_t quota_share_spare(struct quota_share *s, const struct quota *q, uint32_t limit, uint32_t hour)
{
    uint32_t used = calls_in(word_of(q), hour), granted = calls_in(word_of(s->granted), hour),
             kept = used + limit / RESERVE_PART;
    bool idle = used == s->seen;

    s->seen = used;
    if (!idle || granted <= kept || atomic_load_explicit(&s->wanted, memory_order_relaxed))
        return 0;
    set_granted(s, hour, kept);
    return granted - kept;
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
