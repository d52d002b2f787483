/* The driver of PostgreSQL. The work is done by src/postgres; here its calls are made those of db.h. */
#include "sql/db_driver.h"

#include <assert.h>

#include "postgres/pg.h"

/* The port knows nothing of connections: a database that cannot be reached is one that cannot be read or written. */
enum mu_err db_postgres_error(enum mu_err err)
{
    switch (err) {
    case MU_E_CLOSED:
    case MU_E_TIMEOUT:
    case MU_E_LOCKED:
    case MU_E_SCHEMA: return MU_E_IO;
    default: return err;
    }
}

/* A text that the server would refuse (it is not UTF-8, or has a NUL) was not sent: no row has it. */
static enum mu_err told_of_row(enum mu_err err)
{
    return err == MU_E_VALUE ? MU_E_NOT_FOUND : db_postgres_error(err);
}

/* --- statements -----------------------------------------------------------------------------------*/

static struct pg_value value_of(const struct db_value *v)
{
    switch (v->kind) {
    case DB_NULL: break;
    case DB_INT: return pg_int(v->integer);
    case DB_REAL: return pg_real(v->real);
    case DB_TEXT:
    case DB_BLOB: return pg_bytes(v->bytes, v->len);
    }
    return pg_null();
}

struct values_sent {
    struct pg_value at[DB_VALUES_MAX];
};

