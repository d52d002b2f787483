#include "journal/rocks_internal.h"

#include "base/clock.h"
#include "base/log.h"

/* The moment by which things expire. A wrong clock (a bad time server, an empty battery) may be years ahead, and what is
 * dropped by it is gone. So the journal remembers the latest moment that it believed. If the clock is far ahead of that,
 * nothing expires until the clock has stayed there for a while: then it is right, and the machine was off for so long.
 * Records are written with the clock as it is, since nobody knows a better time; rocks_turn.c keeps their order. */

static const char clock_key[] = "clock";

#define JUMP_US    (2 * DAY_US)
#define PATIENCE_S (24 * 3600)

int64_t rocks_expiry_clock(struct rocks_journal *j, int64_t now_us)
{
    if (j->trusted_us && now_us - j->trusted_us > JUMP_US && j->patience_s >= 0) {
        int64_t mono_us = clock_mono_us();
        if (!j->ahead_since_us)
            j->ahead_since_us = mono_us;
        if (mono_us - j->ahead_since_us < j->patience_s * 1000000) {
            log_event(LOG_ERROR, "clock_ahead",
                      "days=%lld hint=\"nothing expires until it has been so for %lld hours\"",
                      (long long)((now_us - j->trusted_us) / DAY_US), (long long)(j->patience_s / 3600));
            return j->trusted_us;
        }
    }
    j->ahead_since_us = 0;
    /* A clock that is behind changes nothing: a machine without a battery starts in 1970. */
    if (now_us > j->trusted_us) {
        j->trusted_us = now_us;
        j->trusted_changed = true;
    }
    return now_us;
}

void rocks_clock_load(struct rocks_journal *j, const struct rocks_journal_options *options)
{
    uint64_t trusted;

    /* If it cannot be read, it counts as not known; damage is reported by other reads. */
    if (rocks_meta_get(j, clock_key, sizeof(clock_key) - 1, &trusted, 1) == MU_OK)
        j->trusted_us = (int64_t)trusted;
    j->patience_s = options->clock_patience_s ? options->clock_patience_s : PATIENCE_S;
}

void rocks_clock_put(const struct rocks_journal *j, rocksdb_writebatch_t *writes)
{
    uint8_t value[8];

    if (!j->trusted_changed)
        return;
    bytes_put_u64be(value, (uint64_t)j->trusted_us);
    rocksdb_writebatch_put_cf(writes, j->fixed[FAMILY_META], clock_key, sizeof(clock_key) - 1, (const char *)value,
                              sizeof(value));
}

int64_t rocks_expiry_us(const struct journal *port)
{
    const struct rocks_journal *j = rocks_of_const(port);
    return j->expiry_us;
}
