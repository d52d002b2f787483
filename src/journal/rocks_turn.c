#include "journal/rocks_scan.h"

#include <string.h>

/* Turns (turn_spans.h) in FAMILY_META. */

enum { TURN_KEY_LEN = 9 };

static void turn_key(uint8_t out[TURN_KEY_LEN], uint32_t device, enum record_kind kind)
{
    memcpy(out, "turn", 4);
    bytes_put_u32be(out + 4, device);
    out[8] = (uint8_t)kind;
}

bool rocks_turn_is_entry(struct bytes key, struct bytes value)
{
    struct turn_spans spans;

    return key.left == TURN_KEY_LEN && memcmp(key.at, "turn", 4) == 0 && turn_spans_decode(value, &spans) == MU_OK;
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
    if (err == MU_OK && slice)
        err = turn_spans_decode(bytes_of(value, len), out);
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
    if (err == MU_OK)
        *touches = turn_spans_touch(&spans, from_us, to_us);
    return err;
}

bool rocks_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us)
{
    struct rocks_journal *j = rocks_of(port);
    bool touches = false;

    pthread_rwlock_rdlock(&j->lock);
    if (!j->db || rocks_turn_touches(j, device, codec_kind_of(list), from_us, to_us, &touches) != MU_OK)
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

void rocks_turn_put(struct rocks_batch *b, uint32_t device, enum record_kind kind, const struct turn_spans *spans)
{
    uint8_t key[TURN_KEY_LEN];

    turn_key(key, device, kind);
    buf_clear(&b->value);
    turn_spans_encode(&b->value, spans);
    if ((b->err = b->value.err) == MU_OK)
        rocksdb_writebatch_put_cf(b->writes, b->journal->fixed[FAMILY_META], (const char *)key, sizeof(key),
                                  (const char *)b->value.data, b->value.len);
}

void rocks_batch_turn(struct journal_batch *port, uint32_t device, enum journal_list list, int64_t from_us,
                      int64_t last_us)
{
    struct rocks_batch *b = rocks_batch_of(port);
    struct rocks_journal *j = b->journal;
    enum record_kind kind = codec_kind_of(list);
    struct turn_spans spans;
    int64_t ahead_us;

    if (!rocks_batch_usable(b) || (b->err = load(j, device, kind, &spans)) != MU_OK ||
        (b->err = first_ahead(j, device, kind, from_us, last_us, &ahead_us)) != MU_OK)
        return;
    turn_spans_turn(&spans, from_us, ahead_us, last_us, j->oldest_day * DAY_US);
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