static const struct pg_value *values_of(struct values_sent *sent, const struct db_value *values, size_t count)
{
    assert(count <= DB_VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        sent->at[i] = value_of(&values[i]);
    return sent->at;
}

/* After a failure the server takes no statement before the transaction, or this part of it, is rolled back. */
static enum mu_err end_try(struct db *db, enum mu_err err)
{
    enum mu_err ended = MU_OK;

    if (err == MU_OK || err == MU_E_EXISTS || err == MU_E_NOT_FOUND)
        ended = pg_queue(db->pg, err == MU_OK ? "RELEASE put" : "ROLLBACK TO put", NULL, 0);
    return ended != MU_OK ? ended : err;
}

static enum mu_err run(struct db *db, const char *sql, const struct db_value *values, size_t count, enum db_how how)
{
    struct values_sent sent;
    enum mu_err err;

    values_of(&sent, values, count);
    if (how == DB_ALONG)
        return db_postgres_error(pg_queue(db->pg, sql, sent.at, count));
    if (how == DB_TRY && (err = pg_queue(db->pg, "SAVEPOINT put", NULL, 0)) != MU_OK)
        return db_postgres_error(err);
    err = pg_run(db->pg, sql, sent.at, count, &db->changed);
    return db_postgres_error(how == DB_TRY ? end_try(db, err) : err);
}

struct rows_wanted {
    void (*read)(struct db_row *row, void *out);
    void *out;
    db_row_fn each;
    void *ctx;
    enum mu_err err; /* of `each` */
};

static struct db_row row_of(const struct pg_row *row)
{
    return (struct db_row){ .driver = &db_postgres, .result = (void *)(uintptr_t)row->result, .row = row->row };
}

static void read_row(struct pg_row *from, void *out)
{
    const struct rows_wanted *reader = out;
    struct db_row row = row_of(from);

    reader->read(&row, reader->out);
}

static enum mu_err give_row(void *ctx, struct pg_row *from)
{
    struct rows_wanted *reader = ctx;
    struct db_row row = row_of(from);

    return reader->err = reader->each(reader->ctx, &row);
}

static enum mu_err get(struct db *db, const char *sql, const struct db_value *values, size_t count,
                       void (*read)(struct db_row *row, void *out), void *out)
{
    struct values_sent sent;
    struct rows_wanted reader = { .read = read, .out = out };

    return told_of_row(pg_get(db->pg, sql, values_of(&sent, values, count), count, read_row, &reader, NULL));
}

static enum mu_err each(struct db *db, const char *sql, const struct db_value *values, size_t count, bool big,
                        db_row_fn fn, void *ctx)
{
    struct values_sent sent;
    struct rows_wanted reader = { .each = fn, .ctx = ctx };

    values_of(&sent, values, count);
    enum mu_err err = (big ? pg_each_big : pg_each)(db->pg, sql, sent.at, count, give_row, &reader);
    if (reader.err != MU_OK)
        return reader.err;
    err = told_of_row(err);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

_Static_assert((int)DB_AHEAD_MAX <= (int)PG_AHEAD_MAX, "pg_ahead takes as many");

/* What the server would refuse is not sent then, either. */
static enum mu_err ahead(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    struct values_sent sent;
    enum mu_err err = pg_ahead(db->pg, sql, values_of(&sent, values, count), count);

    return err == MU_E_VALUE ? MU_OK : db_postgres_error(err);
}

static void forget_ahead(struct db *db)
{
    pg_forget_ahead(db->pg);
}

/* Another row that has the key is no failure to the server: then nothing is returned. */
static enum mu_err insert(struct db *db, const struct db_put *put, const struct db_value *values, size_t count,
                          int64_t *no)
{
    struct values_sent sent;
    uint64_t inserted = 1; /* stays so after a failure */
    enum mu_err err =
        pg_get(db->pg, put->returning, values_of(&sent, values, count), count, pg_read_int, no, &inserted);

    return inserted ? db_postgres_error(err) : MU_E_EXISTS;
}

/* --- columns --------------------------------------------------------------------------------------*/

static struct pg_row column_of(const struct db_row *row)
{
    return (struct pg_row){ row->result, row->row, row->column };
}

static int64_t read_int(struct db_row *row)
{
    struct pg_row column = column_of(row);

    row->column++;
    return pg_col_int(&column);
}

static double read_real(struct db_row *row, bool *set)
{
    struct pg_row column = column_of(row);

    row->column++;
    return pg_col_real(&column, set);
}

static struct str read_str(struct db_row *row)
{
    struct pg_row column = column_of(row);

    row->column++;
    return pg_col_str(&column);
}

static bool is_null(const struct db_row *row)
{
    struct pg_row column = column_of(row);

    return pg_col_is_null(&column);
}

/* --- transactions ---------------------------------------------------------------------------------*/

/* The lock makes writers of all nodes wait for each other, so that "look, then write" is safe, and changes are numbered
 * in the order of their commits. */
static enum mu_err begin_write(struct db *db)
{
    enum mu_err err = pg_begin(db->pg, PG_WRITE);

    if (err == MU_OK)
        err = pg_queue(db->pg, "SELECT pg_advisory_xact_lock(hashtext('muster.registry'))", NULL, 0);
    return db_postgres_error(err);
}

static enum mu_err commit(struct db *db)
{
    return pg_commit(db->pg);
}

static void rollback(struct db *db)
{
    pg_rollback(db->pg);
}

static enum mu_err begin_part(struct db *db)
{
    return db_postgres_error(pg_queue(db->pg, "SAVEPOINT one", NULL, 0));
}

static enum mu_err end_part(struct db *db, bool keep)
{
    enum mu_err err = keep ? MU_OK : pg_queue(db->pg, "ROLLBACK TO one", NULL, 0);

    return db_postgres_error(err == MU_OK ? pg_queue(db->pg, "RELEASE one", NULL, 0) : err);
}

static bool in_transaction(const struct db *db)
{
    return pg_in_transaction(db->pg);
}

static enum mu_err begin_read(struct db *db)
{
    return db_postgres_error(pg_begin(db->pg, PG_READ));
}

static bool end_read(struct db *db)
{
    pg_end_read(db->pg);
    return true;
}

static void shrink(struct db *db)
{
    (void)db;
}

static const char *said(const struct db *db, enum mu_err err)
{
    (void)db;
    return mu_err_text(err);
}

static void close_it(struct db *db)
{
    pg_close(db->pg);
}

const struct db_driver db_postgres = {
    .close = close_it,
    .run = run,
    .begin_rows = db_postgres_begin_rows,
    .add_row = db_postgres_add_row,
    .end_rows = db_postgres_end_rows,
    .insert = insert,
    .get = get,
    .each = each,
    .ahead = ahead,
    .forget_ahead = forget_ahead,
    .begin_write = begin_write,
    .commit = commit,
    .rollback = rollback,
    .begin_part = begin_part,
    .end_part = end_part,
    .in_transaction = in_transaction,
    .begin_read = begin_read,
    .end_read = end_read,
    .shrink = shrink,
    .said = said,
    .col_int = read_int,
    .col_real = read_real,
    .col_str = read_str,
    .col_is_null = is_null,
};
