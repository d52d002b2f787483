#ifndef MUSTER_SQL_SQL_REGISTRY_H
#define MUSTER_SQL_SQL_REGISTRY_H

#include <pthread.h>

#include "base/mark.h"
#include "registry/apply_rows.h"
#include "registry/audit.h"
#include "registry/registry.h"
#include "sql/db.h"

/* What the files of the registry in SQL share. No file of another folder includes this.
 *
 *   db.c               a connection, whatever its kind; sqlite_db.c and postgres_db.c are its drivers
 *   postgres_rows.c    many rows by COPY
 *   registry.c         the registry: one connection that writes, a pool of connections that read
 *   sqlite_registry.c, postgres_registry.c   opening it
 *   write_queue.c      many writers, one commit
 *   enterprise_rows.c, product_rows.c, user_rows.c, device_rows.c, group_rows.c, binding_rows.c   rows
 *   delete_rows.c      deletes things with their parts, and counts what prevents it
 *   audit_rows.c       the audit log
 *   apply_rows.c, export_rows.c   what apply and export ask in addition
 *   ahead_rows.c       what many rows of an import ask, all at once
 *   user_search.c      searches for users
 *   feed.c             what has changed
 *   feed_visit.c       visits everything, and what has changed
 *   copy_rows.c        copies everything into another registry
 *   check_rows.c       whether the rows agree with each other
 *   registry_place.c   how far the registry is
 *
 * A row's number is never given twice. A text that is not set is ''. A reference to nothing is NULL. */

/* --- the registry ---------------------------------------------------------------------------------*/

struct registry_tx {
    struct db *db;
    const struct audit_by *by; /* NULL: in nobody's name */
    int64_t audit;             /* number of this transaction's row in the audit log; 0 = none yet */
    uint32_t changes;          /* how many changes that row has */
    struct tx_ahead *ahead;    /* NULL: nobody looks ahead */
};

/* What depends on where a registry is stored. */
struct registry_store {
    size_t readers_max; /* how many connections for readers may be open; the others wait. 0: any number */
    /* Opens a connection for readers. */
    enum mu_err (*open_reader)(struct registry *reg, struct db *db);
    /* What is to be checked besides the rows. */
    void (*check)(struct db *db, const struct findings *f);
    /* `mark` is the last statement of each group of writes; `marked` is called when the group is on disk. */
    enum mu_err (*mark)(struct registry *reg);
    void (*marked)(struct registry *reg);
    /* Whether a commit has happened whose outcome err left unknown: MU_OK, or the error that the writers get. */
    enum mu_err (*settle)(struct registry *reg, enum mu_err err);
};

enum scan_state {
    SCAN_NEW,   /* the file is missing, or empty */
    SCAN_PLAIN, /* made by an older muster, without checksums */
    SCAN_WHOLE,
    SCAN_DOUBTFUL, /* some pages are wrong, but none that is needed */
};

/* Of a registry over SQLite. */
struct registry_file {
    char path[4096];
    bool unchanged;          /* for reading only, by sqlite_open_unchanged */
    enum scan_state scanned; /* what registry_look found */
    bool copied;             /* its only reader is an updated copy */
    struct mark_place place; /* of the last commit; used only by the thread that has set `writing` */
    struct mark mark;
};

struct waiting_write;

enum { READERS_KEPT = 8, WRITER_ID = 16 };

struct registry {
    const struct registry_store *store;
    struct registry_file file;
    char *uri; /* over PostgreSQL */
    /* Over PostgreSQL; used only by the thread that has set `writing`. */
    uint8_t writer_id[WRITER_ID]; /* of this process */
    uint64_t groups;              /* how many groups of writes it has begun */

    struct db writer;           /* used only by the thread that has set `writing` */
    uint64_t pruned_at;         /* the last change when the feed was pruned; used by the same thread */
    pthread_mutex_t write_lock; /* guards the rest of this group */
    pthread_cond_t written;
    bool writing;
    struct waiting_write *first, **end;
    struct registry_figures figures;

    pthread_mutex_t read_lock; /* guards the rest */
    pthread_cond_t reader_back;
    size_t readers_lent;
    struct db *readers[READERS_KEPT];
    size_t reader_count;
};

/* An empty one. NULL: no memory. registry_close frees it. */
struct registry *registry_new(const struct registry_store *store);
void registry_close_readers(struct registry *reg);

void write_queue_init(struct registry *reg);
void write_queue_free(struct registry *reg);
/* Between these two calls nobody writes. */
void write_queue_hold(struct registry *reg);
void write_queue_release(struct registry *reg);

/* Lends a connection for one reading transaction, which has begun. reader_end ends the transaction and takes the
 * connection back. */
MU_MUST_USE enum mu_err reader_begin(struct registry *reg, struct db **out);
void reader_end(struct registry *reg, struct db *db);

#define REGISTRY_FILE "registry.db"

/* For the checks: notes a mistake for each row, or that a query failed. */
MU_MUST_USE enum mu_err db_note_mistake(void *findings, struct db_row *row);
void db_note_failure(const struct findings *f, const char *what, struct db *db, enum mu_err err);

/* What the store says of itself. All zero: it is empty, or of a version that did not count. */
MU_MUST_USE enum mu_err db_read_place(struct db *db, struct mark_place *out);
MU_MUST_USE enum mu_err db_tell_place(struct db *db, const struct mark_place *at, struct registry_place *out);
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
#define DISABLED_USERS "(SELECT no FROM \"user\" WHERE is_disabled = 1)"
#define TOKEN_COLUMNS  "t.hash, t.enterprise, t.product, t.expires_at"

extern const char db_user_by_no[], db_device_by_no[], db_group_by_no[];
extern const char db_product_by_key[], db_app_by_id[], db_user_by_uid[], db_group_by_gid[], db_root_group[];
extern const char db_device_by_did[], db_device_by_mac[], db_devices_of_mac[], db_group_of_mac[];

void db_row_enterprise(struct db_row *row, void *out);
void db_row_product(struct db_row *row, void *out);
void db_row_app(struct db_row *row, void *out);
void db_row_device(struct db_row *row, void *out);
void db_row_group(struct db_row *row, void *out);

/* ahead_rows.c: a number that is reserved for a new row; 0: none is. */
uint32_t tx_reserved_number(struct registry_tx *tx, enum ahead_makes kind);

/* --- the change feed (feed.c) --------------------------------------------------------------*/

/* The numbers are stored. */
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
/* Deletes the changes up to this one. It stays the last one if there are no others. */
MU_MUST_USE enum mu_err feed_forget(struct db *db, int64_t seq);
/* Deletes the oldest changes from time to time. Called after each group of writes, inside its transaction. The caller
 * keeps *pruned_at. */
MU_MUST_USE enum mu_err feed_prune(struct db *db, uint64_t *pruned_at);
/* Which kinds of things have changed after that number, up to the last one: a bit for each. Most commits change things of
 * one kind only. MU_E_NOT_FOUND: some of these changes are not kept any more, or that number was never reached (the store
 * has been put back to an earlier state). */
MU_MUST_USE enum mu_err feed_changed_kinds(struct db *db, uint64_t after, uint64_t last, unsigned *kinds);

#endif
