/* The driver of SQLite: keeping statements, binding values to them, and reading their columns. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <stdio.h>

#include "sql/db_driver.h"

/* --- statements that are kept ---------------------------------------------------------------------*/

/* SQLite numbers the parameters as they appear, whatever their names. */
static void find_parameters(struct db_kept *kept)
{
    int count = sqlite3_bind_parameter_count(kept->statement);
    char name[8];

    assert(count <= DB_VALUES_MAX);
    kept->count = (uint8_t)count;
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "$%d", i + 1);
        kept->index[i] = (uint8_t)sqlite3_bind_parameter_index(kept->statement, name);
        assert(kept->index[i]);
    }
}

static enum mu_err find_statement(struct db *db, const char *sql, const struct db_kept **out)
{
    for (size_t i = 0; i < db->kept_count; i++) {
        if (db->kept[i].sql == sql) {
            *out = &db->kept[i];
            return MU_OK;
        }
    }

    assert(db->kept_count < DB_STATEMENTS_MAX);
    struct db_kept *kept = &db->kept[db->kept_count];
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept->statement, NULL);
    if (rc != SQLITE_OK)
        return sqlite_error(db, rc);
    kept->sql = sql;
    find_parameters(kept);
    db->kept_count++;
    *out = kept;
    return MU_OK;
}

