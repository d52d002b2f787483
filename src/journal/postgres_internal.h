#ifndef MUSTER_JOURNAL_POSTGRES_INTERNAL_H
#define MUSTER_JOURNAL_POSTGRES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/array.h"
#include "journal/codec.h"
#include "journal/expiry_clock.h"
#include "journal/journal_driver.h"
#include "journal/postgres_journal.h"
#include "journal/turn_spans.h"
#include "postgres/pg.h"

/* What the files of the journal in PostgreSQL share.
 *
 *   postgres_schema.c   the tables
 *   postgres_journal.c  opening and closing; starts
 *   postgres_days.c     partitions and retention
 *   postgres_batch.c    filling a batch
 *   postgres_puts.c     rows of a batch that replace others
 *   postgres_commit.c   committing
 *   postgres_pool.c     connections for reading
 *   postgres_record.c   messages and session records as rows
 *   postgres_page.c     pages
 *   postgres_since.c    messages of many devices
 *   postgres_visit.c    visiting
 *   postgres_check.c    checking
 *   postgres_turn.c     turns
 *   postgres_copy.c     copying all of it
 *   postgres_starts.c   which starts are over, where several nodes share the journal
 *   postgres_spread.c   commits that are not on all servers yet, where Citus spreads the tables
 *   postgres_claim.c    claiming devices, and what is heard of those that are not claimed
 *   postgres_versions.c versions of devices that any node may hear
 *   postgres_nodes.c    what several nodes tell each other by the journal
 *   postgres_house.c    what is done once for all nodes */

struct postgres_boot {
    uint64_t number;
    int64_t alive_us;
    bool over;
};

struct postgres_kept {
    uint64_t number;
    int64_t at_ms; /* monotonic */
};

enum { POSTGRES_READERS = 8 }; /* connections at most; a page takes one for a millisecond */

struct postgres_pool {
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    struct pg *idle[POSTGRES_READERS + 1];
    unsigned idle_count, open, taken;
    pthread_t committer; /* this thread has a connection more, so that it waits for nobody's reading */
    bool has_committer;
    struct pg *committers; /* while it has taken it; not counted in `taken` */
};

struct postgres_journal {
    struct journal base;
    char *uri;
    bool unchanged;     /* opened for reading only */
    bool over;          /* the store has declared this start over */
    bool spread;        /* Citus spreads the tables with a device over servers */
    unsigned locked_in; /* pg_opened of the writer that has the lock (postgres_lock); 0: none has */
    /* Where the tables are spread, pg_opened of the writer on which all commits are known to be finished, and of the one
     * that has the lock of a commit (postgres_spread.c); 0: none is, none has. */
    unsigned finished_in, committing_in;
    struct pg *writer; /* the committer's; NULL if unchanged */
    struct postgres_pool pool;
    _Atomic bool ends_soon; /* journal_end_soon */

    struct postgres_boot *boots; /* those that there were at the opening, and those that were asked for; ascending */
    uint32_t boot_count, boot_cap;
    uint64_t batch; /* how many this start has committed */
    bool shared;
    uint64_t last_delta, registry;
    int64_t delta_keep_ms;
    _Atomic int64_t keep_asked_ms; /* journal_keep_deltas was called; monotonic */
    struct postgres_kept *kept;    /* deltas of this start that are still in the table: when they were written */
    uint32_t kept_count, kept_cap;
    pthread_mutex_t boots_lock; /* guards boots, which grows while the journal is shared */
    int64_t followed_us;        /* INT64_MAX: not known */
    pthread_mutex_t followed_lock;

    unsigned retention_days;
    int64_t expiry_us; /* by which the last roll dropped */
    struct expiry_clock clock;
    int32_t oldest_day; /* older records are left out; never before 1970 */
    int32_t *days;      /* that have their partitions, ascending */
    uint32_t day_count, day_cap;
};

static inline struct postgres_journal *postgres_of(struct journal *j)
{
    return (struct postgres_journal *)j;
}

/* --- errors ----------------------------------------------------------------------------------------- */

/* What the port returns for an error of a connection: journal.h knows fewer. */
enum mu_err postgres_error(enum mu_err err);

/* A control's request as the column has it: shifted, so that it sorts like the unsigned number. */
static inline int64_t postgres_request(uint64_t request)
{
    return (int64_t)(request ^ UINT64_C(1) << 63);
}

/* --- postgres_record.c ------------------------------------------------------------------------------ */
/* A record in a row: its running number, which one byte of length and its big-endian bytes sort like the number, then
 * the value. So the flags of a message are at a place that a statement can find:
 *     get_byte(record, get_byte(record, 0) + 1) */
