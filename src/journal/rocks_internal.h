#ifndef MUSTER_JOURNAL_ROCKS_INTERNAL_H
#define MUSTER_JOURNAL_ROCKS_INTERNAL_H

#include <pthread.h>
#include <rocksdb/c.h>

#include "base/mark.h"
#include "journal/expiry_clock.h"
#include "journal/journal_driver.h"
#include "journal/rocks_journal.h"
#include "journal/rocks_key.h"
#include "journal/turn_spans.h"

/* What the files of the journal share. Private to the journal. */

#define JOURNAL_MARK "journal.mark"

/* The families that always exist. "default" is RocksDB's own; it holds what concerns the journal
 * as a whole. */
enum fixed_family {
    FAMILY_META,
    FAMILY_STATE,
    FAMILY_VERSIONS,
    FAMILY_ACTIVITY,
    FAMILY_EVENTS,
    FAMILY_CONTROLS,
    FIXED_FAMILIES
};

/* Messages and session records of one UTC day: dropping it is how they expire. */
struct rocks_day_family {
    int32_t day; /* days since 1970-01-01 */
    rocksdb_column_family_handle_t *handle;
};

struct rocks_journal;

/* How RocksDB is set up; see rocks_options.c. */
struct rocks_options {
    rocksdb_cache_t *cache;
    rocksdb_block_based_table_options_t *tables, *day_tables;
    rocksdb_options_t *fixed; /* of the database as a whole, too */
    rocksdb_options_t *state;
    rocksdb_options_t *day, *day_of_few; /* of a day, by how many devices there are */
    rocksdb_writeoptions_t *synced;
};

/* RocksDB counts every comparison of keys in thread-local variables. In a shared library each access is two calls: a
 * third of the time of storing a message. This turns the counting off for the calling thread. */
static inline void rocks_count_nothing(void)
{
    rocksdb_set_perf_level(rocksdb_disable);
}

void rocks_options_create(struct rocks_options *o);
/* For the salvage, which reads what is left. mode: RocksDB's name of the way in which it reads its logs. A reader
 * takes only logs that are as long as the MANIFEST says: for others RocksDB 7.8 would end the process, since it cannot
 * remove their entries there. */
void rocks_options_trust_nothing(struct rocks_options *o, const char *mode, bool reads_only);
void rocks_options_destroy(struct rocks_options *o);
/* Of a day's family that is made or opened now. */
const rocksdb_options_t *rocks_day_options(const struct rocks_journal *j);

/* `lock` guards db, the handles and the list of days. A reader holds it for reading from its first call of RocksDB to
 * its last. The committer holds it for writing while it changes any of them; to look at them it needs no lock, since no
 * other thread changes them. */
struct rocks_journal {
    struct journal base;
    char *path;     /* DIR/journal */
    bool unchanged; /* opened for reading only */
    bool lenient;   /* even if parts of it are missing (salvage) */
    unsigned retention_days;
    uint64_t reserve_bytes;
    struct rocks_options options;
    pthread_rwlock_t lock;

    rocksdb_t *db; /* NULL after a reopening that failed */
    rocksdb_column_family_handle_t *fixed[FIXED_FAMILIES];
    struct rocks_day_family *days; /* by day */
    size_t day_count;
    uint32_t day_cap;

    int64_t expiry_us; /* by which the last roll dropped */
    struct expiry_clock clock;
    int32_t flushed_before; /* the day before this one has been written into tables */
    int32_t oldest_day;     /* older records are left out; never before 1970 */
    uint64_t commits;       /* of this start that succeeded */
    uint8_t id[16];         /* of the data directory; all zero: none was given */
    struct {
        uint64_t change;
        uint32_t device;
    } seen;            /* of the registry */
    uint32_t devices;  /* the registry's highest device number, as far as it was told in this start */
    bool seen_changed; /* the disk does not have it yet */
    bool id_noted;     /* FAMILY_META has it */
    struct mark mark;
    char damage[400]; /* met while it was opened and visited */
    bool broken;      /* a write failed: RocksDB takes none until it is opened again */
};

/* A record of a day, or a state: where its key and value are in `bytes`. */
#define ROW_STATE INT32_MAX
struct rocks_row {
    int32_t day; /* or ROW_STATE */
    uint32_t device, at, key_len, len;
};

struct rocks_rows {
    struct rocks_row *row;
    size_t count;
    uint32_t cap;
    struct buf bytes;
};

