#ifndef MUSTER_SQL_DB_H
#define MUSTER_SQL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log_limit.h"
#include "base/text.h"

/* A connection to a database that holds a registry: SQLite or PostgreSQL. One text of a statement serves both; its
 * parameters are $1, $2, …, bound by their numbers. What the two do not share (a file, its pages, its copy) is in
 * sqlite_file.h.
 *
 * One thread uses a connection at a time. A statement that fails inside a transaction leaves it usable only on SQLite.
 * What may fail and is followed by other statements is run by db_put. */

enum { DB_STATEMENTS_MAX = 160, DB_VALUES_MAX = 20 };

struct db_driver;
struct db {
    const struct db_driver *driver; /* NULL: closed. All below is private to the drivers */
    uint64_t changed;
    struct pg *pg;
    struct sqlite3 *handle;
    struct db_kept {
        const char *sql;
        struct sqlite3_stmt *statement;
        uint8_t count, index[DB_VALUES_MAX]; /* where SQLite has each parameter */
    } kept[DB_STATEMENTS_MAX];
    size_t kept_count;
    struct log_limit failures;
};

void db_close(struct db *db);

/* Takes the text that the driver of the connection understands, where there is no common one. */
#define DB_SQL(db, sqlite, postgres) (db_is_sqlite(db) ? (sqlite) : (postgres))
bool db_is_sqlite(const struct db *db);

/* --- values ---------------------------------------------------------------------------------------*/

/* A value to bind. Texts and blobs must live until the statement has ended. */
struct db_value {
    enum { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB } kind;
    int64_t integer;
    double real;
    const void *bytes;
    size_t len;
};

static inline struct db_value db_int(int64_t v)
{
    return (struct db_value){ .kind = DB_INT, .integer = v };
}

/* A row's number; 0 means none and becomes NULL. */
static inline struct db_value db_ref(uint32_t no)
{
    return (struct db_value){ .kind = no ? DB_INT : DB_NULL, .integer = no };
}

static inline struct db_value db_real(bool set, double v)
{
    return (struct db_value){ .kind = set ? DB_REAL : DB_NULL, .real = v };
}

static inline struct db_value db_str(struct str s)
{
    return (struct db_value){ .kind = DB_TEXT, .bytes = s.at ? s.at : "", .len = s.len };
}

static inline struct db_value db_text(const char *text)
{
    return db_str(str_of(text));
}

static inline struct db_value db_blob(const void *bytes, size_t len)
{
    return (struct db_value){ .kind = DB_BLOB, .bytes = len ? bytes : "", .len = len };
}

#define DB_VALUES(...) \
    (const struct db_value[]){ __VA_ARGS__ }, sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)

/* --- rows -----------------------------------------------------------------------------------------*/

/* Reads the columns of a row from left to right. */
struct db_row {
    const struct db_driver *driver; /* private, as the rest */
    void *result;
    int row, column;
};

int64_t col_int(struct db_row *row);
uint32_t col_no(struct db_row *row);
double col_real(struct db_row *row, bool *set);
void col_text(struct db_row *row, char *out, size_t size);
struct str col_str(struct db_row *row); /* valid until the next row */
void col_bytes(struct db_row *row, void *out, size_t size);
bool col_is_null(const struct db_row *row); /* the next column; it is not skipped */

/* --- statements -----------------------------------------------------------------------------------
 * A statement is prepared once and kept as long as the connection. It is found by the address of its text, so the text
 * must be a literal. */

/* Runs a statement without results. db_changes tells how many rows it inserted, updated or deleted. */
MU_MUST_USE enum mu_err db_run(struct db *db, const char *sql, const struct db_value *values, size_t count);
uint64_t db_changes(const struct db *db);
/* The same, but PostgreSQL gets it together with the next statement. It is for statements that can fail only together
 * with the whole transaction. Then the error may come from a later call. */
MU_MUST_USE enum mu_err db_run_along(struct db *db, const char *sql, const struct db_value *values, size_t count);

/* Inserts a row (*no == 0; *no is set to its number) or updates it. In `update` the number is the parameter after all
 * values. MU_E_EXISTS: the transaction can go on. So it can after an update with MU_E_NOT_FOUND, which also means that
 * no row was changed. */
struct db_put {
    const char *insert, *returning, *update;
    const char *numbered, *numbered_returning; /* with the number as the parameter after all values */
};
/* SQLite remembers the last number by itself. With RETURNING it would keep a journal for the statement. */
#define DB_RETURNING(text) text " ON CONFLICT DO NOTHING RETURNING no"
#define DB_INSERT(text)    .insert = text, .returning = DB_RETURNING(text)
#define DB_NUMBERED(text)  .numbered = text, .numbered_returning = DB_RETURNING(text)
MU_MUST_USE enum mu_err db_put(struct db *db, const struct db_put *put, const struct db_value *values, size_t count,
                               uint32_t *no);
