#ifndef MUSTER_NET_TIMER_WHEEL_H
#define MUSTER_NET_TIMER_WHEEL_H

#include <stdint.h>

#include "net/loop.h"

/* The timers of one loop; private to net/. Time is an argument, so that a test can be the clock.
 * One thread. */

enum {
    TIMER_TICK_MS = 10,
    TIMER_LEVELS = 4,
    TIMER_SLOTS = 256, /* per level, so that a level's index is a byte of the tick */
};

struct timer_level {
    struct timer *slot[TIMER_SLOTS];
    uint64_t used[TIMER_SLOTS / 64]; /* a set bit may be stale, a clear one never is */
};

struct timer_wheel {
    int64_t tick; /* the next to run: all before it have */
    struct timer_level level[TIMER_LEVELS];
};

void timer_wheel_init(struct timer_wheel *w, int64_t now_ms);
void timer_wheel_start(struct timer_wheel *w, struct timer *t, int64_t due_ms);

/* Fires everything that is due. A timer that is started meanwhile waits for a later tick. */
void timer_wheel_advance(struct timer_wheel *w, int64_t now_ms);

/* When timer_wheel_advance has work to do next; -1 = no timer is running. Reads the bits of the levels, never the
 * timers. */
int64_t timer_wheel_next_ms(struct timer_wheel *w);

#endif
