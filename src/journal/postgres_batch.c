#include "journal/postgres_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Filling a batch. Nothing is sent before the commit. */

/* Far above LIMIT_BATCH and one packet. */
#define ROWS_MAX (UINT32_C(64) * 1024 * 1024)

enum mu_err postgres_batch_create(struct journal_batch **out, struct journal *port)
{
    struct postgres_batch *b = calloc(1, sizeof(*b));

    *out = NULL;
    if (!b)
        return MU_E_NOMEM;
    b->base.driver = port->driver;
    b->journal = postgres_of(port);
    buf_init(&b->messages.bytes, ROWS_MAX);
    buf_init(&b->sessions.bytes, ROWS_MAX);
    buf_init(&b->value, LIMIT_INTAKE);
    buf_init(&b->key, LIMIT_INTAKE);
    postgres_puts_init(&b->states);
    postgres_puts_init(&b->versions);
    postgres_puts_init(&b->active);
    postgres_puts_init(&b->active_days);
    postgres_puts_init(&b->events);
    postgres_puts_init(&b->controls);
    buf_init(&b->delta, ROWS_MAX);
    b->followed_us = INT64_MAX;
    *out = &b->base;
    return MU_OK;
}

void postgres_batch_destroy(struct journal_batch *port)
{
    struct postgres_batch *b = postgres_batch_of(port);

    buf_free(&b->messages.bytes);
    buf_free(&b->sessions.bytes);
    buf_free(&b->value);
    buf_free(&b->key);
    postgres_puts_free(&b->states);
    postgres_puts_free(&b->versions);
    postgres_puts_free(&b->active);
    postgres_puts_free(&b->active_days);
    postgres_puts_free(&b->events);
    postgres_puts_free(&b->controls);
    buf_free(&b->delta);
    free(b->pasts);
    free(b->heard);
    free(b->turns);
    free(b->sets);
    free(b->days);
    free(b->forgotten);
    free(b);
}

static void rows_clear(struct postgres_rows *rows)
{
    buf_clear(&rows->bytes);
    rows->count = 0;
}

void postgres_batch_clear(struct journal_batch *port)
{
    struct postgres_batch *b = postgres_batch_of(port);

    b->err = MU_OK;
    rows_clear(&b->messages);
    rows_clear(&b->sessions);
    postgres_puts_clear(&b->states);
    postgres_puts_clear(&b->versions);
    postgres_puts_clear(&b->active);
    postgres_puts_clear(&b->active_days);
    postgres_puts_clear(&b->events);
    postgres_puts_clear(&b->controls);
    buf_clear(&b->delta);
    b->past_count = b->heard_count = 0;
    /* Claims that were not committed. */
    if (b->journal->writer)
        pg_rollback(b->journal->writer);
    b->turn_count = b->set_count = b->day_count = b->forgotten_count = 0;
    b->controls_before_us = 0;
    b->drops = false;
    b->followed_us = INT64_MAX;
}

static size_t puts_size(const struct postgres_puts *p)
{
    return p->bytes.len + p->count * (2 * sizeof(int64_t));
}

size_t postgres_batch_bytes(const struct journal_batch *port)
{
    const struct postgres_batch *b = (const struct postgres_batch *)port;

    return b->messages.bytes.len + b->sessions.bytes.len + puts_size(&b->states) + puts_size(&b->versions) +
           b->heard_count * sizeof(*b->heard) + puts_size(&b->active) + puts_size(&b->active_days) +
           puts_size(&b->events) + puts_size(&b->controls) + b->forgotten_count * sizeof(*b->forgotten) +
           (b->controls_before_us ? sizeof(int64_t) : 0);
}

static struct buf *fresh_value(struct postgres_batch *b)
{
    buf_clear(&b->value);
    return &b->value;
}

/* --- messages and session records ------------------------------------------------------------------- */

