#include "journal/rocks_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Filling a batch: which family each record goes to, and how it is written there. */

enum mu_err rocks_batch_create(struct journal_batch **out, struct journal *port)
{
    struct rocks_batch *b = calloc(1, sizeof(*b));

    *out = NULL;
    if (!b)
        return MU_E_NOMEM;
    b->base.driver = port->driver;
    b->journal = rocks_of(port);
    *out = &b->base;
    rocks_rows_init(&b->rows);
    b->writes = rocksdb_writebatch_create();
    buf_init(&b->value, LIMIT_INTAKE);
    buf_init(&b->key, LIMIT_INTAKE);
    return MU_OK;
}

void rocks_batch_destroy(struct journal_batch *port)
{
    struct rocks_batch *b = rocks_batch_of(port);

    rocks_rows_free(&b->rows);
    rocksdb_writebatch_destroy(b->writes);
    buf_free(&b->value);
    buf_free(&b->key);
    free(b);
}

void rocks_batch_clear(struct journal_batch *port)
{
    struct rocks_batch *b = rocks_batch_of(port);
    rocks_rows_clear(&b->rows);
    rocksdb_writebatch_clear(b->writes);
    b->err = MU_OK;
}

size_t rocks_batch_bytes(const struct journal_batch *port)
{
    const struct rocks_batch *b = rocks_batch_of_const(port);
    size_t size;
    rocksdb_writebatch_data(b->writes, &size);
    return size + b->rows.bytes.len;
}

bool rocks_batch_usable(struct rocks_batch *b)
{
    if (b->err == MU_OK && !b->journal->db)
        b->err = MU_E_IO;
    return b->err == MU_OK;
}

static struct buf *fresh_value(struct rocks_batch *b)
{
    buf_clear(&b->value);
    return &b->value;
}

static void put(struct rocks_batch *b, rocksdb_column_family_handle_t *family, const uint8_t *key, size_t key_len)
{
    assert(b->err == MU_OK && family);
    if (b->value.err != MU_OK) {
        b->err = b->value.err;
        return;
    }
    rocksdb_writebatch_put_cf(b->writes, family, (const char *)key, key_len, (const char *)b->value.data, b->value.len);
}

static void put_row(struct rocks_batch *b, int32_t day, uint32_t device, const uint8_t *key, size_t key_len)
{
    assert(b->err == MU_OK);
    b->err = b->value.err != MU_OK ? b->value.err : rocks_rows_add(&b->rows, day, device, key, key_len, &b->value);
}

/* Whether a record of that day is to be kept and its family is there. */
static bool day_ready(struct rocks_batch *b, int32_t day)
{
    if (day < b->journal->oldest_day || !rocks_batch_usable(b))
        return false;
    b->err = rocks_day_require(b->journal, day);
    return b->err == MU_OK;
}

void rocks_batch_message(struct journal_batch *port, uint32_t device, const struct journal_message *m)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[RECORD_KEY_MAX];
    int32_t day = expiry_day_of(m->ts_us);

    assert(m->decoded_number <= m->number);
    if (!day_ready(b, day))
        return;
    size_t len = rocks_record_key(key, device, RECORD_MESSAGE, m->ts_us, m->number);
    codec_message_encode(fresh_value(b), m);
    put_row(b, day, device, key, len);
}

void rocks_batch_session(struct journal_batch *port, uint32_t device, const struct journal_session *s)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[RECORD_KEY_MAX];
    int32_t day = expiry_day_of(s->ts_us);

    if (!day_ready(b, day))
        return;
    size_t len = rocks_record_key(key, device, RECORD_SESSION, s->ts_us, s->number);
    codec_session_encode(fresh_value(b), s);
    put_row(b, day, device, key, len);
}

void rocks_batch_state(struct journal_batch *port, uint32_t device, const struct journal_state *s)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[DEVICE_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    bytes_put_u32be(key, device);
    codec_state_encode(fresh_value(b), s);
    put_row(b, ROW_STATE, device, key, sizeof(key));
}

static const char followed_key[] = "followed";

void rocks_batch_followed(struct journal_batch *port, int64_t until_us)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t value[8];

    if (!rocks_batch_usable(b))
        return;
    bytes_put_u64be(value, (uint64_t)until_us);
    rocksdb_writebatch_put_cf(b->writes, b->journal->fixed[FAMILY_META], followed_key, sizeof(followed_key) - 1,
                              (const char *)value, sizeof(value));
}

