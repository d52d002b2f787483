#ifndef MUSTER_POSTGRES_PG_H
#define MUSTER_POSTGRES_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"

/* What the stores over PostgreSQL share: a connection, its statements, transactions, COPY, and the versions of a
 * schema.
 *
 * A commit that has returned is synced, also where synchronous_commit is off: so much is done in each that it would gain
 * little, and it would lose what was acknowledged. Its other values are left as they are.
 *
 * One thread uses a connection at a time. Every call may block, but only for the times in struct pg_settings.
 *
 * Errors:
 *   MU_E_CLOSED     the server cannot be reached, went away, or takes no writes (a standby, a server that shuts down)
 *   MU_E_TIMEOUT    a statement took too long
 *   MU_E_FULL       the server's disk is full
 *   MU_E_EXISTS     another row has this key
 *   MU_E_NOT_FOUND  a row that this one refers to does not exist, or it is referred to
 *   MU_E_VALUE      the server refused a value; or a text has a NUL or is not UTF-8 (found before it is sent)
 *   MU_E_LOCKED     a deadlock, a conflict with another transaction, a lock that was not had in time
 *   MU_E_SCHEMA     a table is missing, or the schema is of another version
 *   MU_E_CORRUPT    the server found damaged data
 *   MU_E_LIMIT, MU_E_NOMEM, MU_E_IO: anything else
 * All but MU_E_EXISTS, MU_E_NOT_FOUND, and MU_E_VALUE are logged, a few lines a second.
 *
 * A broken connection is opened again by the next call outside of a transaction. Inside of one, every call returns
 * MU_E_CLOSED until pg_rollback: nothing is ever repeated on another connection. */
struct pg;

struct pg_settings {
    const char *uri;      /* any URI of libpq; several hosts are allowed. It is copied */
    const char *schema;   /* the search_path; static */
    const char *event;    /* of the log lines, "registry_failed"; static */
    unsigned statement_s; /* the longest time of a statement; 0: no limit */
    unsigned idle_s;      /* the server ends a transaction that waits so long for us; 0: no limit */
    const char
        *set; /* more that each connection sets: statements that are separated by ";"; it must live as long; or NULL */
};

/* Connects. On failure why gets a sentence without the URI's password. MU_E_VALUE: the URI cannot be read, or has a
 * password with bytes that must be written as %XX. */
MU_MUST_USE enum mu_err pg_open(struct pg **out, const struct pg_settings *settings, char *why, size_t why_size);
/* Makes a connection that is opened at its first use. NULL: no memory. */
struct pg *pg_new(const struct pg_settings *settings);
void pg_close(struct pg *pg); /* NULL is allowed */

/* Whether a text is a URI of PostgreSQL: it begins with postgresql:// or postgres://. */
bool pg_is_uri(const char *text);
/* The URI as a log or a message may show it: without passwords, and without what follows the "?". */
void pg_show_uri(const char *uri, char *out, size_t size);
/* Overwrites in it what pg_show_uri leaves out. */
void pg_hide_secrets(char *uri);

/* --- values ---------------------------------------------------------------------------------------
 * The server finds the type of each parameter from the statement; the value is sent as this type. Where it cannot be
 * found, the statement says it ($1::bigint). Types that are understood: bool, int2, int4, int8, float8, text, bytea, and
 * arrays of int2, int4, int8, text, and bytea. Bytes and lists must live until the call has returned. */
enum { PG_VALUES_MAX = 40 }; /* the most columns of a table */

struct pg_value {
    enum { PG_NULL, PG_INT, PG_REAL, PG_BYTES, PG_INTS, PG_STRS } kind;
    int64_t integer;
    double real;
    const void *at; /* bytes; a list of int64_t; a list of struct str */
    size_t len;     /* how many bytes or elements */
};

static inline struct pg_value pg_int(int64_t v)
{
    return (struct pg_value){ .kind = PG_INT, .integer = v };
}

static inline struct pg_value pg_real(double v)
{
    return (struct pg_value){ .kind = PG_REAL, .real = v };
}

/* For text and for bytea. */
static inline struct pg_value pg_bytes(const void *bytes, size_t len)
{
    return (struct pg_value){ .kind = PG_BYTES, .at = len ? bytes : "", .len = len };
}

static inline struct pg_value pg_text(const char *text)
{
    return pg_bytes(text, strlen(text));
}

/* Arrays: one statement with unnest($1, $2) instead of one for each row. */
static inline struct pg_value pg_ints(const int64_t *list, size_t count)
{
    return (struct pg_value){ .kind = PG_INTS, .at = list, .len = count };
}

static inline struct pg_value pg_strs(const struct str *list, size_t count)
{
    return (struct pg_value){ .kind = PG_STRS, .at = list, .len = count };
}

