#include "journal/rocks_internal.h"

/* What a copy needs besides the port (journal_driver.h): entries of FAMILY_META. */

static const char alive_prefix[] = "alive", turn_prefix[] = "turn", clock_key[] = "clock";

static bool begins(struct bytes key, const char *prefix, size_t len)
{
    return key.left >= len && memcmp(key.at, prefix, len) == 0;
}

static enum mu_err tell_entry(const struct rocks_journal *j, const struct journal_rest *rest, struct bytes key,
                              struct bytes value)
{
    size_t len = key.left;

    if (len == ALIVE_KEY_LEN && begins(key, alive_prefix, sizeof(alive_prefix) - 1)) {
        bytes_take(&key, sizeof(alive_prefix) - 1);
        uint64_t boot = bytes_u64be(&key);
        return boot <= j->base.boot ? rest->start(rest->ctx, boot, (int64_t)bytes_u64be(&value)) : MU_OK;
    }
    if (begins(key, turn_prefix, sizeof(turn_prefix) - 1) && rocks_turn_is_entry(key, value)) {
        bytes_take(&key, sizeof(turn_prefix) - 1);
        uint32_t device = bytes_u32be(&key);
        enum journal_list list = bytes_u8(&key) == RECORD_MESSAGE ? LIST_MESSAGES : LIST_SESSIONS;
        return rest->turns(rest->ctx, device, list, value.at, value.left);
    }
    if (len == sizeof(clock_key) - 1 && begins(key, clock_key, len))
        return rest->clock(rest->ctx, (int64_t)bytes_u64be(&value));
    return MU_OK;
}

static enum mu_err tell_rest(struct journal *port, const struct journal_rest *rest)
{
    struct rocks_journal *j = rocks_of(port);
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, j->fixed[FAMILY_META]);
    char *text = NULL;
    /* The last start has no sign of life if it has committed nothing. */
    enum mu_err err = rest->start(rest->ctx, j->base.boot, 0);

    for (rocksdb_iter_seek_to_first(at); err == MU_OK && rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
        size_t key_len, len;
        const char *key = rocksdb_iter_key(at, &key_len), *value = rocksdb_iter_value(at, &len);
        err = tell_entry(j, rest, bytes_of(key, key_len), bytes_of(value, len));
    }
    rocksdb_iter_get_error(at, &text);
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    enum mu_err own = rocks_status(j, text);
    return err != MU_OK ? err : own;
}

/* The number of this start goes up before anything is committed in it. */
static enum mu_err put_start(struct journal_batch *port, uint64_t boot, int64_t alive_us)
{
    struct rocks_batch *b = rocks_batch_of(port);
    struct rocks_journal *j = b->journal;
    uint8_t key[ALIVE_KEY_LEN], value[16] = { 0 };

    if (!rocks_batch_usable(b))
        return b->err;
    if (boot >= j->base.boot) {
        j->base.boot = boot + 1;
        rocks_put_boot(j, b->writes);
    }
    rocks_alive_key(key, boot);
    bytes_put_u64be(value, (uint64_t)alive_us);
    if (alive_us)
        rocksdb_writebatch_put_cf(b->writes, j->fixed[FAMILY_META], (const char *)key, sizeof(key), (const char *)value,
                                  sizeof(value));
    return MU_OK;
}

static enum mu_err put_turns(struct journal_batch *port, uint32_t device, enum journal_list list, const void *bytes,
                             size_t len)
{
    struct rocks_batch *b = rocks_batch_of(port);
    struct turn_spans spans;

    if (rocks_batch_usable(b) && (b->err = turn_spans_decode(bytes_of(bytes, len), &spans)) == MU_OK)
        rocks_turn_put(b, device, codec_kind_of(list), &spans);
    return b->err;
}

static enum mu_err put_clock(struct journal_batch *port, int64_t trusted_us)
{
    struct rocks_batch *b = rocks_batch_of(port);

    b->journal->clock.trusted_us = trusted_us;
    b->journal->clock.changed = true;
    return MU_OK;
}

const struct journal_driver_copy rocks_driver_copy = { tell_rest, put_start, put_turns, put_clock };
