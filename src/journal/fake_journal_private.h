#ifndef MUSTER_JOURNAL_FAKE_JOURNAL_PRIVATE_H
#define MUSTER_JOURNAL_FAKE_JOURNAL_PRIVATE_H

#include <pthread.h>
#include <string.h>

#include "base/array.h"
#include "journal/fake_journal.h"
#include "journal/journal_driver.h"

/* What the files of the journal in memory share. */

/* Adds a cleared element to the end of a list. */
#define FAKE_APPEND(list)                                                  \
    (fake_require(ARRAY_RESERVE((list).at, (list).cap, (list).count + 1)), \
     memset(&(list).at[(list).count], 0, sizeof(*(list).at)), &(list).at[(list).count++])

/* Keeps the elements for which `keeps` is true; `row` is the element. */
#define FAKE_KEEP(list, type, keeps)                             \
    do {                                                         \
        size_t kept_ = 0;                                        \
        for (size_t k_ = 0; k_ < (list).count; k_++) {           \
            const type *row = &(list).at[k_];                    \
            if (keeps)                                           \
                memmove(&(list).at[kept_++], row, sizeof(*row)); \
        }                                                        \
        (list).count = kept_;                                    \
    } while (0)

enum { FAKE_BOOTS = 256 };

struct fake_delta {
    uint64_t boot, number;
    uint8_t *bytes;
    size_t len;
};

/* A device that a batch has claimed and not committed yet. */
struct fake_claim {
    uint32_t device;
    const struct journal_batch *batch;
};

enum { FAKE_ENTERPRISES = 16 };
struct fake_calls {
    uint32_t hour, granted;
};

/* What is stored. One or several nodes have it open. */
struct fake_journal {
    unsigned users;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t alive_us[FAKE_BOOTS];
    bool joined[FAKE_BOOTS], over[FAKE_BOOTS], committed[FAKE_BOOTS];
    uint64_t last_delta[FAKE_BOOTS], registry[FAKE_BOOTS];
    unsigned asked[FAKE_BOOTS]; /* devices in claims */
    struct fake_calls calls[FAKE_ENTERPRISES];
    FAKE_LIST(struct fake_delta) deltas;
    FAKE_LIST(struct fake_claim) claims;
    bool held, waiting;
    enum mu_err fail;
    size_t fail_at, visited;
    enum mu_err fail_row;
    int64_t rolled_us;
    unsigned keep_days;
    struct fake_counts counts;
    struct fake_records all;
};

/* A node's opening of it. */
struct fake_handle {
    struct journal base;
    struct fake_journal *store;
    uint64_t registry;
    void (*meanwhile)(void *ctx); /* fake_journal_meanwhile */
    void *meanwhile_ctx;
};

static inline struct fake_journal *fake_store(const struct journal *j)
{
    return ((const struct fake_handle *)j)->store;
}

struct fake_batch {
    struct journal_batch base;
    struct fake_journal *journal;
    uint64_t boot;
    struct fake_records r;
    struct fake_delta delta; /* bytes: NULL = none */
    enum mu_err err;
};

extern const struct journal_driver_nodes fake_driver_nodes; /* fake_journal_nodes.c */
/* With the lock held: the batch is committed, or cleared. */
void fake_release_claims(struct fake_journal *j, const struct journal_batch *b);

/* Without the lock. */
void fake_meanwhile(struct journal *j);

void fake_require(bool memory);
void fake_records_free(struct fake_records *r);

/* --- fake_journal_commit.c ------------------------------------------------------------------------- */
enum mu_err fake_commit(struct journal *port, struct journal_batch *batch, int64_t alive_us);
enum mu_err fake_roll(struct journal *port, int64_t now_us);
/* The newest of a device; NULL: it has none. */
const struct journal_versions *fake_versions_of(const struct fake_records *all, uint32_t device);
/* Before this moment nothing is kept, as the last roll has it. */
int64_t fake_oldest_us(const struct fake_journal *j);

/* --- fake_journal_batch.c -------------------------------------------------------------------------- */
enum mu_err fake_batch_create(struct journal_batch **out, struct journal *j);
void fake_batch_clear(struct journal_batch *b);
void fake_batch_destroy(struct journal_batch *b);
size_t fake_batch_bytes(const struct journal_batch *b);
void fake_batch_message(struct journal_batch *port, uint32_t device, const struct journal_message *m);
void fake_batch_session(struct journal_batch *port, uint32_t device, const struct journal_session *s);
void fake_batch_turn(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us,
                     int64_t last_us);
void fake_batch_state(struct journal_batch *port, uint32_t device, const struct journal_state *s);
void fake_batch_followed(struct journal_batch *b, int64_t until_us);
void fake_batch_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v);
void fake_batch_active(struct journal_batch *port, int32_t day, uint32_t device);
void fake_batch_active_set(struct journal_batch *port, int32_t day, const void *set, size_t len);
void fake_batch_event(struct journal_batch *b, uint32_t device, const struct journal_event *e);
void fake_batch_forget_event(struct journal_batch *b, uint32_t device, const struct journal_event *e);
void fake_batch_forget_device(struct journal_batch *b, uint32_t device);
void fake_batch_control(struct journal_batch *port, const struct journal_control *c);
void fake_batch_forget_controls(struct journal_batch *b, int64_t before_us);

/* --- fake_journal_read.c --------------------------------------------------------------------------- */
enum mu_err fake_visit(struct journal *port, const struct journal_visitor *v);
enum mu_err fake_events(struct journal *port, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx);
enum mu_err fake_controls(struct journal *port, int64_t after_us, uint64_t after_request, int64_t before_us,
                          journal_control_fn row, void *ctx);
enum mu_err fake_messages(struct journal *port, uint32_t device, const struct journal_window *w, journal_message_fn row,
                          void *ctx, uint64_t *total);
enum mu_err fake_sessions(struct journal *port, uint32_t device, const struct journal_window *w, journal_session_fn row,
                          void *ctx, uint64_t *total);
bool fake_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us);
enum mu_err fake_check(struct journal *port, const struct journal_reader *reader, const struct findings *f);

#endif
