#ifndef MUSTER_NET_SEATS_H
#define MUSTER_NET_SEATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How many connections all loops together may have: exactly `max`, however the kernel deals them out.
 * Any thread. */
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
    atomic_fetch_sub(&s->taken, 1);
}

#endif
