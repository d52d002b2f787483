#include "journal/rocks_salvage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds what the damaged journal has seen of the registry. The caller asks before anything is copied. */

/* Deleted ranges are ignored, since an iterator of RocksDB 7.8 may crash at damage among them. What was deleted in a
 * range had expired, and will expire again. */
enum mu_err rocks_salvage_walk(struct journal_salvage *s, enum fixed_family family, rocks_salvage_fn fn)
{
    uint8_t last[RECORD_KEY_MAX];
    size_t last_len, key_len, len;
    enum mu_err err = MU_OK;

    if (!s->whole->fixed[family])
        return MU_OK;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_ignore_range_deletions(options, 1);
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(s->whole->db, options, s->whole->fixed[family]);
    rocksdb_iter_seek_to_first(at);
    rocks_step_over(at, NULL, 0);
    while (err == MU_OK && rocksdb_iter_valid(at)) {
        const char *key = rocksdb_iter_key(at, &key_len), *value = rocksdb_iter_value(at, &len);
        err = fn(s, bytes_of(key, key_len), bytes_of(value, len));
        last_len = key_len < sizeof(last) ? key_len : sizeof(last);
        memcpy(last, key, last_len);
        rocksdb_iter_next(at);
        rocks_step_over(at, last, last_len);
    }
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return err;
}

static uint32_t last_device(struct rocks_journal *j, rocksdb_column_family_handle_t *family)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, family);
    uint32_t device = 0;
    size_t len;

    rocksdb_iter_seek_to_last(at);
    if (rocksdb_iter_valid(at)) {
        struct bytes key = bytes_of(rocksdb_iter_key(at, &len), 4);
        device = len >= 4 ? bytes_u32be(&key) : 0;
    }
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return device;
}

static void see_device(struct journal_salvage *s, uint32_t device)
{
    if (device > s->seen.device)
        s->seen.device = device;
}

static enum mu_err see_state(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_state state;

    if (key.left != DEVICE_KEY_LEN || codec_state_decode(value, &state) != MU_OK)
        return MU_OK;
    see_device(s, bytes_u32be(&key));
    if (state.definition > s->definition)
        s->definition = state.definition;
    if (state.session_boot > s->boot)
        s->boot = state.session_boot;
    return MU_OK;
}

static void see(struct journal_salvage *s)
{
    struct rocks_journal_registry told;

    if (s->marked) {
        memcpy(s->seen.id, s->acknowledged.id, sizeof(s->seen.id));
        s->boot = s->acknowledged.epoch;
    }
    if (!s->whole)
        return;
    if (rocks_trust_tell(s->whole, &s->there, &told) == MU_OK) {
        s->seen.change = told.change;
        see_device(s, told.device);
        if (mark_is_id(s->there.id))
            memcpy(s->seen.id, s->there.id, sizeof(s->seen.id));
        if (s->there.epoch > s->boot)
            s->boot = s->there.epoch;
    }
    (void)!rocks_salvage_walk(s, FAMILY_STATE, see_state); /* see_state does not fail */
    for (size_t i = 0; i < s->rest->day_count; i++)
        see_device(s, last_device(s->rest, s->rest->days[i].handle));
}

enum mu_err journal_salvage_open(struct journal_salvage **out, const char *from, const char *scratch, char *why,
                                 size_t why_size)
{
    char path[4200];
    struct journal_salvage *s = calloc(1, sizeof(*s));
    enum mu_err err;

    *out = NULL;
    if (!s || !(s->from = strdup(from))) {
        free(s);
        return MU_E_NOMEM;
    }
    snprintf(path, sizeof(path), "%s/" JOURNAL_MARK, from);
    s->marked = mark_read(path, &s->acknowledged) == MU_OK;
    if ((err = rocks_salvage_open(s, scratch)) != MU_OK) {
        snprintf(why, why_size, "cannot read what is left of %s/journal: %s", from,
                 err == MU_E_IO ? strerror(errno) : mu_err_text(err));
        journal_salvage_close(s);
        return err;
    }
    see(s);
    *out = s;
    return MU_OK;
}

struct rocks_journal_registry journal_salvage_seen(const struct journal_salvage *s, uint32_t *definition)
{
    *definition = s->definition;
    return s->seen;
}

void journal_salvage_close(struct journal_salvage *s)
{
    if (!s)
        return;
    rocks_journal_close(s->whole);
    rocks_journal_close(s->rest);
    free(s->tails);
    free(s->from);
    free(s);
}
