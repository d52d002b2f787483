#include "base/log_limit.h"

bool log_limit_may(struct log_limit *l, int64_t every_ms, int64_t at_once, int64_t mono_ms, uint32_t *suppressed)
{
    int64_t before = atomic_load(&l->paid_ms), after;

    do {
        after = (before > mono_ms ? before : mono_ms) + every_ms;
        if (after > mono_ms + at_once * every_ms) {
            atomic_fetch_add(&l->left_out, 1);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&l->paid_ms, &before, after));
    *suppressed = atomic_exchange(&l->left_out, 0);
    return true;
}
