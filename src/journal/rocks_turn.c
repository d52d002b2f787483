#include "journal/rocks_scan.h"

#include <assert.h>
#include <string.h>

/* Turns: where the numbers of a device's records do not follow each other.
 *
 * Normally a window's total is the difference of two numbers, and a page is found by its number. When a clock that was
 * ahead is set right, a device's records go on at an earlier moment. There the numbers leap over those of the records
 * that lie ahead; later, records with higher numbers come to lie among and behind these. So for each turn two spans of
 * time are kept: the moment of the turn, and the span from the first record ahead of it to the last. A window that
 * touches a span is counted record by record. Between the two spans, which may be a year, numbers follow each other. */

enum { SPANS_MAX = TURN_SPANS_MAX };

enum { TURN_KEY_LEN = 9, SPAN_LEN = 16 };

static void turn_key(uint8_t out[TURN_KEY_LEN], uint32_t device, enum record_kind kind)
{
    memcpy(out, "turn", 4);
    bytes_put_u32be(out + 4, device);
    out[8] = (uint8_t)kind;
}

bool rocks_turn_is_entry(struct bytes key, struct bytes value)
{
    return key.left == TURN_KEY_LEN && memcmp(key.at, "turn", 4) == 0 && value.left > 0 && value.left % SPAN_LEN == 0 &&
           value.left <= SPANS_MAX * SPAN_LEN;
}

static enum mu_err load(const struct rocks_journal *j, uint32_t device, enum record_kind kind, struct turn_spans *out)
{
    uint8_t key[TURN_KEY_LEN];
    size_t len = 0;
    char *text = NULL;

    out->count = 0;
    turn_key(key, device, kind);
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(j->db, options, j->fixed[FAMILY_META], (const char *)key, sizeof(key), &text);
    enum mu_err err = rocks_status_take(text);
    const char *value = slice ? rocksdb_pinnableslice_value(slice, &len) : NULL;
    struct bytes in = bytes_of(value, len);
    if (err == MU_OK && slice && !rocks_turn_is_entry(bytes_of(key, sizeof(key)), in))
        err = MU_E_CORRUPT;
    while (err == MU_OK && in.left) {
        struct turn_span *s = &out->at[out->count++];
        s->from_us = (int64_t)bytes_u64be(&in);
        s->to_us = (int64_t)bytes_u64be(&in);
    }
    if (slice)
        rocksdb_pinnableslice_destroy(slice);
    rocksdb_readoptions_destroy(options);
    return err;
}

enum mu_err rocks_turn_touches(const struct rocks_journal *j, uint32_t device, enum record_kind kind, int64_t from_us,
                               int64_t to_us, bool *touches)
{
    struct turn_spans spans;
    enum mu_err err = load(j, device, kind, &spans);

    *touches = false;
    for (size_t i = 0; err == MU_OK && i < spans.count; i++)
        *touches |= spans.at[i].from_us <= to_us && from_us <= spans.at[i].to_us;
    return err;
}

bool rocks_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us)
{
    struct rocks_journal *j = rocks_of(port);
    bool touches = false;

    pthread_rwlock_rdlock(&j->lock);
    if (!j->db || rocks_turn_touches(j, device, rocks_record_kind_of(list), from_us, to_us, &touches) != MU_OK)
        touches = false;
    pthread_rwlock_unlock(&j->lock);
    return touches;
}

/* --- a turn ---------------------------------------------------------------------------------------*/

/* The moment of the first committed record after a moment; at most `last`. */
static enum mu_err first_ahead(struct rocks_journal *j, uint32_t device, enum record_kind kind, int64_t after_us,
                               int64_t last_us, int64_t *out)
{
    struct rocks_scan s = { .journal = j, .device = device, .kind = kind };
    bool found = false;
    enum mu_err err = MU_OK;

    *out = last_us;
    rocks_scan_open(&s, after_us + 1, last_us);
    for (size_t f = s.first_family; err == MU_OK && !found && f < s.end_family; f++)
        err = rocks_scan_first(&s, f, &found);
    if (err == MU_OK && found)
        *out = s.here.ts_us;
    rocks_scan_close(&s);
    return err;
}

