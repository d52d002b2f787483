/* A connection to SQLite: keeping statements, binding values to them, reading their columns, and what SQLite's errors
 * mean here. All other files of the registry query through it. */
#include "sql/sqlite_registry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/sqlite_pages.h"

#define LOG_RATE  1 /* log lines about failures a second; below: how many at once */
#define LOG_BURST 5

static enum mu_err error_of(struct db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM: return MU_E_NOMEM;
    case SQLITE_FULL: return MU_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return MU_E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return MU_E_LOCKED;
    case SQLITE_TOOBIG: return MU_E_LIMIT;
    case SQLITE_IOERR: {
        if (rc == SQLITE_IOERR_DATA)
            return MU_E_CORRUPT;
        /* Only a lack of room makes the shared-memory index fail to grow, and SQLite keeps no errno of it. */
        int os = sqlite3_system_errno(db->handle);
        return rc == SQLITE_IOERR_SHMSIZE ? MU_E_FULL : mu_err_of_errno(os);
    }
    default: return MU_E_IO;
    }
}

uint32_t db_damaged_page(struct db *db)
{
    uint32_t page = 0;

    sqlite3_file_control(db->handle, "main", PAGES_FCNTL_DAMAGED, &page);
    return page;
}

enum mu_err db_error(struct db *db, int rc)
{
    uint32_t page = rc == SQLITE_IOERR_DATA && db->handle ? db_damaged_page(db) : 0;
    char damaged[80] = "";

    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return MU_E_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return MU_E_NOT_FOUND;
    default: break;
    }
    if (page)
        snprintf(damaged, sizeof(damaged), "page %u is damaged (its checksum is wrong)", page);
    if (bucket_take(&db->log_bucket, LOG_RATE, LOG_BURST, 1, clock_mono_us())) {
        log_event(LOG_ERROR, "registry_failed", "code=%d error=%s suppressed=%u", rc,
                  LOG_Q(page         ? damaged
                        : db->handle ? sqlite3_errmsg(db->handle)
                                     : sqlite3_errstr(rc),
                        -1),
                  db->log_suppressed);
        db->log_suppressed = 0;
    } else {
        db->log_suppressed++;
    }
    return error_of(db, rc);
}

static enum mu_err find_statement(struct db *db, const char *sql, sqlite3_stmt **out)
{
    for (size_t i = 0; i < db->kept_count; i++) {
        if (db->kept[i].sql == sql) {
            *out = db->kept[i].statement;
            return MU_OK;
        }
    }

    assert(db->kept_count < DB_STATEMENTS_MAX);
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc != SQLITE_OK)
        return db_error(db, rc);
    db->kept[db->kept_count].sql = sql;
    db->kept[db->kept_count].statement = *out;
    db->kept_count++;
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

    assert(db->handle && (values || !count));
    if ((err = find_statement(db, sql, out)) != MU_OK)
        return err;
    sqlite3_reset(*out);
    assert((size_t)sqlite3_bind_parameter_count(*out) == count);
    for (size_t i = 0; i < count; i++) {
        int rc = bind_value(*out, (int)i + 1, &values[i]);
        if (rc != SQLITE_OK)
            return db_error(db, rc);
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
    enum mu_err err = rc == SQLITE_DONE ? MU_E_NOT_FOUND : db_error(db, rc);
    sqlite3_reset(statement);
    return err;
}

enum mu_err db_run(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    enum mu_err err;
    sqlite3_stmt *statement;

    if ((err = start(db, sql, values, count, &statement)) != MU_OK)
        return err;
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = db_error(db, rc);
    sqlite3_reset(statement);
    return err;
}

enum mu_err db_exec(struct db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? MU_OK : db_error(db, rc);
}

enum mu_err db_each(struct db *db, const char *sql, const struct db_value *values, size_t count,
                    enum mu_err (*fn)(void *ctx, struct db_row *row), void *ctx)
{
    struct db_row row = { 0 };
    enum mu_err err = start(db, sql, values, count, &row.statement);

