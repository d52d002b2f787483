/* What was asked ahead. The answers stay in the order in which they were asked for. They are mostly looked up in the same
 * order, so a search begins where the last one ended. */
#include "postgres/pg_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/hash.h"

/* Appends the values as bytes that differ from those of other values. */
static void write_key(struct buf *out, const struct pg_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(values[i].kind == PG_INT || values[i].kind == PG_BYTES);
        buf_append_u8(out, (uint8_t)values[i].kind);
        if (values[i].kind == PG_INT) {
            buf_append_u64be(out, (uint64_t)values[i].integer);
        } else {
            buf_append_u32be(out, (uint32_t)values[i].len);
            buf_append(out, values[i].at, values[i].len);
        }
    }
}

static bool can_be_ahead(const struct pg_read_ahead *a, const struct pg_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind != PG_INT && values[i].kind != PG_BYTES)
            return false;
    }
    return a->count > 0;
}

/* The key is at the end of a->keys. Returns a->count if it was not asked ahead. */
static size_t find(const struct pg_read_ahead *a, const struct pg_answer *key)
{
    for (size_t n = 0, i = a->last; n < a->count; n++, i++) {
        const struct pg_answer *at = &a->answers[i = i < a->count ? i : 0];
        if (at->hash == key->hash && at->sql == key->sql && at->len == key->len &&
            memcmp(a->keys.data + at->at, a->keys.data + key->at, key->len) == 0)
            return i;
    }
    return a->count;
}

static struct pg_answer begin_key(struct pg_read_ahead *a, const char *sql, const struct pg_value *values, size_t count)
{
    struct pg_answer key = { .sql = sql, .at = a->keys.len };

    write_key(&a->keys, values, count);
    key.len = a->keys.len - key.at;
    key.hash = XXH3_64bits_withSeed(key.len ? (const char *)a->keys.data + key.at : "", key.len, (uintptr_t)sql);
    return key;
}

void pg_forget_ahead(struct pg *pg)
{
    struct pg_read_ahead *a = &pg->ahead;

    for (size_t i = 0; i < a->got; i++)
        PQclear(a->answers[i].result);
    a->count = a->got = a->last = 0;
    buf_clear(&a->keys);
}

void pg_free_ahead(struct pg *pg)
{
    pg_forget_ahead(pg);
    free(pg->ahead.answers);
    buf_free(&pg->ahead.keys);
}

enum mu_err pg_ahead(struct pg *pg, const char *sql, const struct pg_value *values, size_t count)
{
    struct pg_read_ahead *a = &pg->ahead;
    enum mu_err err;

    assert(pg->in_tx && a->count < PG_AHEAD_MAX);
    struct pg_answer key = begin_key(a, sql, values, count);
    if ((err = a->keys.err) != MU_OK || find(a, &key) < a->count)
        goto out;
    err = pg->queued == a->count - a->got ? MU_OK : pg_flush(pg);
    if (err == MU_OK && !ARRAY_RESERVE(a->answers, a->cap, a->count + 1))
        err = MU_E_NOMEM;
    if (err != MU_OK || (err = pg_send(pg, sql, values, count)) != MU_OK)
        goto out;
    pg->queued++;
    a->answers[a->count++] = key;
    return MU_OK;
out:
    a->keys.len = key.at;
    return err;
}

enum mu_err pg_answered(struct pg *pg, const char *sql, const struct pg_value *values, size_t count, PGresult **out)
{
    struct pg_read_ahead *a = &pg->ahead;
    enum mu_err err;

    *out = NULL;
    if (!can_be_ahead(a, values, count))
        return MU_OK;
    struct pg_answer key = begin_key(a, sql, values, count);
    size_t found = a->keys.err == MU_OK ? find(a, &key) : a->count;
    a->keys.len = key.at;
    if (found == a->count)
        return a->keys.err;
    if (found >= a->got && (err = pg_flush(pg)) != MU_OK)
        return err;
    assert(found < a->got);
    a->last = found;
    *out = a->answers[found].result;
    return MU_OK;
}
