#ifndef MUSTER_NET_SEATS_H
#define MUSTER_NET_SEATS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Limits the connections of all loops together to exactly `max`, however the kernel spreads them. Any thread. */
struct seats {
    _Atomic uint32_t taken;
    uint32_t max;
};

/* False: all are taken. */
static inline bool seats_take(struct seats *s)
{
    uint32_t taken = atomic_load(&s->taken);

    do {
        if (taken >= s->max)
            return false;
    } while (!atomic_compare_exchange_weak(&s->taken, &taken, taken + 1));
    return true;
}

static inline void seats_leave(struct seats *s)
{
    uint32_t taken = atomic_fetch_sub(&s->taken, 1);
    assert(taken > 0);
    (void)taken;
}

#endif
