#include "journal/rocks_internal.h"

#include "base/clock.h"
#include "base/log.h"

/* By which moment things expire. A clock that has gone wrong (a bad time server, a battery) may be years
 * ahead, and what is dropped by it is gone. So the journal remembers the latest moment that it took for
 * true. A clock that is far beyond that expires nothing until it has stayed there for a while: then it
 * is right, and the machine was switched off for so long. Records are written by the clock as it is, since
 * nobody could tell a better time; what that does to their order is rocks_turn.c's. */

static const char clock_key[] = "clock";

#define JUMP_US    (2 * DAY_US)
#define PATIENCE_S (24 * 3600)

int64_t rocks_expiry_clock(struct journal *j, int64_t now_us)
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
    /* Set back, it is not believed the less for it: a machine without a battery starts in 1970. */
    if (now_us > j->trusted_us) {
        j->trusted_us = now_us;
        j->trusted_changed = true;
    }
    return now_us;
}

void rocks_clock_load(struct journal *j, const struct journal_options *options)
{
    uint64_t trusted;

    /* What cannot be read is not known; damage will be told by what matters more. */
    if (rocks_meta_get(j, clock_key, sizeof(clock_key) - 1, &trusted, 1) == MU_OK)
        j->trusted_us = (int64_t)trusted;
    j->patience_s = options->clock_patience_s ? options->clock_patience_s : PATIENCE_S;
}

void rocks_clock_put(const struct journal *j, rocksdb_writebatch_t *writes)
{
    uint8_t value[8];

    if (!j->trusted_changed)
        return;
    bytes_put_u64be(value, (uint64_t)j->trusted_us);
    rocksdb_writebatch_put_cf(writes, j->fixed[FAMILY_META], clock_key, sizeof(clock_key) - 1, (const char *)value,
                              sizeof(value));
}

int64_t journal_expiry_us(const struct journal *j)
{
    return j->expiry_us;
}
