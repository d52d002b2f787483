#include "journal/rocks_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* journal_check: reads everything. RocksDB compares each block that it reads with its checksum, so reading all verifies
 * all. An iterator stops at a damaged block; what the family holds behind it is not checked. */

struct rocks_check {
    struct rocks_journal *journal;
    const struct journal_reader *reader;
    const struct findings *findings;
    rocksdb_readoptions_t *options;
};

/* RocksDB's text names the file. */
static void tell_damage(const struct rocks_check *c, const char *family, rocksdb_iterator_t *at)
{
    char *text = NULL;

    rocksdb_iter_get_error(at, &text);
    if (!text)
        return;
    findings_mistake(c->findings, "journal, %s: %s", family, text);
    rocksdb_free(text);
}

static struct bytes key_of(rocksdb_iterator_t *at)
{
    size_t len;
    const char *key = rocksdb_iter_key(at, &len);
    return bytes_of(key, len);
}

static struct bytes value_of(rocksdb_iterator_t *at)
{
    size_t len;
    const char *value = rocksdb_iter_value(at, &len);
    return bytes_of(value, len);
}

/* --- the fixed families ---------------------------------------------------------------------------*/

/* false: it is not what this version writes. */
static bool read_meta(const struct rocks_check *c, struct bytes key, struct bytes value)
{
    (void)c;
    return (key.left > 0 && (value.left == 8 || value.left == 16)) || rocks_turn_is_entry(key, value);
}

static bool read_state(const struct rocks_check *c, struct bytes key, struct bytes value)
{
    struct journal_state state;
    bool good = key.left == DEVICE_KEY_LEN && codec_state_decode(value, &state) == MU_OK;

    if (good)
        c->reader->state(c->reader->ctx, bytes_u32be(&key), &state);
    return good;
}

static bool read_versions(const struct rocks_check *c, struct bytes key, struct bytes value)
{
    struct journal_versions versions;
    bool good = key.left == DEVICE_KEY_LEN && codec_versions_decode(value, &versions) == MU_OK;

    if (good)
        c->reader->versions(c->reader->ctx, bytes_u32be(&key), &versions);
    return good;
}

static bool read_activity(const struct rocks_check *c, struct bytes key, struct bytes value)
{
    size_t len = key.left;
    int32_t day = (int32_t)bytes_u32be(&key);

    if (len == ACTIVITY_DAY_LEN)
        c->reader->active_set(c->reader->ctx, day, value.at, value.left);
    else if (len == ACTIVITY_KEY_LEN && value.left == 0)
        c->reader->active(c->reader->ctx, day, bytes_u32be(&key));
    else
        return false;
    return true;
}

static bool read_event(const struct rocks_check *c, struct bytes key, struct bytes value)
{
    struct journal_event event;
    uint32_t device;
    bool good = rocks_event_decode(key, value, &device, &event) == MU_OK;

    if (good)
        c->reader->event(c->reader->ctx, device, &event);
    return good;
}

static bool read_control(const struct rocks_check *c, struct bytes key, struct bytes value)
{
    struct journal_control control;

    (void)c;
    return rocks_control_decode(key, value, &control) == MU_OK;
}

static bool (*const readers[FIXED_FAMILIES])(const struct rocks_check *c, struct bytes key, struct bytes value) = {
    [FAMILY_META] = read_meta,         [FAMILY_STATE] = read_state,  [FAMILY_VERSIONS] = read_versions,
    [FAMILY_ACTIVITY] = read_activity, [FAMILY_EVENTS] = read_event, [FAMILY_CONTROLS] = read_control,
};

static void tell_entry(const struct rocks_check *c, const char *family, struct bytes key, const char *what)
{
    char hex[2 * 64 + 1];

    hex_encode(key.at, key.left < 64 ? key.left : 64, hex);
    findings_mistake(c->findings, "journal, %s: the entry %s %s", family, hex, what);
}

/* Where ranges are deleted, an iterator may not report damage (rocks_tables.c). */
static void look_under_deletions(const struct rocks_check *c, enum fixed_family family)
{
    char text[300];

    if (c->journal->fixed[family] &&
        rocks_read_family(c->journal, c->journal->fixed[family], text, sizeof(text)) != MU_OK)
        findings_mistake(c->findings, "journal, %s: %s", rocks_family_name(family), text);
}

