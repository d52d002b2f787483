#include "journal/rocks_scan.h"

#include <assert.h>
#include <string.h>

/* The cursor over one device's records (rocks_scan.h). */

void rocks_scan_open(struct rocks_scan *s, int64_t from_us, int64_t to_us)
{
    const struct rocks_journal *j = s->journal;

    assert(!s->at);
    s->first_family = rocks_day_lower_bound(j, expiry_day_of(from_us));
    s->end_family = rocks_day_lower_bound(j, expiry_day_of(to_us) + 1);

    /* The bounds keep an iterator inside the span, so no move needs to compare keys. */
    rocks_record_key_head(s->lower, s->device, s->kind, from_us);
    rocks_record_key_head(s->upper, s->device, s->kind, to_us + 1);
    s->snapshot = rocksdb_create_snapshot(j->db);
    s->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(s->options, s->snapshot);
    rocksdb_readoptions_set_iterate_lower_bound(s->options, (const char *)s->lower, sizeof(s->lower));
    rocksdb_readoptions_set_iterate_upper_bound(s->options, (const char *)s->upper, sizeof(s->upper));
}

void rocks_scan_close(struct rocks_scan *s)
{
    if (s->at)
        rocksdb_iter_destroy(s->at);
    rocksdb_readoptions_destroy(s->options);
    rocksdb_release_snapshot(s->journal->db, s->snapshot);
}

static void enter_family(struct rocks_scan *s, size_t family)
{
    assert(family >= s->first_family && family < s->end_family);
    if (s->at && s->here.family == family)
        return;
    if (s->at)
        rocksdb_iter_destroy(s->at);
    s->at = rocksdb_create_iterator_cf(s->journal->db, s->options, s->journal->days[family].handle);
    s->here.family = family;
}

struct bytes rocks_scan_value(const struct rocks_scan *s)
{
    size_t len;
    const char *value = rocksdb_iter_value(s->at, &len);
    return bytes_of(value, len);
}

static enum mu_err arrive(struct rocks_scan *s, bool *found)
{
    size_t len;
    char *text = NULL;

    *found = rocksdb_iter_valid(s->at);
    if (!*found) {
        rocksdb_iter_get_error(s->at, &text);
        return rocks_read_error(text);
    }

    const char *key = rocksdb_iter_key(s->at, &len);
    enum mu_err err = rocks_head_decode(bytes_of(key, len), rocks_scan_value(s), s->kind, &s->head);
    if (err != MU_OK)
        return err;
    s->here.ts_us = s->head.ts_us;
    s->here.number = s->head.number;
    s->here.order = s->decoded_only ? s->head.decoded_number : s->head.number;
    s->here.counted = !s->decoded_only || s->head.decoded;
    return MU_OK;
}

enum mu_err rocks_scan_first(struct rocks_scan *s, size_t family, bool *found)
{
    enter_family(s, family);
    rocksdb_iter_seek_to_first(s->at);
    return arrive(s, found);
}

enum mu_err rocks_scan_last(struct rocks_scan *s, size_t family, bool *found)
{
    enter_family(s, family);
    rocksdb_iter_seek_to_last(s->at);
    return arrive(s, found);
}

enum mu_err rocks_scan_seek(struct rocks_scan *s, size_t family, int64_t ts_us, bool *found)
{
    uint8_t key[RECORD_KEY_HEAD];

    enter_family(s, family);
    rocks_record_key_head(key, s->device, s->kind, ts_us);
    rocksdb_iter_seek(s->at, (const char *)key, sizeof(key));
    return arrive(s, found);
}

enum mu_err rocks_scan_next(struct rocks_scan *s, bool *found)
{
    enum mu_err err;

    rocksdb_iter_next(s->at);
    err = arrive(s, found);
    while (err == MU_OK && !*found && s->here.family + 1 < s->end_family)
        err = rocks_scan_first(s, s->here.family + 1, found);
    return err;
}

enum mu_err rocks_scan_prev(struct rocks_scan *s, bool *found)
{
    enum mu_err err;

    rocksdb_iter_prev(s->at);
    err = arrive(s, found);
    while (err == MU_OK && !*found && s->here.family > s->first_family)
        err = rocks_scan_last(s, s->here.family - 1, found);
    return err;
}