static void remove_at(struct turn_spans *spans, size_t i)
{
    assert(i < spans->count);
    spans->count--;
    memmove(&spans->at[i], &spans->at[i + 1], (spans->count - i) * sizeof(spans->at[0]));
}

/* In the order of time; spans that overlap become one. */
static void insert(struct turn_spans *spans, int64_t from_us, int64_t to_us)
{
    size_t i = 0;

    assert(from_us <= to_us && spans->count < sizeof(spans->at) / sizeof(spans->at[0]));
    while (i < spans->count && spans->at[i].to_us < from_us)
        i++;
    while (i < spans->count && spans->at[i].from_us <= to_us) {
        from_us = spans->at[i].from_us < from_us ? spans->at[i].from_us : from_us;
        to_us = spans->at[i].to_us > to_us ? spans->at[i].to_us : to_us;
        remove_at(spans, i);
    }
    memmove(&spans->at[i + 1], &spans->at[i], (spans->count - i) * sizeof(spans->at[0]));
    spans->at[i] = (struct turn_span){ from_us, to_us };
    spans->count++;
}

/* Drops expired spans, and joins the nearest ones until there are few enough. */
static void trim(struct turn_spans *spans, int64_t oldest_us)
{
    while (spans->count && spans->at[0].to_us < oldest_us)
        remove_at(spans, 0);
    while (spans->count > SPANS_MAX) {
        size_t nearest = 0;
        for (size_t i = 1; i + 1 < spans->count; i++)
            if (spans->at[i + 1].from_us - spans->at[i].to_us <
                spans->at[nearest + 1].from_us - spans->at[nearest].to_us)
                nearest = i;
        spans->at[nearest].to_us = spans->at[nearest + 1].to_us;
        remove_at(spans, nearest + 1);
    }
}

void rocks_turn_add(struct turn_spans *spans, int64_t from_us, int64_t to_us)
{
    insert(spans, from_us, to_us);
    trim(spans, INT64_MIN);
}

void rocks_turn_put(struct rocks_batch *b, uint32_t device, enum record_kind kind, const struct turn_spans *spans)
{
    uint8_t key[TURN_KEY_LEN], value[SPANS_MAX * SPAN_LEN];

    assert(spans->count > 0 && spans->count <= SPANS_MAX);
    for (size_t i = 0; i < spans->count; i++) {
        bytes_put_u64be(value + i * SPAN_LEN, (uint64_t)spans->at[i].from_us);
        bytes_put_u64be(value + i * SPAN_LEN + 8, (uint64_t)spans->at[i].to_us);
    }
    turn_key(key, device, kind);
    rocksdb_writebatch_put_cf(b->writes, b->journal->fixed[FAMILY_META], (const char *)key, sizeof(key),
                              (const char *)value, spans->count * SPAN_LEN);
}

void rocks_batch_turn(struct journal_batch *port, uint32_t device, enum journal_list list, int64_t from_us,
                      int64_t last_us)
{
    struct rocks_batch *b = rocks_batch_of(port);
    struct rocks_journal *j = b->journal;
    enum record_kind kind = rocks_record_kind_of(list);
    struct turn_spans spans;
    int64_t ahead_us;

    if (!rocks_batch_usable(b) || (b->err = load(j, device, kind, &spans)) != MU_OK ||
        (b->err = first_ahead(j, device, kind, from_us, last_us, &ahead_us)) != MU_OK)
        return;
    insert(&spans, from_us, from_us);
    insert(&spans, ahead_us, last_us);
    trim(&spans, j->oldest_day * DAY_US);
    rocks_turn_put(b, device, kind, &spans);
}

void rocks_turns_forget(struct rocks_batch *b, uint32_t device)
{
    uint8_t key[TURN_KEY_LEN];

    for (int kind = RECORD_MESSAGE; kind <= RECORD_SESSION; kind++) {
        turn_key(key, device, (enum record_kind)kind);
        rocksdb_writebatch_delete_cf(b->writes, b->journal->fixed[FAMILY_META], (const char *)key, sizeof(key));
    }
}
