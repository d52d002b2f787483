#ifndef MUSTER_JOURNAL_EXPIRY_CLOCK_H
#define MUSTER_JOURNAL_EXPIRY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The moment by which things expire. A wrong clock (a bad time server, an empty battery) may be years ahead, and what is
 * dropped by it is gone. So the journal remembers the latest moment that it believed. If the clock is far ahead of that,
 * nothing expires until the clock has stayed there for a while: then it is right, and the machine was off for so long.
 * Records are written with the clock as it is, since nobody knows a better time; turn_spans.h keeps their order.
 *
 * A store keeps trusted_us. Private to the journal. */
#define DAY_US INT64_C(86400000000)

enum { EXPIRY_DAYS = 7 }; /* messages and session records are kept, unless the options say otherwise */

struct expiry_clock {
    int64_t trusted_us;     /* the latest moment that was believed; 0: none yet */
    bool changed;           /* the store does not have it yet */
    int64_t ahead_since_us; /* monotonic; 0 = the clock is believed */
    int64_t patience_s;
};

/* patience_s: how long a clock that jumped must stay there. 0: a day; negative: it is believed at once. */
void expiry_clock_init(struct expiry_clock *c, int64_t trusted_us, int64_t patience_s);
/* The moment by which to drop what is past retention: now, or an earlier one while the clock is not believed. */
int64_t expiry_clock_read(struct expiry_clock *c, int64_t now_us);
/* The UTC day of a moment, since 1970. */
int32_t expiry_day_of(int64_t ts_us);
/* The oldest day that is kept at a moment; never before 1970. */
int32_t expiry_oldest_day(int64_t expiry_us, unsigned retention_days);

#endif