struct rocks_batch {
    struct journal_batch base;
    struct rocks_journal *journal;
    struct rocks_rows rows;
    rocksdb_writebatch_t *writes;
    struct buf value; /* the one being written */
    struct buf key;   /* of an event: the only one of no fixed length */
    enum mu_err err;  /* the first error that left something out; journal_commit returns it */
};

static inline struct rocks_journal *rocks_of(struct journal *j)
{
    return (struct rocks_journal *)j;
}

static inline const struct rocks_journal *rocks_of_const(const struct journal *j)
{
    return (const struct rocks_journal *)j;
}

static inline struct rocks_batch *rocks_batch_of(struct journal_batch *b)
{
    return (struct rocks_batch *)b;
}

static inline const struct rocks_batch *rocks_batch_of_const(const struct journal_batch *b)
{
    return (const struct rocks_batch *)b;
}

/* --- the port (journal_driver.h), by the files in which the functions are ----------------------------*/
extern const struct journal_driver rocks_driver;           /* rocks_driver.c */
extern const struct journal_driver_copy rocks_driver_copy; /* rocks_copy.c */

void rocks_note_registry(struct journal *port, uint64_t change, uint32_t device); /* rocks_trust.c */

enum mu_err rocks_batch_create(struct journal_batch **out, struct journal *port); /* rocks_batch.c */
void rocks_batch_destroy(struct journal_batch *port);
void rocks_batch_clear(struct journal_batch *port);
size_t rocks_batch_bytes(const struct journal_batch *port);
void rocks_batch_message(struct journal_batch *port, uint32_t device, const struct journal_message *m);
void rocks_batch_session(struct journal_batch *port, uint32_t device, const struct journal_session *s);
void rocks_batch_state(struct journal_batch *port, uint32_t device, const struct journal_state *s);
void rocks_batch_followed(struct journal_batch *port, int64_t until_us);
int64_t rocks_followed_until_us(struct journal *port);
void rocks_batch_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v);
void rocks_batch_active(struct journal_batch *port, int32_t day, uint32_t device);
void rocks_batch_active_set(struct journal_batch *port, int32_t day, const void *set, size_t len);
void rocks_batch_event(struct journal_batch *port, uint32_t device, const struct journal_event *e);
void rocks_batch_forget_event(struct journal_batch *port, uint32_t device, const struct journal_event *e);
void rocks_batch_forget_device(struct journal_batch *port, uint32_t device);
void rocks_batch_control(struct journal_batch *port, const struct journal_control *c);
void rocks_batch_forget_controls(struct journal_batch *port, int64_t before_us);

void rocks_batch_turn(struct journal_batch *port, uint32_t device, enum journal_list list, int64_t from_us,
                      int64_t last_us); /* rocks_turn.c */
bool rocks_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us);

enum mu_err rocks_commit(struct journal *port, struct journal_batch *batch, int64_t alive_us); /* rocks_commit.c */
enum mu_err rocks_roll(struct journal *port, int64_t now_us);                                  /* rocks_family.c */
int64_t rocks_expiry_us(const struct journal *port);                                           /* rocks_clock.c */

enum mu_err rocks_visit(struct journal *port, const struct journal_visitor *v); /* rocks_visit.c */
enum mu_err rocks_events(struct journal *port, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx);
enum mu_err rocks_controls(struct journal *port, int64_t after_us, uint64_t after_request, int64_t before_us,
                           journal_control_fn row, void *ctx);
enum mu_err rocks_messages(struct journal *port, uint32_t device, const struct journal_window *w,
                           journal_message_fn row, void *ctx, uint64_t *total); /* rocks_read.c */
enum mu_err rocks_sessions(struct journal *port, uint32_t device, const struct journal_window *w,
                           journal_session_fn row, void *ctx, uint64_t *total);
enum mu_err rocks_check_all(struct journal *port, const struct journal_reader *reader,
                            const struct findings *f); /* rocks_check.c */

/* --- rocks_status.c: what RocksDB's error texts mean -----------------------------------------------*/
/* The error that the text means; frees it (NULL: MU_OK). RocksDB's C API reports a failure only as a text. */
enum mu_err rocks_status_take(char *text);
/* The same, and keeps a text about damage for rocks_journal_damage. */
enum mu_err rocks_status(struct rocks_journal *j, char *text);
/* The same for a reader while the server runs: damage is logged, with the file's name, once a second at most. Any
 * thread. */
