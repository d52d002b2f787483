#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* The two clocks. Everything that people or clients see is wall time; every waiting is monotonic.
 * Both are a vDSO call, cheap enough for every message. Any thread. */

int64_t clock_wall_us(void);  /* microseconds since 1970, UTC */
int64_t clock_mono_ms(void);  /* milliseconds since some start */
int64_t clock_mono_us(void);

/* A wall clock that is set back by no more than this, as time servers do, is not seen in what is kept: records go on a
 * microsecond behind the last one. Beyond it the clock was wrong, and has been set right. */
#define CLOCK_STEP_US INT64_C(60000000)

static inline int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

#endif
