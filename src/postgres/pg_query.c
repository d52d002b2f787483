/* Statements. */
#include "postgres/pg_private.h"

#include <assert.h>
#include <stdio.h>

/* Then their results are read, so that neither side gathers too much. */
enum { QUEUED_MAX = 1000 };

/* How many rows pg_each_big has in memory. A round trip for each 5,000 is of no weight. */
#define PORTION "5000"

/* --- statements that are kept ---------------------------------------------------------------------*/

static enum mu_err prepare(struct pg *pg, struct pg_statement *s)
{
    enum mu_err err;
    PGresult *result;

    if (!PQsendPrepare(pg->conn, s->name, s->sql, 0, NULL))
        return pg_error(pg, NULL);
    if ((err = pg_collect(pg, &result)) != MU_OK)
        return err;
    PQclear(result);
    if (!PQsendDescribePrepared(pg->conn, s->name))
        return pg_error(pg, NULL);
    if ((err = pg_collect(pg, &result)) != MU_OK)
        return err;
    s->count = PQnparams(result);
    assert(s->count <= PG_VALUES_MAX);
    for (int i = 0; i < s->count; i++)
        s->types[i] = PQparamtype(result, i);
    PQclear(result);
    return MU_OK;
}

static enum mu_err find_statement(struct pg *pg, const char *sql, const struct pg_statement **out)
{
    enum mu_err err;

    for (size_t i = 0; i < pg->kept_count; i++) {
        if (pg->kept[i].sql == sql) {
            *out = &pg->kept[i];
            return MU_OK;
        }
    }
    assert(pg->kept_count < PG_STATEMENTS_MAX);
    struct pg_statement *s = &pg->kept[pg->kept_count];
    s->sql = sql;
    snprintf(s->name, sizeof(s->name), "s%zu", pg->kept_count);
    if ((err = prepare(pg, s)) != MU_OK)
        return err;
    pg->kept_count++;
    *out = s;
    return MU_OK;
}

enum mu_err pg_send(struct pg *pg, const char *sql, const struct pg_value *values, size_t count)
{
    enum mu_err err;
    const struct pg_statement *s = NULL;
    struct pg_parameters p;

    assert(values || !count);
    if (pg->failed != MU_OK)
        return pg->failed;
    if ((err = pg_ready(pg, NULL, 0)) != MU_OK || (err = find_statement(pg, sql, &s)) != MU_OK)
        return err;
    assert((size_t)s->count == count);
    if ((err = pg_encode(&pg->sent, s->types, values, count, &p)) != MU_OK)
        return err;
    if (!PQsendQueryPrepared(pg->conn, s->name, (int)count, p.at, p.len, p.format, 1))
        return pg_error(pg, NULL);
    return MU_OK;
}

enum mu_err pg_ask(struct pg *pg, const char *sql, const struct pg_value *values, size_t count, PGresult **out)
{
    enum mu_err err = pg_send(pg, sql, values, count);

    return err == MU_OK ? pg_collect(pg, out) : err;
}

static uint64_t changed_rows(PGresult *result)
{
    int64_t n = 0;
    const char *text = PQcmdTuples(result);

    return str_int64(str_of(text), &n) ? (uint64_t)n : 0;
}

enum mu_err pg_run(struct pg *pg, const char *sql, const struct pg_value *values, size_t count, uint64_t *changed)
{
    PGresult *result;
    enum mu_err err = pg_ask(pg, sql, values, count, &result);

    if (err != MU_OK)
        return err;
    if (changed)
        *changed = changed_rows(result);
    PQclear(result);
    return MU_OK;
}

/* *kept: it is not ours to free. */
static enum mu_err ask_or_know(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                               PGresult **out, bool *kept)
{
    enum mu_err err = pg_answered(pg, sql, values, count, out);

    *kept = *out != NULL;
    return err != MU_OK || *kept ? err : pg_ask(pg, sql, values, count, out);
}

enum mu_err pg_get(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                   void (*read)(struct pg_row *row, void *out), void *out, uint64_t *changed)
{
    PGresult *result;
    bool kept;
    enum mu_err err = ask_or_know(pg, sql, values, count, &result, &kept);

    if (err != MU_OK)
        return err;
    if (changed)
        *changed = changed_rows(result);
    if (PQntuples(result) > 0)
        read(&(struct pg_row){ .result = result }, out);
    else
        err = MU_E_NOT_FOUND;
    if (!kept)
        PQclear(result);
    return err;
}

void pg_read_int(struct pg_row *row, void *out)
{
    *(int64_t *)out = pg_col_int(row);
}

static enum mu_err give_rows(PGresult *result, enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx)
{
    enum mu_err err = MU_OK;

    for (int i = 0; i < PQntuples(result) && err == MU_OK; i++)
        err = fn(ctx, &(struct pg_row){ .result = result, .row = i });
    return err;
}

enum mu_err pg_each(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                    enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx)
{
    PGresult *result;
    bool kept;
    enum mu_err err = ask_or_know(pg, sql, values, count, &result, &kept);

    if (err != MU_OK)
        return err;
    err = give_rows(result, fn, ctx);
    if (!kept)
        PQclear(result);
    return err;
}

