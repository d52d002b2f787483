#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdint.h>

/* The two clocks. Everything that people or clients see is wall time; every waiting is monotonic.
 * Both are a vDSO call, cheap enough for every message. Any thread. */

int64_t clock_wall_us(void);  /* microseconds since 1970, UTC */
int64_t clock_mono_ms(void);  /* milliseconds since some start */
int64_t clock_mono_us(void);

static inline int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

#endif
