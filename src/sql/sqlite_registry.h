#ifndef MUSTER_SQL_SQLITE_REGISTRY_H
#define MUSTER_SQL_SQLITE_REGISTRY_H

#include <pthread.h>
#include <sqlite3.h>

#include "base/mark.h"
#include "model/quota.h"
#include "registry/audit.h"
#include "registry/registry.h"

/* What the files of the SQLite registry share. No other file includes this.
 *
 *   sqlite_pages.c     checksums of the file's pages
 *   sqlite_open.c      opens a file, and copies one
 *   sqlite_db.c        a connection: statements, errors
 *   sqlite_scan.c      checks a file for damage before it is opened
 *   sqlite_rewrite.c   writes the whole file again
 *   sqlite_schema.c    the tables, and how an older file gets them
 *   sqlite_registry.c  the registry: one connection that writes, a pool of connections that read
 *   sqlite_write.c     many writers, one commit
 *   sqlite_snapshot.c  a copy of one moment
 *   sqlite_trust.c     whether the file has everything that was acknowledged
 *   sqlite_check.c     whether the file is what it should be
 *   sqlite_enterprise.c, sqlite_product.c, sqlite_user.c, sqlite_device.c, sqlite_group.c,
 *   sqlite_binding.c   rows
 *   sqlite_delete.c    deletes things with their parts, and counts what prevents it
 *   sqlite_audit.c     the audit log
 *   sqlite_user_search.c   searches for users
 *   sqlite_feed.c      visits everything, and what has changed
 *
 * Each row's number is an AUTOINCREMENT, so that no number is given twice. A text that is not set is ''. A reference to
 * nothing is NULL. */

#define REGISTRY_FILE "registry.db"
#define REGISTRY_MARK "registry.mark"

/* --- a connection (sqlite_open.c, sqlite_db.c) ----------------------------------------------------*/

/* Prepared statements are kept as long as the connection. They are found by the address of their text, so the text must
 * be a literal. */
enum { DB_STATEMENTS_MAX = 160 };

struct db {
    sqlite3 *handle;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } kept[DB_STATEMENTS_MAX];
    size_t kept_count;
    struct bucket log_bucket; /* limits the log lines about failures */
    uint32_t log_suppressed;
};

/* Opens a file that exists: for reading and writing, or for reading only. */
MU_MUST_USE enum mu_err db_open(struct db *db, const char *path, bool read_only);
/* Opens a file that nobody else has open, for reading. Neither the file nor those beside it change. care: a value of
 * PAGES_URI_CARE, or "". */
MU_MUST_USE enum mu_err db_open_unchanged(struct db *db, const char *path, const char *care);
/* Opens an empty database that is deleted when it is closed. What does not fit into its cache is in a temporary
 * file. */
MU_MUST_USE enum mu_err db_open_temporary(struct db *db);
void db_close(struct db *db);
/* Copies all pages that a reading transaction sees into another database, which is empty. */
MU_MUST_USE enum mu_err db_copy(struct db *from, struct db *to);
/* From here on, closing the connection leaves the WAL as it is. */
void db_keep_log(struct db *db);

/* Makes a closed file, or the names in a directory, durable. */
MU_MUST_USE enum mu_err db_sync_path(const char *path);

/* The error for a failure that SQLite has just reported. Logs failures that an operator must know of, but only a few a
 * second: on a full disk every call fails. */
enum mu_err db_error(struct db *db, int rc);
/* The last page that was found damaged since the previous call; 0: none. */
uint32_t db_damaged_page(struct db *db);

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

/* Reads the columns of a row from left to right. */
struct db_row {
    sqlite3_stmt *statement;
    int column;
};

/* Runs a statement without results: db_run with values, db_exec without. */
MU_MUST_USE enum mu_err db_run(struct db *db, const char *sql, const struct db_value *values, size_t count);
MU_MUST_USE enum mu_err db_exec(struct db *db, const char *sql);
/* Calls fn for each row. An error of fn ends that and is returned. */
MU_MUST_USE enum mu_err db_each(struct db *db, const char *sql, const struct db_value *values, size_t count,
                                enum mu_err (*fn)(void *ctx, struct db_row *row), void *ctx);
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