/* Whether a record of that day is to be kept; its partitions are made before the commit. */
static bool day_ready(struct postgres_batch *b, int32_t day)
{
    if (day < b->journal->oldest_day || b->err != MU_OK)
        return false;
    if (postgres_has_day(b->journal, day) || (b->day_count && b->days[b->day_count - 1] == day))
        return true;
    if (ARRAY_RESERVE(b->days, b->day_cap, b->day_count + 1))
        b->days[b->day_count++] = day;
    else
        b->err = MU_E_NOMEM;
    return b->err == MU_OK;
}

/* As add_row writes it. */
bool postgres_rows_next(struct bytes *rows, struct postgres_row *out)
{
    if (!rows->left)
        return false;
    const uint8_t *start = rows->at;
    bytes_take(rows, 2 + 4);
    out->device = (int64_t)bytes_u64be(rows);
    bytes_take(rows, 4);
    out->ts_us = (int64_t)bytes_u64be(rows);
    out->record.len = bytes_u32be(rows);
    out->record.at = (const char *)bytes_take(rows, out->record.len);
    assert(!rows->bad);
    out->whole = bytes_of(start, (size_t)(rows->at - start));
    return true;
}

void postgres_rows_expire(struct postgres_rows *rows, int64_t oldest_us)
{
    struct bytes in = bytes_of(rows->bytes.data, rows->bytes.len);
    struct postgres_row row;
    size_t kept = 0;

    rows->count = 0;
    while (postgres_rows_next(&in, &row)) {
        if (row.ts_us < oldest_us)
            continue;
        memmove(rows->bytes.data + kept, row.whole.at, row.whole.left);
        kept += row.whole.left;
        rows->count++;
    }
    rows->bytes.len = kept;
}

static void add_row(struct postgres_batch *b, struct postgres_rows *rows, uint32_t device, int64_t ts_us)
{
    size_t len = rows->bytes.len;

    if ((b->err = b->value.err) != MU_OK)
        return;
    pg_put_row(&rows->bytes, 3);
    pg_put_int8(&rows->bytes, device);
    pg_put_int8(&rows->bytes, ts_us);
    pg_put_bytes(&rows->bytes, b->value.data, b->value.len);
    if (rows->count == 0 || ts_us < rows->oldest_us)
        rows->oldest_us = ts_us;
    if ((b->err = rows->bytes.err) == MU_OK)
        rows->count++;
    else
        rows->bytes.len = len;
}

void postgres_batch_message(struct journal_batch *port, uint32_t device, const struct journal_message *m)
{
    struct postgres_batch *b = postgres_batch_of(port);

    assert(m->decoded_number <= m->number);
    if (!day_ready(b, expiry_day_of(m->ts_us)))
        return;
    postgres_number_encode(fresh_value(b), m->number);
    codec_message_encode(&b->value, m);
    add_row(b, &b->messages, device, m->ts_us);
}

void postgres_batch_session(struct journal_batch *port, uint32_t device, const struct journal_session *s)
{
    struct postgres_batch *b = postgres_batch_of(port);

    if (!day_ready(b, expiry_day_of(s->ts_us)))
        return;
    postgres_number_encode(fresh_value(b), s->number);
    codec_session_encode(&b->value, s);
    add_row(b, &b->sessions, device, s->ts_us);
}

void postgres_batch_turn(struct journal_batch *port, uint32_t device, enum journal_list list, int64_t from_us,
                         int64_t last_us)
{
    struct postgres_batch *b = postgres_batch_of(port);

    if (!ARRAY_RESERVE(b->turns, b->turn_cap, b->turn_count + 1)) {
        b->err = MU_E_NOMEM;
        return;
    }
    b->turns[b->turn_count++] = (struct postgres_turn){ device, list, from_us, last_us };
}

/* --- rows that replace others ------------------------------------------------------------------------ */

static void put(struct postgres_batch *b, struct postgres_puts *to, struct postgres_put put, struct bytes key,
                struct bytes value)
{
    if (b->err == MU_OK)
        b->err = postgres_puts_add(to, &put, key, value);
}