enum mu_err rocks_read_error(char *text);
/* The same for the opening of a database, which says why in a sentence. */
enum mu_err rocks_status_take_open(char *text, const char *path, char *why, size_t why_size);

/* --- rocks_open.c -----------------------------------------------------------------------------------*/
/* Whether there is no journal yet. MU_E_CORRUPT if there was one: then RocksDB would make another. */
MU_MUST_USE enum mu_err rocks_find(const struct rocks_journal *j, bool *fresh, char *why, size_t why_size);
/* Opens RocksDB with all its families; j->db stays NULL on an error. */
MU_MUST_USE enum mu_err rocks_open(struct rocks_journal *j, char *why, size_t why_size);
void rocks_close(struct rocks_journal *j);
/* Whether so many bytes are free on the disk of this directory; with a sentence if not, MU_E_FULL. */
bool rocks_has_room(const char *path, uint64_t bytes);
MU_MUST_USE enum mu_err rocks_check_room(const char *path, uint64_t bytes, char *why, size_t why_size);

/* --- rocks_journal.c --------------------------------------------------------------------------------*/
/* Nobody uses it any more. NULL is allowed. */
void rocks_journal_close(struct rocks_journal *j);
/* A journal that is not open yet. MU_E_NOMEM. */
MU_MUST_USE enum mu_err rocks_create(struct rocks_journal **out, const char *dir,
                                     const struct rocks_journal_options *options);
/* When a start was last known to be alive, as its last batch says; 0: not known. */
int64_t rocks_alive_us(struct rocks_journal *j, uint64_t boot);
/* Adds the number of this start and the format to a batch. */
void rocks_put_boot(const struct rocks_journal *j, rocksdb_writebatch_t *writes);
/* Reads an entry of FAMILY_META as big-endian words. MU_E_NOT_FOUND: there is none; MU_E_CORRUPT: its length is wrong.
 * The caller holds the lock, or is the committer. */
MU_MUST_USE enum mu_err rocks_meta_get(struct rocks_journal *j, const void *key, size_t key_len, uint64_t *words,
                                       size_t count);

/* The name of a family: "state", "day-20000". */
const char *rocks_family_name(enum fixed_family family);

/* --- rocks_trust.c ----------------------------------------------------------------------------------*/
/* Whether a journal that was opened unchanged holds all that was acknowledged, as far as a start looks, and
 * the registry is the one that it has seen. MU_E_CORRUPT with a sentence if not. */
MU_MUST_USE enum mu_err rocks_trust_check(struct rocks_journal *j, const struct rocks_journal_registry *registry,
                                          char *why, size_t why_size);
/* The days whose families were noted, with the numbers of these; the first error of fn is returned. */
typedef enum mu_err (*rocks_day_fn)(void *ctx, int32_t day, uint32_t family);
MU_MUST_USE enum mu_err rocks_trust_days(const struct rocks_journal *j, rocks_day_fn fn, void *ctx, char *why,
                                         size_t why_size);
/* Reads what was noted, so that it can be continued. The journal is opened for writing. */
MU_MUST_USE enum mu_err rocks_trust_load(struct rocks_journal *j, const struct rocks_journal_registry *registry);
/* Adds it to a batch, if there is something new; rocks_trust_committed tells that it is on disk. */
void rocks_trust_put(const struct rocks_journal *j, rocksdb_writebatch_t *writes);
void rocks_trust_committed(struct rocks_journal *j);
/* After a day's family was made, and before anything is put in it: from now on its loss is noticed. On disk when this
 * returns. */
MU_MUST_USE enum mu_err rocks_trust_note_day(struct rocks_journal *j, const struct rocks_day_family *family);
/* Before a day is dropped: its absence is no loss then. */
MU_MUST_USE enum mu_err rocks_trust_forget_day(struct rocks_journal *j, int32_t day);
/* Whether there is a mark: every journal that this version has opened has one. */
bool rocks_trust_is_marked(const struct rocks_journal *j);
/* Where the journal ends, and what it says of the registry. */
MU_MUST_USE enum mu_err rocks_trust_tell(struct rocks_journal *j, struct mark_place *there,
                                         struct rocks_journal_registry *out);
/* Marks the place where this start is, in `dir`. */
MU_MUST_USE enum mu_err rocks_trust_mark(struct mark *m, const struct rocks_journal *j, const char *dir);