/* The same, but a new row may get a number that was reserved. */
struct db_reserved {
    uint32_t no; /* 0: none was */
    bool alone;  /* no other row has its keys: then it is sent along with the next statement */
};
MU_MUST_USE enum mu_err db_put_numbered(struct db *db, const struct db_put *put, struct db_reserved reserved,
                                        const struct db_value *values, size_t count, uint32_t *no);
MU_MUST_USE enum mu_err db_insert(struct db *db, const struct db_put *put, const struct db_value *values, size_t count,
                                  int64_t *no);

/* Inserts many rows of a table. PostgreSQL takes them by one COPY: other statements wait until db_end_rows. Its texts are
 * literals: `insert` as for db_run, `copy` "COPY t (a, b) FROM STDIN (FORMAT binary)". Integers go into bigint only. */
struct db_rows {
    struct db *db;
    const char *insert, *copy;
    struct buf bytes; /* private, as the next */
    size_t count;
};
MU_MUST_USE enum mu_err db_begin_rows(struct db_rows *r, struct db *db, const char *insert, const char *copy);
MU_MUST_USE enum mu_err db_add_row(struct db_rows *r, const struct db_value *values, size_t count);
/* In any case, after db_begin_rows. err: what has happened so far; returned if it is one. */
MU_MUST_USE enum mu_err db_end_rows(struct db_rows *r, enum mu_err err);

/* Calls fn for each row. An error of fn ends that and is returned. fn may run other statements. */
typedef enum mu_err (*db_row_fn)(void *ctx, struct db_row *row);
MU_MUST_USE enum mu_err db_each(struct db *db, const char *sql, const struct db_value *values, size_t count,
                                db_row_fn fn, void *ctx);
/* The same for results that are too large to be in memory at once. Only in a transaction. */
MU_MUST_USE enum mu_err db_each_big(struct db *db, const char *sql, const struct db_value *values, size_t count,
                                    db_row_fn fn, void *ctx);
/* Reads the first row; MU_E_NOT_FOUND: there is none. */
MU_MUST_USE enum mu_err db_get(struct db *db, const char *sql, const struct db_value *values, size_t count,
                               void (*read)(struct db_row *row, void *out), void *out);
/* The first column of the first row; MU_E_NOT_FOUND: there is no row. NULL becomes 0 or "". A text that is too long is
 * cut. */
MU_MUST_USE enum mu_err db_int_of(struct db *db, const char *sql, const struct db_value *values, size_t count,
                                  int64_t *out);
MU_MUST_USE enum mu_err db_text_of(struct db *db, const char *sql, const struct db_value *values, size_t count,
                                   char *out, size_t size);
/* The first column of all rows; *out is malloc'ed, NULL if there are none. */
MU_MUST_USE enum mu_err db_numbers(struct db *db, const char *sql, const struct db_value *values, size_t count,
                                   uint32_t **out, size_t *out_count);

/* Tells what later calls will read with this statement and these values, none of which is a real or NULL. PostgreSQL
 * gives all that were told at once, and the calls read from memory until db_forget_ahead, or the end of the transaction.
 * The caller knows that nothing that is written meanwhile changes what they read. */
enum { DB_AHEAD = 256, DB_AHEAD_MAX = 2048 /* without db_forget_ahead */ };
MU_MUST_USE enum mu_err db_ahead(struct db *db, const char *sql, const struct db_value *values, size_t count);
void db_forget_ahead(struct db *db);

/* What the database said about the last failure; err: what was returned. */
const char *db_said(const struct db *db, enum mu_err err);

/* --- transactions ---------------------------------------------------------------------------------
 * Writers come one after the other: a second one waits in db_begin_write or at its first statement. A reading
 * transaction sees one moment and waits for nobody. */

MU_MUST_USE enum mu_err db_begin_write(struct db *db);
/* After any error but MU_E_CLOSED and MU_E_TIMEOUT nothing was committed. After these two it is unknown. The
 * transaction has ended in any case. */
MU_MUST_USE enum mu_err db_commit(struct db *db);
void db_rollback(struct db *db); /* a no-op if there is no transaction */
/* Begins a part of a transaction that can be undone by itself; ends it with its changes or without them. */
MU_MUST_USE enum mu_err db_begin_part(struct db *db);
MU_MUST_USE enum mu_err db_end_part(struct db *db, bool keep);
/* False: after some failures (disk full, connection lost) the whole transaction is lost. */
bool db_in_transaction(const struct db *db);

MU_MUST_USE enum mu_err db_begin_read(struct db *db);
/* False: the connection is of no use any more. */
bool db_end_read(struct db *db);
/* So much will not be read again soon. */
void db_shrink(struct db *db);

#endif
