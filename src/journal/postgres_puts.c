#include "journal/postgres_internal.h"

#include <stdlib.h>
#include <string.h>

/* Rows that replace others, or delete them. They are sorted by key before they are sent: a statement must not meet a key
 * twice, and nodes that write at once take their locks in one order. Measured against COPY into a temporary table and
 * INSERT … SELECT from it: arrays are as fast for thousands of rows, faster for few, and need no table. */

/* Far above LIMIT_BATCH. */
#define BYTES_MAX (UINT32_C(32) * 1024 * 1024)

void postgres_puts_init(struct postgres_puts *p)
{
    *p = (struct postgres_puts){ 0 };
    buf_init(&p->bytes, BYTES_MAX);
}

void postgres_puts_free(struct postgres_puts *p)
{
    free(p->put);
    buf_free(&p->bytes);
}

void postgres_puts_clear(struct postgres_puts *p)
{
    p->count = 0;
    buf_clear(&p->bytes);
}

enum mu_err postgres_puts_add(struct postgres_puts *p, const struct postgres_put *put, struct bytes key,
                              struct bytes value)
{
    if (!ARRAY_RESERVE(p->put, p->cap, p->count + 1))
        return MU_E_NOMEM;
    struct postgres_put *at = &p->put[p->count];
    *at = *put;
    at->at = (uint32_t)p->bytes.len;
    at->key_len = (uint32_t)key.left;
    at->len = (uint32_t)value.left;
    at->order = p->count;
    buf_append(&p->bytes, key.at, key.left);
    buf_append(&p->bytes, value.at, value.left);
    if (p->bytes.err == MU_OK)
        p->count++;
    return p->bytes.err;
}

static int compare_keys(const struct postgres_put *a, const struct postgres_put *b, const uint8_t *bytes)
{
    uint32_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
    int order = (a->a > b->a) - (a->a < b->a);

    if (order == 0)
        order = (a->b > b->b) - (a->b < b->b);
    if (order == 0 && len)
        order = memcmp(bytes + a->at, bytes + b->at, len);
    return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int compare_puts(const void *left, const void *right, void *bytes)
{
    const struct postgres_put *a = left, *b = right;
    int order = compare_keys(a, b, bytes);

    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* Keeps the last one of each key. */
static void keep_last(struct postgres_puts *p)
{
    uint32_t kept = 0;

    qsort_r(p->put, p->count, sizeof(*p->put), compare_puts, p->bytes.data);
    for (uint32_t i = 0; i < p->count; i++)
        if (i + 1 == p->count || compare_keys(&p->put[i], &p->put[i + 1], p->bytes.data) != 0)
            p->put[kept++] = p->put[i];
    p->count = kept;
}

struct postgres_columns {
    int64_t *a, *b;
    struct str *key, *value;
};

static struct str text_of(const struct postgres_puts *p, size_t at, size_t len)
{
    return (struct str){ len ? (const char *)p->bytes.data + at : "", len };
}

/* Fills the columns with those to put or those that are gone; returns how many. */
static size_t fill(const struct postgres_puts *p, bool gone, const struct postgres_columns *c)
{
    size_t n = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        const struct postgres_put *at = &p->put[i];
        if (at->gone != gone)
            continue;
        c->a[n] = at->a;
        c->b[n] = at->b;
        c->key[n] = text_of(p, at->at, at->key_len);
        c->value[n] = text_of(p, (size_t)at->at + at->key_len, at->len);
        n++;
    }
    return n;
}

static enum mu_err write_columns(struct pg *pg, const char *sql, const struct postgres_table *t,
                                 const struct postgres_columns *c, size_t rows, bool with_value)
{
    struct pg_value values[4];
    size_t count = 0;

    if (!rows)
        return MU_OK;
    values[count++] = pg_ints(c->a, rows);
    if (t->has_b)
        values[count++] = pg_ints(c->b, rows);
    if (t->has_key)
        values[count++] = pg_strs(c->key, rows);
    if (with_value)
        values[count++] = pg_strs(c->value, rows);
    return pg_queue(pg, sql, values, count);
}

enum mu_err postgres_puts_write(struct postgres_puts *p, struct pg *pg, const struct postgres_table *table)
{
    enum mu_err err;
    struct postgres_columns c;

    if (!p->count)
        return MU_OK;
    keep_last(p);
    size_t row = 2 * sizeof(int64_t) + 2 * sizeof(struct str);
    char *memory = malloc(p->count * row);
    if (!memory)
        return MU_E_NOMEM;
    c.a = (int64_t *)memory;
    c.b = c.a + p->count;
    c.key = (struct str *)(c.b + p->count);
    c.value = c.key + p->count;
    err = table->drop ? write_columns(pg, table->drop, table, &c, fill(p, true, &c), false) : MU_OK;
    if (err == MU_OK)
        err = write_columns(pg, table->put, table, &c, fill(p, false, &c), table->has_value);
    free(memory);
    return err;
}
