#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* The two clocks. Everything that people or clients see is wall time; every waiting is monotonic.
 * Both are a vDSO call, cheap enough for every message. Any thread. */

int64_t clock_wall_us(void); /* microseconds since 1970, UTC */
int64_t clock_mono_ms(void); /* milliseconds since some start */
int64_t clock_mono_us(void);

/* If the wall clock is set back by no more than this, as time servers do, records go on a microsecond after the last
 * one. If it is set back by more, it was wrong before and is right now. */
#define CLOCK_STEP_US INT64_C(60000000)

static inline int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

#endif