static void check_family(const struct rocks_check *c, enum fixed_family family)
{
    const char *name = rocks_family_name(family);
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(c->journal->db, c->options, c->journal->fixed[family]);

    for (rocksdb_iter_seek_to_first(at); rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
        if (!readers[family](c, key_of(at), value_of(at)))
            tell_entry(c, name, key_of(at), "cannot be read");
        c->findings->step(c->findings->ctx);
    }
    tell_damage(c, name, at);
    rocksdb_iter_destroy(at);
}

/* --- the days, side by side -----------------------------------------------------------------------*/

/* false: it is not what this version writes. */
static bool hand_on(const struct rocks_check *c, uint32_t device, uint8_t kind, const struct record_head *head,
                    struct bytes value)
{
    struct journal_message message;
    struct journal_session session;

    if (kind == RECORD_MESSAGE && codec_message_decode(head, value, &message) == MU_OK)
        c->reader->message(c->reader->ctx, device, &message);
    else if (kind == RECORD_SESSION && codec_session_decode(head, value, &session) == MU_OK)
        c->reader->session(c->reader->ctx, device, &session);
    else
        return false;
    return true;
}

static void read_record(const struct rocks_check *c, size_t day, rocksdb_iterator_t *at)
{
    struct bytes key = key_of(at), left = key, value = value_of(at);
    struct record_head head;
    char name[32];

    uint32_t device = bytes_u32be(&left);
    uint8_t kind = bytes_u8(&left);
    snprintf(name, sizeof(name), "day-%d", c->journal->days[day].day);
    if (rocks_head_decode(key, value, kind, &head) != MU_OK || !hand_on(c, device, kind, &head, value))
        tell_entry(c, name, key, "cannot be read");
    else if (expiry_day_of(head.ts_us) != c->journal->days[day].day)
        findings_mistake(c->findings, "journal, %s: a record of device %u is of another day (%lld us)", name, device,
                         (long long)head.ts_us);
    c->findings->step(c->findings->ctx);
}

/* The family whose next record is the first in key order; day_count if all have ended. There are some ten families, so
 * looking at each is fine. */
static size_t first_of(const struct rocks_check *c, rocksdb_iterator_t **at)
{
    size_t first = c->journal->day_count;
    struct bytes least = { 0 };

    for (size_t i = 0; i < c->journal->day_count; i++) {
        if (!rocksdb_iter_valid(at[i]))
            continue;
        struct bytes key = key_of(at[i]);
        size_t len = key.left < least.left ? key.left : least.left;
        if (first == c->journal->day_count || memcmp(key.at, least.at, len) < 0) {
            first = i;
            least = key;
        }
    }
    return first;
}

static enum mu_err check_days(const struct rocks_check *c)
{
    size_t count = c->journal->day_count, i;
    rocksdb_iterator_t **at = calloc(count + 1, sizeof(*at));
    char name[32];

    if (!at)
        return MU_E_NOMEM;
    for (i = 0; i < count; i++) {
        at[i] = rocksdb_create_iterator_cf(c->journal->db, c->options, c->journal->days[i].handle);
        rocksdb_iter_seek_to_first(at[i]);
    }
    while ((i = first_of(c, at)) < count) {
        read_record(c, i, at[i]);
        rocksdb_iter_next(at[i]);
    }
    for (i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "day-%d", c->journal->days[i].day);
        tell_damage(c, name, at[i]);
        rocksdb_iter_destroy(at[i]);
    }
    free(at);
    return MU_OK;
}

enum mu_err rocks_check_all(struct journal *port, const struct journal_reader *reader, const struct findings *f)
{
    struct rocks_journal *j = rocks_of(port);
    struct rocks_check c = { .journal = j, .reader = reader, .findings = f, .options = rocksdb_readoptions_create() };

    rocksdb_readoptions_set_fill_cache(c.options, 0);
    rocksdb_readoptions_set_readahead_size(c.options, 1024 * 1024);
    for (enum fixed_family family = 0; family < FIXED_FAMILIES; family++)
        if (j->fixed[family]) /* an older journal may lack one */
            check_family(&c, family);
    look_under_deletions(&c, FAMILY_ACTIVITY);
    look_under_deletions(&c, FAMILY_CONTROLS);
    enum mu_err err = check_days(&c);
    rocksdb_readoptions_destroy(c.options);
    return err;
}