    if (err != MU_OK)
        return err;
    while ((err = next(db, row.statement)) == MU_OK) {
        row.column = 0;
        err = fn(ctx, &row);
        assert(row.column <= sqlite3_column_count(row.statement));
        if (err != MU_OK) {
            sqlite3_reset(row.statement);
            return err;
        }
    }
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err db_get(struct db *db, const char *sql, const struct db_value *values, size_t count,
                   void (*read)(struct db_row *row, void *out), void *out)
{
    struct db_row row = { 0 };
    enum mu_err err = start(db, sql, values, count, &row.statement);

    if (err != MU_OK || (err = next(db, row.statement)) != MU_OK)
        return err;
    read(&row, out);
    assert(row.column <= sqlite3_column_count(row.statement));
    sqlite3_reset(row.statement);
    return MU_OK;
}

static void read_int(struct db_row *row, void *out)
{
    *(int64_t *)out = col_int(row);
}

enum mu_err db_int_of(struct db *db, const char *sql, const struct db_value *values, size_t count, int64_t *out)
{
    return db_get(db, sql, values, count, read_int, out);
}

struct text_out {
    char *at;
    size_t size;
};

static void read_text(struct db_row *row, void *out)
{
    const struct text_out *text = out;
    col_text(row, text->at, text->size);
}

enum mu_err db_text_of(struct db *db, const char *sql, const struct db_value *values, size_t count, char *out,
                       size_t size)
{
    return db_get(db, sql, values, count, read_text, &(struct text_out){ out, size });
}

struct number_list {
    uint32_t *at;
    uint32_t cap;
    size_t count;
};

static enum mu_err add_number(void *ctx, struct db_row *row)
{
    struct number_list *n = ctx;

    if (!ARRAY_RESERVE(n->at, n->cap, n->count + 1))
        return MU_E_NOMEM;
    n->at[n->count++] = col_no(row);
    return MU_OK;
}

enum mu_err db_numbers(struct db *db, const char *sql, const struct db_value *values, size_t count, uint32_t **out,
                       size_t *out_count)
{
    struct number_list n = { 0 };
    enum mu_err err = db_each(db, sql, values, count, add_number, &n);

    if (err != MU_OK) {
        free(n.at);
        n = (struct number_list){ 0 };
    }
    *out = n.at;
    *out_count = n.count;
    return err;
}

int64_t col_int(struct db_row *row)
{
    return sqlite3_column_int64(row->statement, row->column++);
}

uint32_t col_no(struct db_row *row)
{
    return (uint32_t)col_int(row);
}

double col_real(struct db_row *row, bool *set)
{
    *set = sqlite3_column_type(row->statement, row->column) != SQLITE_NULL;
    return sqlite3_column_double(row->statement, row->column++);
}

struct str col_str(struct db_row *row)
{
    /* Read as a blob, since SQLite would copy a text to add its NUL. The column is looked up only once. Both matter for
     * a million rows. */
    sqlite3_value *value = sqlite3_column_value(row->statement, row->column++);
    const char *at = sqlite3_value_blob(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    return (struct str){ at ? at : "", at ? len : 0 };
}

void col_text(struct db_row *row, char *out, size_t size)
{
    assert(size > 0);
    struct str s = col_str(row);
    size_t len = s.len < size ? s.len : size - 1;
    memcpy(out, s.at, len);
    out[len] = '\0';
}

void col_bytes(struct db_row *row, void *out, size_t size)
{
    struct str s = col_str(row);
    memcpy(out, s.at, s.len < size ? s.len : size);
}

enum mu_err db_put_result(struct db *db, enum mu_err err, uint32_t *no)
{
    assert(no);
    if (err != MU_OK)
        return err;
    if (*no == 0)
        *no = (uint32_t)sqlite3_last_insert_rowid(db->handle);
    else if (sqlite3_changes(db->handle) == 0)
        return MU_E_NOT_FOUND;
    return MU_OK;
}