#define POSTGRES_IS_DECODED "(get_byte(record, get_byte(record, 0) + 1) & 2) <> 0"

void postgres_number_encode(struct buf *out, uint64_t number);
/* Takes the number off; the value is left in *record. Sets what a head has. */
MU_MUST_USE enum mu_err postgres_head_decode(struct bytes *record, int64_t ts_us, enum record_kind kind,
                                             struct record_head *out);
/* Decodes a whole row and hands it on. */
MU_MUST_USE enum mu_err postgres_tell_message(struct bytes record, int64_t ts_us, journal_message_fn row, void *ctx);
MU_MUST_USE enum mu_err postgres_tell_session(struct bytes record, int64_t ts_us, journal_session_fn row, void *ctx);

static inline struct bytes postgres_col_bytes(struct pg_row *row)
{
    struct str s = pg_col_str(row);
    return bytes_of(s.at, s.len);
}

/* --- postgres_puts.c -------------------------------------------------------------------------------- */
/* Rows of a batch that replace those of the same key, or delete them. The last one of a key counts. */
struct postgres_put {
    int64_t a, b;              /* the key's numbers */
    uint32_t at, key_len, len; /* in bytes: the rest of the key, then the value */
    uint32_t order;
    bool gone;
};

struct postgres_puts {
    struct postgres_put *put;
    uint32_t count, cap;
    struct buf bytes;
};

/* The statements of a table. Their parameters are arrays: a; b, key and value if the table has them. `drop` has the
 * same, without the value. */
struct postgres_table {
    const char *put, *drop; /* drop: NULL if nothing is ever deleted so */
    bool has_b, has_key, has_value;
};

void postgres_puts_init(struct postgres_puts *p);
void postgres_puts_free(struct postgres_puts *p);
void postgres_puts_clear(struct postgres_puts *p);
/* MU_E_NOMEM, MU_E_LIMIT. key and value may be empty. */
MU_MUST_USE enum mu_err postgres_puts_add(struct postgres_puts *p, const struct postgres_put *put, struct bytes key,
                                          struct bytes value);
/* Queues the statements in the connection's transaction. */
MU_MUST_USE enum mu_err postgres_puts_write(struct postgres_puts *p, struct pg *pg, const struct postgres_table *table);

/* --- postgres_batch.c ------------------------------------------------------------------------------- */
/* Messages or session records, in the form in which COPY takes them. */
struct postgres_rows {
    struct buf bytes;
    uint64_t count;
    int64_t oldest_us; /* of the oldest one, if there is any */
};

struct postgres_row {
    int64_t device, ts_us;
    struct str record;
    struct bytes whole;
};
/* Takes the next row off; false: there is none. */
bool postgres_rows_next(struct bytes *rows, struct postgres_row *out);
/* Leaves out what is before a moment: its partition may have gone since the batch was filled. */
void postgres_rows_expire(struct postgres_rows *rows, int64_t oldest_us);

struct postgres_turn {
    uint32_t device;
    enum journal_list list;
    int64_t from_us, last_us;
};

struct postgres_batch {
    struct journal_batch base;
    struct postgres_journal *journal;
    enum mu_err err; /* the first error that left something out; the commit returns it */
    struct postgres_rows messages, sessions;
    struct postgres_puts states, versions, active, active_days, events, controls;
    struct buf delta;    /* empty: none */
    uint32_t old_deltas; /* how many of the start's are dropped along with it */
    struct postgres_past {
        int64_t device, activated_at, online_latest, last_report;
    } * pasts;
    uint32_t past_count, past_cap;
    struct postgres_heard {
        uint32_t device;
        bool told; /* by the device itself */
        struct journal_versions v;
    } * heard;
    uint32_t heard_count, heard_cap;
    struct postgres_turn *turns;
    uint32_t turn_count, turn_cap;
    int32_t *sets; /* days whose single entries go */
    uint32_t set_count, set_cap;
    int32_t *days; /* that need their partitions first */
    uint32_t day_count, day_cap;
    int64_t *forgotten; /* devices */
    uint32_t forgotten_count, forgotten_cap;
    int64_t controls_before_us; /* 0: none are forgotten */
    bool drops;                 /* it deletes rows that other nodes may write */
    int64_t followed_us;        /* INT64_MAX: not noted */
    struct buf value, key;      /* the ones being written */
};

static inline struct postgres_batch *postgres_batch_of(struct journal_batch *b)
{
    return (struct postgres_batch *)b;
}