static inline struct pg_value pg_null(void)
{
    return (struct pg_value){ .kind = PG_NULL };
}

#define PG_VALUES(...) \
    (const struct pg_value[]){ __VA_ARGS__ }, sizeof((const struct pg_value[]){ __VA_ARGS__ }) / sizeof(struct pg_value)

/* --- rows -----------------------------------------------------------------------------------------
 * The columns of a row are read from left to right. A bool is 0 or 1. NULL becomes 0 or "". */
struct pg_row {
    const void *result; /* private */
    int row, column;
};

int64_t pg_col_int(struct pg_row *row); /* of bool, int2, int4, int8; count(*) is an int8, sum() needs ::bigint */
double pg_col_real(struct pg_row *row, bool *set); /* of float8 */
struct str pg_col_str(struct pg_row *row);         /* of text and bytea; lives as long as the call that gave the row */
bool pg_col_is_null(const struct pg_row *row);     /* the next column; it is not skipped */
static inline uint32_t pg_col_no(struct pg_row *row)
{
    return (uint32_t)pg_col_int(row);
}

/* --- statements -----------------------------------------------------------------------------------
 * A statement with values is prepared at its first use and kept. It is found by the address of its text, so the text
 * must be a literal. */
enum { PG_STATEMENTS_MAX = 256 };

/* changed: how many rows were inserted, updated or deleted; may be NULL. */
MU_MUST_USE enum mu_err pg_run(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                               uint64_t *changed);
/* Reads the first row; MU_E_NOT_FOUND: there is none. changed as above; may be NULL. */
MU_MUST_USE enum mu_err pg_get(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                               void (*read)(struct pg_row *row, void *out), void *out, uint64_t *changed);
/* For `read`: the only column, into an int64_t. */
void pg_read_int(struct pg_row *row, void *out);
/* Asks what pg_get or pg_each will ask with the same statement and values, integers and bytes: they then read the answer
 * from memory. All that were asked ahead are waited for at once. They are forgotten by pg_forget_ahead, and when the
 * transaction ends. The caller knows that nothing that is written meanwhile changes these answers. */
enum { PG_AHEAD_MAX = 2048 };
MU_MUST_USE enum mu_err pg_ahead(struct pg *pg, const char *sql, const struct pg_value *values, size_t count);
void pg_forget_ahead(struct pg *pg);
/* Calls fn for each row. An error of fn ends that and is returned. fn may use the same connection. All rows are in
 * memory at once. */
MU_MUST_USE enum mu_err pg_each(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                                enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx);
/* The same for results of any size, some thousand rows in memory at a time. Only in a transaction, for a SELECT. */
MU_MUST_USE enum mu_err pg_each_big(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                                    enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx);
/* The same row by row, so that several results can be read side by side. Behind the last row, and after an error, there is
 * none; each call of pg_cursor_next ends the life of the row before. What was opened must be closed. */
struct pg_cursor {
    struct pg *pg; /* all of it is private */
    char name[16];
    void *rows;
    int at, count;
    bool failed;
};
MU_MUST_USE enum mu_err pg_cursor_open(struct pg_cursor *out, struct pg *pg, const char *sql,
                                       const struct pg_value *values, size_t count);
MU_MUST_USE enum mu_err pg_cursor_next(struct pg_cursor *c, struct pg_row *row, bool *any);
MU_MUST_USE enum mu_err pg_cursor_close(struct pg_cursor *c);
/* Statements without values, several if they are separated by ";". They are not kept. */
MU_MUST_USE enum mu_err pg_exec(struct pg *pg, const char *sql);

/* Sends a statement along with the next call, so that it costs no round trip. It must be in a transaction. It is for
 * what can fail only together with the whole transaction: if it fails, a later call returns that error, and so does
 * every call after it, until pg_rollback. pg_flush waits for all that were queued. */
MU_MUST_USE enum mu_err pg_queue(struct pg *pg, const char *sql, const struct pg_value *values, size_t count);
MU_MUST_USE enum mu_err pg_flush(struct pg *pg);

/* --- transactions --------------------------------------------------------------------------------- */

enum pg_kind {
    PG_WRITE,
    PG_READ,     /* repeatable read: all statements see one moment */
    PG_READ_LONG /* the same, and a statement may take as long as it does, whatever pg_settings says */
};
MU_MUST_USE enum mu_err pg_begin(struct pg *pg, enum pg_kind kind);
/* Waits until the server has committed. After any error but MU_E_CLOSED and MU_E_TIMEOUT nothing was committed. After
 * these two it is unknown: the caller looks for a row that only this transaction can have written. The transaction has
 * ended in any case. */
