#include "journal/expiry_clock.h"

#include "base/clock.h"
#include "base/log.h"

/* The moment by which things expire (expiry_clock.h). */

#define JUMP_US    (2 * DAY_US)
#define PATIENCE_S (24 * 3600)

void expiry_clock_init(struct expiry_clock *c, int64_t trusted_us, int64_t patience_s)
{
    *c = (struct expiry_clock){ .trusted_us = trusted_us, .patience_s = patience_s ? patience_s : PATIENCE_S };
}

int64_t expiry_clock_read(struct expiry_clock *c, int64_t now_us)
{
    if (c->trusted_us && now_us - c->trusted_us > JUMP_US && c->patience_s >= 0) {
        int64_t mono_us = clock_mono_us();
        if (!c->ahead_since_us)
            c->ahead_since_us = mono_us;
        if (mono_us - c->ahead_since_us < c->patience_s * 1000000) {
            log_event(LOG_ERROR, "clock_ahead",
                      "days=%lld hint=\"nothing expires until it has been so for %lld hours\"",
                      (long long)((now_us - c->trusted_us) / DAY_US), (long long)(c->patience_s / 3600));
            return c->trusted_us;
        }
    }
    c->ahead_since_us = 0;
    /* A clock that is behind changes nothing: a machine without a battery starts in 1970. */
    if (now_us > c->trusted_us) {
        c->trusted_us = now_us;
        c->changed = true;
    }
    return now_us;
}

int32_t expiry_day_of(int64_t ts_us)
{
    int64_t day = ts_us / DAY_US;
    return (int32_t)(ts_us % DAY_US < 0 ? day - 1 : day);
}

int32_t expiry_oldest_day(int64_t expiry_us, unsigned retention_days)
{
    int64_t day = (int64_t)expiry_day_of(expiry_us) - (int64_t)retention_days;

    return day > 0 ? (int32_t)day : 0;
}