enum mu_err postgres_batch_create(struct journal_batch **out, struct journal *port);
void postgres_batch_destroy(struct journal_batch *port);
void postgres_batch_clear(struct journal_batch *port);
size_t postgres_batch_bytes(const struct journal_batch *port);
void postgres_batch_message(struct journal_batch *port, uint32_t device, const struct journal_message *m);
void postgres_batch_session(struct journal_batch *port, uint32_t device, const struct journal_session *s);
void postgres_batch_turn(struct journal_batch *port, uint32_t device, enum journal_list list, int64_t from_us,
                         int64_t last_us);
void postgres_batch_state(struct journal_batch *port, uint32_t device, const struct journal_state *s);
void postgres_batch_followed(struct journal_batch *port, int64_t until_us);
void postgres_batch_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v);
void postgres_batch_active(struct journal_batch *port, int32_t day, uint32_t device);
void postgres_batch_active_set(struct journal_batch *port, int32_t day, const void *set, size_t len);
void postgres_batch_event(struct journal_batch *port, uint32_t device, const struct journal_event *e);
void postgres_batch_forget_event(struct journal_batch *port, uint32_t device, const struct journal_event *e);
void postgres_batch_forget_device(struct journal_batch *port, uint32_t device);
void postgres_batch_control(struct journal_batch *port, const struct journal_control *c);
void postgres_batch_forget_controls(struct journal_batch *port, int64_t before_us);

/* --- postgres_commit.c ------------------------------------------------------------------------------ */
/* Takes the lock of all starts that share the journal, or that of the one that has it alone; tries once. MU_E_LOCKED:
 * another one has it alone, or there are others. */
MU_MUST_USE enum mu_err postgres_lock(struct postgres_journal *j);
/* Begins a transaction of the committer. A connection that was made anew takes the lock again. */
MU_MUST_USE enum mu_err postgres_begin(struct postgres_journal *j);
void postgres_end_soon(struct journal *port);
enum mu_err postgres_commit(struct journal *port, struct journal_batch *batch, int64_t alive_us);

/* --- postgres_days.c -------------------------------------------------------------------------------- */
MU_MUST_USE enum mu_err postgres_days_load(struct postgres_journal *j);
bool postgres_has_day(const struct postgres_journal *j, int32_t day);
/* Makes the partitions of a day if need be; not in a transaction. */
MU_MUST_USE enum mu_err postgres_require_day(struct postgres_journal *j, int32_t day);
enum mu_err postgres_roll(struct journal *port, int64_t now_us);
int64_t postgres_expiry_us(const struct journal *port);

/* --- postgres_pool.c -------------------------------------------------------------------------------- */
MU_MUST_USE enum mu_err postgres_pool_init(struct postgres_pool *p);
void postgres_pool_free(struct postgres_pool *p);
/* From here on this thread, which holds claims and gives signs of life, need not wait for a connection. */
void postgres_pool_reserve(struct postgres_journal *j);
/* A connection for this thread, which has no other; waits for one if all are taken. NULL: no memory. */
struct pg *postgres_take(struct postgres_journal *j);
void postgres_give_back(struct postgres_journal *j, struct pg *pg);

/* --- postgres_turn.c -------------------------------------------------------------------------------- */
/* Notes the turns of a batch, in its transaction. */
MU_MUST_USE enum mu_err postgres_turns_write(struct postgres_journal *j, const struct postgres_batch *b);
bool postgres_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us);

/* --- postgres_copy.c -------------------------------------------------------------------------------- */
extern const struct journal_driver_copy postgres_driver_copy;

/* --- postgres_house.c ------------------------------------------------------------------------------- */
enum mu_err postgres_keep_house(struct journal *port, const struct journal_house *h);

/* --- postgres_starts.c ------------------------------------------------------------------------------ */
/* Whether a start is over; one that was not is asked for again. */
bool postgres_boot_is_over(struct journal *port, uint64_t boot, int64_t *since_us);
/* The same without asking. */
bool postgres_boot_known_over(struct postgres_journal *j, uint64_t boot);
/* Asks for all of them at once: from then on they are known. */
MU_MUST_USE enum mu_err postgres_ask_boots(struct postgres_journal *j, struct pg *pg, const int64_t *numbers,
                                           size_t count);
enum mu_err postgres_nodes(struct journal *port, journal_node_fn row, void *ctx);
enum mu_err postgres_stay_alive(struct journal *port);
enum mu_err postgres_end_boot(struct journal *port, uint64_t boot, int64_t alive_us);

/* --- postgres_spread.c ------------------------------------------------------------------------------
 * What Citus makes necessary. Where it spreads no tables, these do nothing, and the two that finish are not called. */