MU_MUST_USE enum mu_err pg_commit(struct pg *pg);
/* Ends a transaction that read, without waiting for the server. */
void pg_end_read(struct pg *pg);
/* Ends a transaction without its changes; a no-op if there is none. */
void pg_rollback(struct pg *pg);
/* What the server has warned of last, since this was asked for; NULL: of nothing. It lives as long as the connection has no
 * other warning. */
const char *pg_warning(struct pg *pg);
/* Whether a transaction has begun and can go on. */
bool pg_in_transaction(const struct pg *pg);

/* Until this moment, by clock_mono_us, calls wait for the server, and not as long as pg_settings says; then they return
 * MU_E_CLOSED. Making a connection is not meant: it ends by itself (connect_timeout). 0: there is no such moment. */
void pg_wait_until(struct pg *pg, int64_t until_us);

/* Closes the connection if it is not in a transaction; the next call opens it again. */
void pg_drop(struct pg *pg);

/* What a start of a node has under way, others find by the names of its sessions (pg_stat_activity). Not in a
 * transaction. */
enum pg_work { PG_COMMITS, PG_WRITES_REGISTRY };
MU_MUST_USE enum mu_err pg_work_for(struct pg *pg, uint64_t start, enum pg_work work);
/* The names in a statement, of the start whose number is in the column boot.number. */
#define PG_NAME_COMMITS         "'muster ' || boot.number"
#define PG_NAME_WRITES_REGISTRY PG_NAME_COMMITS " || ' registry'"

/* --- COPY -----------------------------------------------------------------------------------------
 * Many rows in binary form, by one statement: pg_copy_begin(pg, "COPY message (device, ts) FROM STDIN (FORMAT binary)"),
 * rows that were written into a buffer by the functions below, and pg_copy_end. After a failure the COPY has ended, and
 * the transaction is to be rolled back. */
MU_MUST_USE enum mu_err pg_copy_begin(struct pg *pg, const char *sql);
/* Any number of whole rows. */
MU_MUST_USE enum mu_err pg_copy_rows(struct pg *pg, const void *rows, size_t len);
MU_MUST_USE enum mu_err pg_copy_end(struct pg *pg, uint64_t *rows);

/* A row is its number of columns, then each column. The types must be exactly those of the table. */
static inline void pg_put_row(struct buf *b, uint16_t columns)
{
    buf_append_u16be(b, columns);
}

static inline void pg_put_bytes(struct buf *b, const void *bytes, size_t len)
{
    buf_append_u32be(b, (uint32_t)len);
    buf_append(b, bytes, len);
}

static inline void pg_put_int2(struct buf *b, int16_t v)
{
    buf_append_u32be(b, 2);
    buf_append_u16be(b, (uint16_t)v);
}

static inline void pg_put_int4(struct buf *b, int32_t v)
{
    buf_append_u32be(b, 4);
    buf_append_u32be(b, (uint32_t)v);
}

static inline void pg_put_int8(struct buf *b, int64_t v)
{
    buf_append_u32be(b, 8);
    buf_append_u64be(b, (uint64_t)v);
}

static inline void pg_put_float8(struct buf *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    buf_append_u32be(b, 8);
    buf_append_u64be(b, bits);
}

static inline void pg_put_null(struct buf *b)
{
    buf_append_u32be(b, UINT32_MAX);
}

/* --- notifications --------------------------------------------------------------------------------
 * For a connection whose pg_settings.set says LISTEN. Waits until a notification comes, wake_fd can be read, or the time is over,
 * and calls fn for each that has come. What is sent while the connection is down never comes: so it returns at once
 * when it has made a new connection. pg_opened counts them; a caller that sees it change looks at everything again. */
MU_MUST_USE enum mu_err pg_wait_notified(struct pg *pg, int wake_fd, int timeout_ms,
                                         void (*fn)(void *ctx, struct str payload), void *ctx);
unsigned pg_opened(const struct pg *pg);

/* --- the versions of a schema ---------------------------------------------------------------------
 * Step n takes a schema from version n to n + 1. A step that was released is never changed. The version stands in the
 * table schema_version of the schema. */
struct pg_schema {
    const char *name;
    const char *const *steps; /* statements that are separated by ";" */
    unsigned step_count;
};

/* Whether the database has the present version. MU_E_SCHEMA: it is newer, older, or missing; why gets a sentence that
 * says what to do. */
MU_MUST_USE enum mu_err pg_schema_check(struct pg *pg, const struct pg_schema *schema, char *why, size_t why_size);
/* Makes or updates the schema, in one transaction. Several may do it at once. *from: the version that it had, 0: none.
 * MU_E_SCHEMA: it is newer. Each store shows its pg_schema to `muster migrate`: registry_schema, journal_schema. */
MU_MUST_USE enum mu_err pg_schema_migrate(struct pg *pg, const struct pg_schema *schema, unsigned *from, char *why,
                                          size_t why_size);

#endif