/* A statement that is used once; it is not kept. */
static enum mu_err ask_once(struct pg *pg, const char *sql, size_t count, const struct pg_parameters *p,
                            const Oid *types, PGresult **out)
{
    if (pg->failed != MU_OK)
        return pg->failed;
    if (!PQsendQueryParams(pg->conn, sql, (int)count, types, p ? p->at : NULL, p ? p->len : NULL, p ? p->format : NULL,
                           1))
        return pg_error(pg, NULL);
    return pg_collect(pg, out);
}

static enum mu_err open_cursor(struct pg *pg, const char *name, const char *sql, const struct pg_value *values,
                               size_t count)
{
    enum mu_err err;
    const struct pg_statement *s = NULL;
    struct pg_parameters p;
    PGresult *result = NULL;
    struct buf text;

    if ((err = pg_ready(pg, NULL, 0)) != MU_OK || (err = find_statement(pg, sql, &s)) != MU_OK ||
        (err = pg_encode(&pg->sent, s->types, values, count, &p)) != MU_OK)
        return err;
    buf_init(&text, strlen(sql) + 100);
    buf_printf(&text, "DECLARE %s NO SCROLL CURSOR FOR %s", name, sql);
    buf_append_u8(&text, 0);
    if ((err = text.err) == MU_OK)
        err = ask_once(pg, (const char *)text.data, count, &p, s->types, &result);
    PQclear(result);
    buf_free(&text);
    return err;
}

enum mu_err pg_cursor_open(struct pg_cursor *out, struct pg *pg, const char *sql, const struct pg_value *values,
                           size_t count)
{
    assert(pg->in_tx);
    *out = (struct pg_cursor){ .pg = pg };
    if (pg->failed != MU_OK)
        return pg->failed;
    snprintf(out->name, sizeof(out->name), "big%u", pg->cursors++);
    return open_cursor(pg, out->name, sql, values, count);
}

static enum mu_err fetch(struct pg_cursor *c)
{
    char sql[48];
    PGresult *result = NULL;

    PQclear(c->rows);
    c->rows = NULL;
    c->at = c->count = 0;
    snprintf(sql, sizeof(sql), "FETCH " PORTION " FROM %s", c->name);
    enum mu_err err = ask_once(c->pg, sql, 0, NULL, NULL, &result);
    c->failed = err != MU_OK;
    if (!c->failed) {
        c->rows = result;
        c->count = PQntuples(result);
    }
    return err;
}

enum mu_err pg_cursor_next(struct pg_cursor *c, struct pg_row *row, bool *any)
{
    enum mu_err err = c->at == c->count ? fetch(c) : MU_OK;

    *any = c->at < c->count;
    *row = (struct pg_row){ .result = c->rows, .row = c->at };
    c->at += *any;
    return err;
}

enum mu_err pg_cursor_close(struct pg_cursor *c)
{
    char sql[32];
    PGresult *result = NULL;

    PQclear(c->rows);
    c->rows = NULL;
    if (c->failed || !c->pg->conn)
        return MU_OK;
    snprintf(sql, sizeof(sql), "CLOSE %s", c->name);
    enum mu_err err = ask_once(c->pg, sql, 0, NULL, NULL, &result);
    if (err == MU_OK)
        PQclear(result);
    return err;
}

enum mu_err pg_each_big(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                        enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx)
{
    struct pg_cursor c;
    struct pg_row row;
    enum mu_err err = pg_cursor_open(&c, pg, sql, values, count);
    bool any = true;

    if (err != MU_OK)
        return err;
    while ((err = pg_cursor_next(&c, &row, &any)) == MU_OK && any && (err = fn(ctx, &row)) == MU_OK)
        ;
    enum mu_err closed = pg_cursor_close(&c);
    return err != MU_OK ? err : closed;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

enum mu_err pg_exec(struct pg *pg, const char *sql)
{
    enum mu_err err, entered;
    PGresult *result;

    if (pg->failed != MU_OK)
        return pg->failed;
    if ((err = pg_ready(pg, NULL, 0)) != MU_OK || (err = pg_leave_pipeline(pg)) != MU_OK)
        return err;
    if (!PQsendQuery(pg->conn, sql) || (err = pg_push(pg, true)) != MU_OK)
        return err != MU_OK ? err : pg_error(pg, NULL);
    while (pg->conn) {
        enum mu_err got = pg_next_result(pg, &result);
        if (got == MU_OK && !result)
            break;
        if (got == MU_OK && is_good(result))
            PQclear(result);
        else
            got = got == MU_OK ? pg_error(pg, result) : got;
        err = err != MU_OK ? err : got;
    }
    entered = pg->conn ? pg_enter_pipeline(pg) : MU_OK;
    return err != MU_OK ? err : entered;
}

/* --- statements that are sent along ---------------------------------------------------------------*/

enum mu_err pg_queue(struct pg *pg, const char *sql, const struct pg_value *values, size_t count)
{
    enum mu_err err;

    assert(pg->in_tx);
    if ((err = pg_send(pg, sql, values, count)) != MU_OK)
        return err;
    pg->queued++;
    return pg->queued < QUEUED_MAX ? MU_OK : pg_flush(pg);
}

enum mu_err pg_flush(struct pg *pg)
{
    if (pg->failed != MU_OK || pg->lost)
        return pg->lost ? MU_E_CLOSED : pg->failed;
    return pg->queued > 0 ? pg_collect(pg, NULL) : MU_OK;
}
