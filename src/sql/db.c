/* A connection to a database, whatever its kind. */
#include "sql/db.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "sql/db_driver.h"

bool db_is_sqlite(const struct db *db)
{
    return db->driver == &db_sqlite;
}

void db_close(struct db *db)
{
    if (db->driver)
        db->driver->close(db);
    *db = (struct db){ 0 };
}

/* --- rows -----------------------------------------------------------------------------------------*/

int64_t col_int(struct db_row *row)
{
    return row->driver->col_int(row);
}

uint32_t col_no(struct db_row *row)
{
    return (uint32_t)col_int(row);
}

double col_real(struct db_row *row, bool *set)
{
    return row->driver->col_real(row, set);
}

struct str col_str(struct db_row *row)
{
    return row->driver->col_str(row);
}

bool col_is_null(const struct db_row *row)
{
    return row->driver->col_is_null(row);
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

/* --- statements -----------------------------------------------------------------------------------*/

enum mu_err db_run(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    return db->driver->run(db, sql, values, count, DB_ALONE);
}

enum mu_err db_run_along(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    return db->driver->run(db, sql, values, count, DB_ALONG);
}

uint64_t db_changes(const struct db *db)
{
    return db->changed;
}

enum mu_err db_each(struct db *db, const char *sql, const struct db_value *values, size_t count, db_row_fn fn,
                    void *ctx)
{
    return db->driver->each(db, sql, values, count, false, fn, ctx);
}

enum mu_err db_each_big(struct db *db, const char *sql, const struct db_value *values, size_t count, db_row_fn fn,
                        void *ctx)
{
    return db->driver->each(db, sql, values, count, true, fn, ctx);
}

enum mu_err db_get(struct db *db, const char *sql, const struct db_value *values, size_t count,
                   void (*read)(struct db_row *row, void *out), void *out)
{
    return db->driver->get(db, sql, values, count, read, out);
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

static const struct db_value *with_number(struct db_value all[DB_VALUES_MAX], const struct db_value *values,
                                          size_t count, uint32_t no)
{
    assert(count < DB_VALUES_MAX);
    memcpy(all, values, count * sizeof(*values));
    all[count] = db_int(no);
    return all;
}

static enum mu_err update(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    enum mu_err err = db->driver->run(db, sql, values, count, DB_TRY);

    return err == MU_OK && !db_changes(db) ? MU_E_NOT_FOUND : err;
}

enum { ROWS_BYTES_MAX = 64 * 1024 * 1024 };

enum mu_err db_begin_rows(struct db_rows *r, struct db *db, const char *insert, const char *copy)
{
    *r = (struct db_rows){ .db = db, .insert = insert, .copy = copy };
    buf_init(&r->bytes, ROWS_BYTES_MAX);
    return db->driver->begin_rows ? db->driver->begin_rows(r) : MU_OK;
}

enum mu_err db_add_row(struct db_rows *r, const struct db_value *values, size_t count)
{
    return r->db->driver->add_row ? r->db->driver->add_row(r, values, count)
                                  : db_run_along(r->db, r->insert, values, count);
}

/* If err is one, a COPY that has begun is ended by the rollback. */
enum mu_err db_end_rows(struct db_rows *r, enum mu_err err)
{
    if (err == MU_OK && r->db->driver->end_rows)
        err = r->db->driver->end_rows(r);
    buf_free(&r->bytes);
    return err;
}

enum mu_err db_insert(struct db *db, const struct db_put *put, const struct db_value *values, size_t count, int64_t *no)
{
    return db->driver->insert(db, put, values, count, no);
}

enum mu_err db_put(struct db *db, const struct db_put *put, const struct db_value *values, size_t count, uint32_t *no)
{
    return db_put_numbered(db, put, (struct db_reserved){ 0 }, values, count, no);
}

enum mu_err db_put_numbered(struct db *db, const struct db_put *put, struct db_reserved reserved,
                            const struct db_value *values, size_t count, uint32_t *no)
{
    const struct db_put numbered = { .returning = put->numbered_returning };
    struct db_value all[DB_VALUES_MAX];
    int64_t given = 0;
    enum mu_err err;

    if (*no)
        return update(db, put->update, with_number(all, values, count, *no), count + 1);
    if (reserved.no && reserved.alone) {
        *no = reserved.no;
        return db_run_along(db, put->numbered, with_number(all, values, count, *no), count + 1);
    }
    if (reserved.no)
        err = db_insert(db, &numbered, with_number(all, values, count, reserved.no), count + 1, &given);
    else
        err = db_insert(db, put, values, count, &given);
    *no = (uint32_t)given;
    return err;
}

enum mu_err db_ahead(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    return db->driver->ahead ? db->driver->ahead(db, sql, values, count) : MU_OK;
}

void db_forget_ahead(struct db *db)
{
    if (db->driver->forget_ahead)
        db->driver->forget_ahead(db);
}

const char *db_said(const struct db *db, enum mu_err err)
{
    return db->driver->said(db, err);
}

/* --- transactions ---------------------------------------------------------------------------------*/

enum mu_err db_begin_write(struct db *db)
{
    return db->driver->begin_write(db);
}

enum mu_err db_commit(struct db *db)
{
    return db->driver->commit(db);
}

void db_rollback(struct db *db)
{
    db->driver->rollback(db);
}

enum mu_err db_begin_part(struct db *db)
{
    return db->driver->begin_part(db);
}

enum mu_err db_end_part(struct db *db, bool keep)
{
    return db->driver->end_part(db, keep);
}

bool db_in_transaction(const struct db *db)
{
    return db->driver->in_transaction(db);
}

enum mu_err db_begin_read(struct db *db)
{
    return db->driver->begin_read(db);
}

bool db_end_read(struct db *db)
{
    return db->driver->end_read(db);
}

void db_shrink(struct db *db)
{
    db->driver->shrink(db);
}