int64_t col_int(struct db_row *row);
uint32_t col_no(struct db_row *row);
double col_real(struct db_row *row, bool *set);
void col_text(struct db_row *row, char *out, size_t size);
struct str col_str(struct db_row *row); /* valid until the next row */
void col_bytes(struct db_row *row, void *out, size_t size);

/* After an insert (*no == 0) sets *no to the number of the new row. After an update returns MU_E_NOT_FOUND if it
 * changed no row. An err that is not MU_OK is returned as it is. */
MU_MUST_USE enum mu_err db_put_result(struct db *db, enum mu_err err, uint32_t *no);

/* --- the file (sqlite_scan.c, sqlite_rewrite.c) ---------------------------------------------------*/

#define DAMAGE_ADVICE "; " MARK_ADVICE

enum scan_state {
    SCAN_NEW,   /* the file is missing, or empty */
    SCAN_PLAIN, /* made by an older muster, without checksums */
    SCAN_WHOLE,
    SCAN_DOUBTFUL, /* some pages are wrong, but none that is needed */
};
/* Reads the whole file, which nobody has open, and changes nothing. MU_E_CORRUPT: it is damaged; why gets a
 * sentence. */
MU_MUST_USE enum mu_err sqlite_scan_file(const char *path, enum scan_state *state, char *why, size_t why_size);
/* Rewrites the file that only db has open: a plain file gets checksums, a doubtful one loses its damaged pages.
 * Afterwards db may be in another mode than WAL; after a failure it may be closed. */
MU_MUST_USE enum mu_err sqlite_rewrite_file(struct db *db, const char *path, enum scan_state state, char *why,
                                            size_t why_size);

/* --- the tables (sqlite_schema.c) -----------------------------------------------------------------*/

/* Updates the file that db has open to the present schema, in one transaction for each step. */
MU_MUST_USE enum mu_err schema_update(struct db *db, char *why, size_t why_size);
/* Whether the file is empty (version 0) or one of ours, and not too new. */
MU_MUST_USE enum mu_err schema_recognise(struct db *db, int64_t *version, char *why, size_t why_size);
/* Makes a file of an older version readable without changing it. If *copied is set, copy is open: an updated copy,
 * which is to be read instead. A file of the present version is not copied. MU_E_SCHEMA: the file is newer; MU_E_FULL:
 * there is no room for the copy. */
MU_MUST_USE enum mu_err schema_read(struct db *db, struct db *copy, bool *copied, char *why, size_t why_size);
/* Finds tables and indexes that are missing or not as muster made them. */
MU_MUST_USE enum mu_err schema_compare(struct db *db, const struct findings *f);

/* --- the registry ---------------------------------------------------------------------------------*/

struct registry_tx {
    struct db *db;
    const struct audit_by *by; /* NULL: in nobody's name */
    int64_t audit;             /* number of this transaction's row in the audit log; 0 = none yet */
    uint32_t changes;          /* how many changes that row has */
};

struct waiting_write;

enum { READERS_KEPT = 8 };

struct registry {
    char path[4096];
    bool unchanged;          /* for reading only, by db_open_unchanged */
    enum scan_state scanned; /* what registry_look found */
    bool copied;             /* its only reader is an updated copy */

    struct db writer;        /* used only by the thread that has set `writing` */
    struct mark_place place; /* of the last commit; used by the same thread */
    struct mark mark;
    uint64_t pruned_at;         /* the last change when the feed was pruned; used by the same thread */
    pthread_mutex_t write_lock; /* guards the rest of this group */
    pthread_cond_t written;
    bool writing;
    struct waiting_write *first, **end;
    struct registry_figures figures;

    pthread_mutex_t read_lock; /* guards the rest */
    struct db *readers[READERS_KEPT];
    size_t reader_count;
};

void write_queue_init(struct registry *reg);
void write_queue_free(struct registry *reg);
/* Between these two calls nobody writes. */
void write_queue_hold(struct registry *reg);
void write_queue_release(struct registry *reg);

/* Lends a connection for one reading transaction, which has begun. reader_end ends the transaction and takes the
 * connection back. */