/* Sets j->spread. If this role may not do what the others do, MU_E_SCHEMA, and why gets a sentence. */
MU_MUST_USE enum mu_err postgres_look_whether_spread(struct postgres_journal *j, struct pg *pg, char *why,
                                                     size_t why_size);
/* Finishes the commits of a start that has none under way but on connections that have gone. An error: it is not known
 * whether all are finished. */
MU_MUST_USE enum mu_err postgres_finish_commits(struct pg *pg, uint64_t boot);
/* The same for this start, on the writer, outside of a transaction. */
MU_MUST_USE enum mu_err postgres_finish_own(struct postgres_journal *j);
/* In the writer's transaction, before its last statement: from here on until postgres_commit_finished others see that a
 * commit is under way. */
MU_MUST_USE enum mu_err postgres_commit_begins(struct postgres_journal *j);
void postgres_commit_finished(struct postgres_journal *j);
/* Waits until the commits of other starts that are under way are finished: from then on what they wrote is seen. */
MU_MUST_USE enum mu_err postgres_await_commits(const struct postgres_journal *j, struct pg *pg);
/* How to begin a transaction with pg_each_big. */
enum pg_kind postgres_read_all(const struct postgres_journal *j);

/* --- postgres_claim.c ------------------------------------------------------------------------------- */
enum mu_err postgres_claim(struct journal_batch *port, const uint32_t *devices, size_t count,
                           const struct journal_claimant *to);
void postgres_batch_past(struct journal_batch *port, uint32_t device, int64_t activated_at, int64_t online_latest,
                         int64_t last_report);
#define POSTGRES_PAST "past.activated_at, past.online_latest, past.last_report"
/* Reads these columns; false: they are not there. */
bool postgres_read_past(struct pg_row *row, uint32_t device, struct postgres_past *out);
/* A state, empty if there is none, together with what other nodes have heard of the device; past: NULL if they have heard
 * nothing. */
MU_MUST_USE enum mu_err postgres_state_decode(struct bytes record, const struct postgres_past *past,
                                              struct journal_state *out);

/* --- postgres_versions.c ---------------------------------------------------------------------------- */
void postgres_merge_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v, bool told);
/* In the transaction of a batch, before its versions are written: adds those that it has heard to them. */
MU_MUST_USE enum mu_err postgres_versions_merge(struct postgres_journal *j, struct postgres_batch *b);
enum mu_err postgres_device_versions(struct journal *port, const uint32_t *devices, size_t count,
                                     journal_versions_fn row, void *ctx);

/* --- postgres_nodes.c ------------------------------------------------------------------------------- */
extern const struct journal_driver_nodes postgres_driver_nodes;
/* The rows of a statement whose only parameter is a list of devices, on a connection for reading. */
MU_MUST_USE enum mu_err postgres_each_of(struct journal *port, const char *sql, const uint32_t *devices, size_t count,
                                         enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx);
/* In the transaction of a batch: its delta, and what it has heard of the past of others' devices. */
MU_MUST_USE enum mu_err postgres_nodes_write(struct postgres_journal *j, struct postgres_batch *b);
/* After the commit. */
void postgres_nodes_committed(struct postgres_journal *j, const struct postgres_batch *b);

/* --- reading ---------------------------------------------------------------------------------------- */
enum mu_err postgres_messages(struct journal *port, uint32_t device, const struct journal_window *w,
                              journal_message_fn row, void *ctx, uint64_t *total); /* postgres_page.c */
enum mu_err postgres_sessions(struct journal *port, uint32_t device, const struct journal_window *w,
                              journal_session_fn row, void *ctx, uint64_t *total);
enum mu_err postgres_messages_since(struct journal *port, const struct journal_since *since, size_t count,
                                    int64_t to_us, journal_device_message_fn row, void *ctx); /* postgres_since.c */
enum mu_err postgres_visit(struct journal *port, const struct journal_visitor *v);            /* postgres_visit.c */
/* Of the columns device, opened, point, record. MU_E_CORRUPT; the first two are set in any case. */
MU_MUST_USE enum mu_err postgres_event_decode(struct pg_row *row, uint32_t *device, struct journal_event *out);
/* The activity alone, in a transaction that reads. */
MU_MUST_USE enum mu_err postgres_visit_activity(struct pg *pg, const struct journal_visitor *visitor);
enum mu_err postgres_events(struct journal *port, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx);
enum mu_err postgres_controls(struct journal *port, int64_t after_us, uint64_t after_request, int64_t before_us,
                              journal_control_fn row, void *ctx);
enum mu_err postgres_check(struct journal *port, const struct journal_reader *reader,
                           const struct findings *f); /* postgres_check.c */

#endif