/* --- rocks_tables.c ---------------------------------------------------------------------------------*/
/* Reads a whole family. MU_E_CORRUPT: why names the file. */
MU_MUST_USE enum mu_err rocks_read_family(const struct rocks_journal *j, rocksdb_column_family_handle_t *family,
                                          char *why, size_t why_size);
/* After a step that met damage: goes on behind it, at the first key that can be reached. `last` is the last key that was
 * read; its length is 0 if none was. true: there was damage. */
bool rocks_step_over(rocksdb_iterator_t *at, const uint8_t *last, size_t len);
/* Reads as many families as a start has time for: the fixed ones, then those of the days, the newest first. */
MU_MUST_USE enum mu_err rocks_read_tables(const struct rocks_journal *j, char *why, size_t why_size);

/* --- rocks_family.c -------------------------------------------------------------------------------*/
/* The name of a day's family; room for 32 bytes. */
void rocks_day_name(char *out, int32_t day);
/* The day of a family's name; false for a name of another kind. */
bool rocks_day_of_name(const char *name, int32_t *day);
/* Adds a family that RocksDB has opened; takes the handle over, also on an error. */
MU_MUST_USE enum mu_err rocks_day_insert(struct rocks_journal *j, int32_t day, rocksdb_column_family_handle_t *handle);
/* The index of the first family of that day or a later one; day_count if there is none. */
size_t rocks_day_lower_bound(const struct rocks_journal *j, int32_t day);
/* Makes the family of a day if need be. Committer only. */
MU_MUST_USE enum mu_err rocks_day_require(struct rocks_journal *j, int32_t day);

/* Its handle, or NULL: it has been dropped, or was never there. */
rocksdb_column_family_handle_t *rocks_day_family(const struct rocks_journal *j, int32_t day);

/* --- rocks_clock.c --------------------------------------------------------------------------------*/
/* Reads the moment that was believed last. */
void rocks_clock_load(struct rocks_journal *j, const struct rocks_journal_options *options);
/* Adds it to a batch, if there is something new; after the commit the caller clears clock.changed. */
void rocks_clock_put(const struct rocks_journal *j, rocksdb_writebatch_t *writes);

/* --- rocks_turn.c ---------------------------------------------------------------------------------*/
/* Whether there may be a gap in the numbers of a device's records between two moments. The caller holds the lock. */
MU_MUST_USE enum mu_err rocks_turn_touches(const struct rocks_journal *j, uint32_t device, enum record_kind kind,
                                           int64_t from_us, int64_t to_us, bool *touches);
bool rocks_turn_is_entry(struct bytes key, struct bytes value);
/* In place of those that were there. */
void rocks_turn_put(struct rocks_batch *b, uint32_t device, enum record_kind kind, const struct turn_spans *spans);
void rocks_turns_forget(struct rocks_batch *b, uint32_t device);

/* --- rocks_batch.c --------------------------------------------------------------------------------*/
/* A batch names families by their ids, which stay valid when the database is opened again. But to look them up the
 * database must be open. false: b->err tells why it is not. */
bool rocks_batch_usable(struct rocks_batch *b);

/* --- rocks_rows.c ---------------------------------------------------------------------------------*/
void rocks_rows_init(struct rocks_rows *r);
void rocks_rows_free(struct rocks_rows *r);
void rocks_rows_clear(struct rocks_rows *r);
/* Copies key and value. The rows of one device and day are added in the order of their keys. rocks_rows_write looks up
 * the days, since a day may be dropped, or the database opened again, before that. MU_E_NOMEM, MU_E_LIMIT. */
MU_MUST_USE enum mu_err rocks_rows_add(struct rocks_rows *r, int32_t day, uint32_t device, const uint8_t *key,
                                       size_t key_len, const struct buf *value);
/* Sorts the rows and puts them into the batch, except those of days that are gone. */
void rocks_rows_write(struct rocks_rows *r, const struct rocks_journal *j, rocksdb_writebatch_t *writes);

/* --- rocks_commit.c ------------------------------------------------------------------------------*/
/* MU_OK if RocksDB accepts writes; opens it again first, if that is necessary. */
MU_MUST_USE enum mu_err rocks_writable(struct rocks_journal *j);
/* Evaluates the outcome of a write: after a failed one RocksDB will be opened again. */
enum mu_err rocks_written(struct rocks_journal *j, const char *what, char *text);

#endif
