#include "journal/rocks_internal.h"

/* The moment that was believed last (expiry_clock.h) in FAMILY_META. */

static const char clock_key[] = "clock";

void rocks_clock_load(struct rocks_journal *j, const struct rocks_journal_options *options)
{
    uint64_t trusted = 0;

    /* If it cannot be read, it counts as not known; damage is reported by other reads. */
    if (rocks_meta_get(j, clock_key, sizeof(clock_key) - 1, &trusted, 1) != MU_OK)
        trusted = 0;
    expiry_clock_init(&j->clock, (int64_t)trusted, options->clock_patience_s);
}

void rocks_clock_put(const struct rocks_journal *j, rocksdb_writebatch_t *writes)
{
    uint8_t value[8];

    if (!j->clock.changed)
        return;
    bytes_put_u64be(value, (uint64_t)j->clock.trusted_us);
    rocksdb_writebatch_put_cf(writes, j->fixed[FAMILY_META], clock_key, sizeof(clock_key) - 1, (const char *)value,
                              sizeof(value));
}

int64_t rocks_expiry_us(const struct journal *port)
{
    const struct rocks_journal *j = rocks_of_const(port);
    return j->expiry_us;
}