/* With the value that was written into b->value. */
static void put_value(struct postgres_batch *b, struct postgres_puts *to, struct postgres_put what, struct bytes key)
{
    if (b->err == MU_OK)
        b->err = b->value.err;
    put(b, to, what, key, bytes_of(b->value.data, b->value.len));
}

static const struct bytes none = { 0 };

void postgres_batch_state(struct journal_batch *port, uint32_t device, const struct journal_state *s)
{
    struct postgres_batch *b = postgres_batch_of(port);

    codec_state_encode(fresh_value(b), s);
    put_value(b, &b->states, (struct postgres_put){ .a = device }, none);
}

void postgres_batch_followed(struct journal_batch *port, int64_t until_us)
{
    postgres_batch_of(port)->followed_us = until_us;
}

void postgres_batch_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v)
{
    struct postgres_batch *b = postgres_batch_of(port);

    codec_versions_encode(fresh_value(b), v);
    put_value(b, &b->versions, (struct postgres_put){ .a = device }, none);
}

void postgres_batch_active(struct journal_batch *port, int32_t day, uint32_t device)
{
    struct postgres_batch *b = postgres_batch_of(port);

    put(b, &b->active, (struct postgres_put){ .a = device, .b = day }, none, none);
}

/* The day's single entries that the batch already holds go, too. */
void postgres_batch_active_set(struct journal_batch *port, int32_t day, const void *set, size_t len)
{
    struct postgres_batch *b = postgres_batch_of(port);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < b->active.count; i++)
        if (b->active.put[i].b != day)
            b->active.put[kept++] = b->active.put[i];
    b->active.count = kept;
    if (!ARRAY_RESERVE(b->sets, b->set_cap, b->set_count + 1)) {
        b->err = MU_E_NOMEM;
        return;
    }
    b->sets[b->set_count++] = day;
    put(b, &b->active_days, (struct postgres_put){ .a = day, .gone = !set }, none, bytes_of(set, set ? len : 0));
}

static void put_event(struct journal_batch *port, uint32_t device, const struct journal_event *e, bool gone)
{
    struct postgres_batch *b = postgres_batch_of(port);

    buf_clear(&b->key);
    buf_append_u8(&b->key, e->alert);
    buf_append(&b->key, e->name.at, e->name.len);
    if (b->err == MU_OK)
        b->err = b->key.err;
    codec_event_encode(fresh_value(b), e);
    put_value(b, &b->events, (struct postgres_put){ .a = device, .b = e->opened_us, .gone = gone },
              bytes_of(b->key.data, b->key.len));
}

void postgres_batch_event(struct journal_batch *port, uint32_t device, const struct journal_event *e)
{
    put_event(port, device, e, false);
}

void postgres_batch_forget_event(struct journal_batch *port, uint32_t device, const struct journal_event *e)
{
    postgres_batch_of(port)->drops = true;
    put_event(port, device, e, true);
}

void postgres_batch_forget_device(struct journal_batch *port, uint32_t device)
{
    struct postgres_batch *b = postgres_batch_of(port);

    b->drops = true;
    if (ARRAY_RESERVE(b->forgotten, b->forgotten_cap, b->forgotten_count + 1))
        b->forgotten[b->forgotten_count++] = device;
    else
        b->err = MU_E_NOMEM;
}

void postgres_batch_control(struct journal_batch *port, const struct journal_control *c)
{
    struct postgres_batch *b = postgres_batch_of(port);

    codec_control_encode(fresh_value(b), c);
    put_value(b, &b->controls, (struct postgres_put){ .a = c->ts_us, .b = postgres_request(c->request) }, none);
}

void postgres_batch_forget_controls(struct journal_batch *port, int64_t before_us)
{
    struct postgres_batch *b = postgres_batch_of(port);

    b->drops = true;
    b->controls_before_us = before_us;
}