MU_MUST_USE enum mu_err reader_begin(struct registry *reg, struct db **out);
void reader_end(struct registry *reg, struct db *db);

/* --- what was acknowledged is there (sqlite_trust.c) ----------------------------------------------*/

/* Call it before anything is written: checks that the file has everything that was acknowledged. If not, MU_E_CORRUPT,
 * and why gets the end of a sentence. */
MU_MUST_USE enum mu_err registry_trust_check(const struct registry *reg, struct registry_place *place, char *why,
                                             size_t why_size);
/* Continues the count and the mark from where the file is. */
MU_MUST_USE enum mu_err registry_trust_begin(struct registry *reg);
/* registry_trust_count is the last statement of each group of writes; registry_trust_committed is called when the group
 * is on disk. */
MU_MUST_USE enum mu_err registry_trust_count(struct registry *reg);
void registry_trust_committed(struct registry *reg);
/* Makes the mark of a copy in dir. It says that exactly the content of the copy was acknowledged. */
MU_MUST_USE enum mu_err registry_trust_mark_copy(struct db *copy, const char *dir);

/* Counts the rows. */
MU_MUST_USE enum mu_err db_totals(struct db *db, struct registry_totals *out);

/* --- rows: columns that the getters and the feed share --------------------------------------------*/

#define ENTERPRISE_COLUMNS                                                                             \
    "e.no, e.enterprise_id, e.secret_salt, e.secret_hash, e.name, e.hourly_quota, e.secret_required, " \
    "e.ip_allow"
#define PRODUCT_COLUMNS                                                                           \
    "p.no, p.product_key, p.product_secret, p.name, p.remote_control, p.registration, p.pacing, " \
    "p.control, p.definition"
/* An app belongs to the enterprise of its products. This is not stored a second time. */
#define APP_COLUMNS                                                         \
    "a.no, a.appid, a.name, (SELECT min(s.enterprise) FROM app_product ap " \
    "JOIN association s ON s.product = ap.product WHERE ap.app = a.no)"
#define DEVICE_COLUMNS                                                                              \
    "d.no, d.product, d.did, d.mac, d.passcode, d.device_sn, d.type, d.is_disabled, d.created_at, " \
    "d.country, d.region, d.city, d.place_source, d.longitude, d.latitude, d.device_group, "        \
    "d.is_barred"
#define GROUP_COLUMNS "g.no, g.product, g.parent, g.gid"
/* Searches and counts leave them out. */
#define DISABLED_USERS "(SELECT no FROM user WHERE is_disabled = 1)"
#define TOKEN_COLUMNS  "t.hash, t.enterprise, t.product, t.expires_at"

void db_row_enterprise(struct db_row *row, void *out);
void db_row_product(struct db_row *row, void *out);
void db_row_app(struct db_row *row, void *out);
void db_row_device(struct db_row *row, void *out);
void db_row_group(struct db_row *row, void *out);

/* --- the change feed (sqlite_feed.c) --------------------------------------------------------------*/

/* The numbers are stored in the file. */
enum feed_kind {
    FEED_ENTERPRISE = 1,
    FEED_PRODUCT = 2,
    FEED_DEFINITION = 3,  /* no = product, other = version */
    FEED_ASSOCIATION = 4, /* no = product, other = enterprise */
    FEED_APP = 5,
    FEED_GROUP = 6,
    FEED_DEVICE = 7,
    FEED_TOKEN = 8, /* hash */
    FEED_USER = 9,
    FEED_BINDING = 10,
    FEED_FIRST_BOUND = 11, /* no = product, other = user */
};

MU_MUST_USE enum mu_err feed_add(struct db *db, enum feed_kind kind, uint32_t no, uint32_t other);

/* The number of the last change ever. It outlives the changes themselves. */
MU_MUST_USE enum mu_err feed_last(struct db *db, uint64_t *out);
/* Deletes all changes: the file was just opened, and every follower begins by visiting everything. */
MU_MUST_USE enum mu_err feed_clear(struct db *db);
/* Deletes the oldest changes from time to time. Called after each group of writes, inside its transaction. The caller
 * keeps *pruned_at. */
MU_MUST_USE enum mu_err feed_prune(struct db *db, uint64_t *pruned_at);

#endif