int64_t rocks_followed_until_us(struct journal *port)
{
    struct rocks_journal *j = rocks_of(port);
    uint64_t until;

    pthread_rwlock_rdlock(&j->lock);
    enum mu_err err = j->db ? rocks_meta_get(j, followed_key, sizeof(followed_key) - 1, &until, 1) : MU_E_IO;
    pthread_rwlock_unlock(&j->lock);
    return err == MU_OK ? (int64_t)until : INT64_MAX;
}

void rocks_batch_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[DEVICE_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    bytes_put_u32be(key, device);
    codec_versions_encode(fresh_value(b), v);
    put(b, b->journal->fixed[FAMILY_VERSIONS], key, sizeof(key));
}

void rocks_batch_active(struct journal_batch *port, int32_t day, uint32_t device)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[ACTIVITY_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    rocks_activity_key(key, day, device);
    fresh_value(b);
    put(b, b->journal->fixed[FAMILY_ACTIVITY], key, sizeof(key));
}

/* The set's key is a prefix of the keys of the single entries, so it sorts before the range that is deleted. */
void rocks_batch_active_set(struct journal_batch *port, int32_t day, const void *set, size_t len)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t first[ACTIVITY_KEY_LEN], last[ACTIVITY_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    rocksdb_column_family_handle_t *family = b->journal->fixed[FAMILY_ACTIVITY];
    rocks_activity_key(first, day, 0);
    rocks_activity_key(last, day, UINT32_MAX);
    rocksdb_writebatch_delete_range_cf(b->writes, family, (const char *)first, sizeof(first), (const char *)last,
                                       sizeof(last));
    rocksdb_writebatch_delete_cf(b->writes, family, (const char *)last, sizeof(last));
    if (set)
        rocksdb_writebatch_put_cf(b->writes, family, (const char *)first, ACTIVITY_DAY_LEN, set, len);
    else
        rocksdb_writebatch_delete_cf(b->writes, family, (const char *)first, ACTIVITY_DAY_LEN);
}

/* false: b->err tells why not. */
static bool event_key(struct rocks_batch *b, uint32_t device, const struct journal_event *e)
{
    uint8_t head[EVENT_KEY_HEAD];

    if (!rocks_batch_usable(b))
        return false;
    rocks_event_key_head(head, device, e);
    buf_clear(&b->key);
    buf_append(&b->key, head, sizeof(head));
    buf_append(&b->key, e->name.at, e->name.len);
    b->err = b->key.err;
    return b->err == MU_OK;
}

void rocks_batch_event(struct journal_batch *port, uint32_t device, const struct journal_event *e)
{
    struct rocks_batch *b = rocks_batch_of(port);
    if (!event_key(b, device, e))
        return;
    codec_event_encode(fresh_value(b), e);
    put(b, b->journal->fixed[FAMILY_EVENTS], b->key.data, b->key.len);
}

void rocks_batch_forget_event(struct journal_batch *port, uint32_t device, const struct journal_event *e)
{
    struct rocks_batch *b = rocks_batch_of(port);
    if (event_key(b, device, e))
        rocksdb_writebatch_delete_cf(b->writes, b->journal->fixed[FAMILY_EVENTS], (const char *)b->key.data,
                                     b->key.len);
}

void rocks_batch_forget_device(struct journal_batch *port, uint32_t device)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[DEVICE_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    bytes_put_u32be(key, device);
    rocksdb_writebatch_delete_cf(b->writes, b->journal->fixed[FAMILY_STATE], (const char *)key, sizeof(key));
    rocksdb_writebatch_delete_cf(b->writes, b->journal->fixed[FAMILY_VERSIONS], (const char *)key, sizeof(key));
    rocks_turns_forget(b, device);
}

void rocks_batch_control(struct journal_batch *port, const struct journal_control *c)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t key[CONTROL_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    rocks_control_key(key, c->ts_us, c->request);
    codec_control_encode(fresh_value(b), c);
    put(b, b->journal->fixed[FAMILY_CONTROLS], key, sizeof(key));
}

void rocks_batch_forget_controls(struct journal_batch *port, int64_t before_us)
{
    struct rocks_batch *b = rocks_batch_of(port);
    uint8_t first[CONTROL_KEY_LEN], end[CONTROL_KEY_LEN];

    if (!rocks_batch_usable(b))
        return;
    rocks_control_key(first, 0, 0);
    rocks_control_key(end, before_us > 0 ? before_us : 0, 0);
    rocksdb_writebatch_delete_range_cf(b->writes, b->journal->fixed[FAMILY_CONTROLS], (const char *)first,
                                       sizeof(first), (const char *)end, sizeof(end));
}