static int bind_value(sqlite3_stmt *statement, int at, const struct db_value *v)
{
    switch (v->kind) {
    case DB_NULL: return sqlite3_bind_null(statement, at);
    case DB_INT: return sqlite3_bind_int64(statement, at, v->integer);
    case DB_REAL: return sqlite3_bind_double(statement, at, v->real);
    case DB_TEXT: return sqlite3_bind_text64(statement, at, v->bytes, v->len, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB: return sqlite3_bind_blob64(statement, at, v->bytes, v->len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* Starts a statement with all its values. */
static enum mu_err start(struct db *db, const char *sql, const struct db_value *values, size_t count,
                         sqlite3_stmt **out)
{
    enum mu_err err;
    const struct db_kept *kept = NULL;

    assert(db->handle && (values || !count));
    if ((err = find_statement(db, sql, &kept)) != MU_OK)
        return err;
    *out = kept->statement;
    sqlite3_reset(*out);
    assert(kept->count == count);
    for (size_t i = 0; i < count; i++) {
        int rc = bind_value(*out, kept->index[i], &values[i]);
        if (rc != SQLITE_OK)
            return sqlite_error(db, rc);
    }
    return MU_OK;
}

/* Goes to the next row: MU_OK; MU_E_NOT_FOUND after the last row; or an error. If it is not MU_OK, the statement has
 * ended. */
static enum mu_err next(struct db *db, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return MU_OK;
    enum mu_err err = rc == SQLITE_DONE ? MU_E_NOT_FOUND : sqlite_error(db, rc);
    sqlite3_reset(statement);
    return err;
}

/* SQLite undoes a statement that fails, and the transaction can go on. */
static enum mu_err run(struct db *db, const char *sql, const struct db_value *values, size_t count, enum db_how how)
{
    enum mu_err err;
    sqlite3_stmt *statement;

    (void)how;
    if ((err = start(db, sql, values, count, &statement)) != MU_OK)
        return err;
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = sqlite_error(db, rc);
    sqlite3_reset(statement);
    db->changed = (uint64_t)sqlite3_changes(db->handle);
    return err;
}

enum mu_err sqlite_exec(struct db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? MU_OK : sqlite_error(db, rc);
}

struct db_row sqlite_row(sqlite3_stmt *statement)
{
    return (struct db_row){ .driver = &db_sqlite, .result = statement };
}

static enum mu_err each(struct db *db, const char *sql, const struct db_value *values, size_t count, bool big,
                        db_row_fn fn, void *ctx)
{
    sqlite3_stmt *statement;
    enum mu_err err = start(db, sql, values, count, &statement);

    (void)big;
    if (err != MU_OK)
        return err;
    struct db_row row = sqlite_row(statement);
    while ((err = next(db, statement)) == MU_OK) {
        row.column = 0;
        err = fn(ctx, &row);
        assert(row.column <= sqlite3_column_count(statement));
        if (err != MU_OK) {
            sqlite3_reset(statement);
            return err;
        }
    }
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

static enum mu_err get(struct db *db, const char *sql, const struct db_value *values, size_t count,
                       void (*read)(struct db_row *row, void *out), void *out)
{
    sqlite3_stmt *statement;
    enum mu_err err = start(db, sql, values, count, &statement);

    if (err != MU_OK || (err = next(db, statement)) != MU_OK)
        return err;
    struct db_row row = sqlite_row(statement);
    read(&row, out);
    assert(row.column <= sqlite3_column_count(statement));
    sqlite3_reset(statement);
    return MU_OK;
}

static enum mu_err insert(struct db *db, const struct db_put *put, const struct db_value *values, size_t count,
                          int64_t *no)
{
    enum mu_err err = run(db, put->insert, values, count, DB_TRY);

    if (err == MU_OK)
        *no = sqlite3_last_insert_rowid(db->handle);
    return err;
}

/* --- columns --------------------------------------------------------------------------------------*/

static int64_t read_int(struct db_row *row)
{
    return sqlite3_column_int64(row->result, row->column++);
}

static double read_real(struct db_row *row, bool *set)
{
    *set = sqlite3_column_type(row->result, row->column) != SQLITE_NULL;
    return sqlite3_column_double(row->result, row->column++);
}

static struct str read_str(struct db_row *row)
{
    /* Read as a blob, since SQLite would copy a text to add its NUL. The column is looked up only once. Both matter for
     * a million rows. */
    sqlite3_value *value = sqlite3_column_value(row->result, row->column++);
    const char *at = sqlite3_value_blob(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    return (struct str){ at ? at : "", at ? len : 0 };
}

static bool is_null(const struct db_row *row)
{
    return sqlite3_column_type(row->result, row->column) == SQLITE_NULL;
}

/* --- transactions ---------------------------------------------------------------------------------*/

static enum mu_err begin_write(struct db *db)
{
    return run(db, "BEGIN IMMEDIATE", NULL, 0, DB_ALONE);
}

static bool in_transaction(const struct db *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

static void rollback(struct db *db)
{
    if (in_transaction(db))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

static enum mu_err commit(struct db *db)
{
    enum mu_err err = run(db, "COMMIT", NULL, 0, DB_ALONE);

    if (err != MU_OK)
        rollback(db);
    return err;
}

static enum mu_err begin_part(struct db *db)
{
    return run(db, "SAVEPOINT one", NULL, 0, DB_ALONE);
}

static enum mu_err end_part(struct db *db, bool keep)
{
    enum mu_err err = keep ? MU_OK : run(db, "ROLLBACK TO one", NULL, 0, DB_ALONE);

    return err == MU_OK ? run(db, "RELEASE one", NULL, 0, DB_ALONE) : err;
}

static enum mu_err begin_read(struct db *db)
{
    return run(db, "BEGIN", NULL, 0, DB_ALONE);
}

static bool end_read(struct db *db)
{
    /* A statement that was not read to its end would keep the transaction open. */
    for (size_t i = 0; i < db->kept_count; i++)
        sqlite3_reset(db->kept[i].statement);
    return run(db, "COMMIT", NULL, 0, DB_ALONE) == MU_OK;
}

static void shrink(struct db *db)
{
    sqlite3_db_release_memory(db->handle);
}

static const char *said(const struct db *db, enum mu_err err)
{
    (void)err;
    return sqlite3_errmsg(db->handle);
}

static void close_it(struct db *db)
{
    for (size_t i = 0; i < db->kept_count; i++)
        sqlite3_finalize(db->kept[i].statement);
    sqlite3_close(db->handle);
}

const struct db_driver db_sqlite = {
    .close = close_it,
    .run = run,
    .insert = insert,
    .get = get,
    .each = each,
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
