#ifndef MUSTER_JOURNAL_JOURNAL_NODES_H
#define MUSTER_JOURNAL_JOURNAL_NODES_H

#include "base/buf.h"
#include "journal/journal.h"

/* What several nodes do with one journal: they live by signs of life, hold devices' sessions, and tell each other what
 * their batches changed. A store that only one process opens (RocksDB) has none of this: journal_is_shared. */
bool journal_is_shared(const struct journal *j);

/* --- which starts live ----------------------------------------------------------------------------
 * Every commit is a sign of life, and an empty batch can be committed for it. A commit of a start that somebody has
 * declared over fails with MU_E_OVER, and nothing of it is on disk: the process can only end. */
struct journal_node {
    uint64_t boot;
    struct str name;  /* valid during the call */
    int64_t alive_us; /* its last sign of life, by the store's clock */
    bool ready;       /* it has committed: a start does so when it has read everything, and before it answers anybody */
    uint64_t delta;   /* the number of its last delta */
    uint64_t registry; /* the last change of the registry that it has followed (journal_note_registry) */
};
typedef enum mu_err (*journal_node_fn)(void *ctx, const struct journal_node *node);
/* The starts that are not over, this one too, in the order of their numbers. Any thread. */
MU_MUST_USE enum mu_err journal_nodes(struct journal *j, journal_node_fn row, void *ctx);
/* A sign of life of a start that still reads what there is, and commits nothing yet. MU_E_OVER: it is over. Any thread. */
MU_MUST_USE enum mu_err journal_stay_alive(struct journal *j);
/* Declares a start over, and ends what it has under way. Not if it has given a sign of life after the one at alive_us, or
 * will as soon as it gets a lock that it waits for: then MU_E_EXISTS. MU_OK also if it was over already. Any thread. */
MU_MUST_USE enum mu_err journal_end_boot(struct journal *j, uint64_t boot, int64_t alive_us);

/* --- who holds a session --------------------------------------------------------------------------- */
struct journal_claimant {
    void *ctx;
    /* The device's session can begin here: nobody else writes the device's records until this batch has been committed
     * or cleared. What is on record of it follows: its state, unless there is none (NULL). An error ends the claim. */
    enum mu_err (*claimed)(void *ctx, uint32_t device, const struct journal_state *s);
    /* Another start that is not over holds it, since its session record of that number. boot 0: another one is claiming
     * it at this moment; ask again soon. */
    enum mu_err (*held)(void *ctx, uint32_t device, uint64_t boot, uint64_t login);
};
/* For devices whose session this start does not hold, before the batch is filled with anything of theirs; in ascending
 * order. A login that is then committed makes the session ours. The batch must be committed or cleared soon. It does not
 * wait for another node's batch. */
MU_MUST_USE enum mu_err journal_batch_claim(struct journal_batch *b, const uint32_t *devices, size_t count,
                                            const struct journal_claimant *to);

/* What this start has heard of a device whose session it does not hold: the earlier activation counts, the later login
 * and report (Unix seconds; 0 = not known). */
void journal_batch_past(struct journal_batch *b, uint32_t device, int64_t activated_at, int64_t online_latest,
                        int64_t last_report);

/* Versions that this start has heard of a device, whoever holds its session; a text that is "" stays as it is on record.
 * told: by the device itself. Otherwise a text counts only where none is on record. */
void journal_batch_merge_versions(struct journal_batch *b, uint32_t device, const struct journal_versions *v,
                                  bool told);
/* How they are merged into what is on record. */
void journal_versions_merge(struct journal_versions *on_record, const struct journal_versions *v, bool told);

/* --- what others have changed ----------------------------------------------------------------------
 * The bytes of this batch's delta, whose form only the caller knows. */
void journal_batch_delta(struct journal_batch *b, const void *bytes, size_t len);
/* The number of the last one that this start has committed; the numbers of a start ascend. Same thread as
 * journal_commit. */
uint64_t journal_last_delta(const struct journal *j);
typedef enum mu_err (*journal_delta_fn)(void *ctx, uint64_t number, const void *bytes, size_t len);
/* The deltas of a start after a number, in order. MU_E_NOT_FOUND: some after that number are gone. Any thread. */
MU_MUST_USE enum mu_err journal_deltas(struct journal *j, uint64_t boot, uint64_t after, journal_delta_fn row,
                                       void *ctx);
/* Deltas are kept for a minute. Whoever has seen a start that is not ready says it here, and for another minute none of this
 * start are dropped: the other one reads them when it is ready. Any thread. */
void journal_keep_deltas(struct journal *j);
/* All events of these devices, which are in ascending order, device by device in the same order. Any thread. */
MU_MUST_USE enum mu_err journal_device_events(struct journal *j, const uint32_t *devices, size_t count,
                                              journal_event_fn row, void *ctx);
typedef enum mu_err (*journal_versions_fn)(void *ctx, uint32_t device, const struct journal_versions *v);
/* The versions of these devices, which are in ascending order, of those that have some, in the same order. Any thread. */
MU_MUST_USE enum mu_err journal_device_versions(struct journal *j, const uint32_t *devices, size_t count,
                                                journal_versions_fn row, void *ctx);
/* What is on record of one device; MU_E_NOT_FOUND: nothing. Any thread. */
MU_MUST_USE enum mu_err journal_device_state(struct journal *j, uint32_t device,
                                             void (*state)(void *ctx, const struct journal_state *s), void *ctx);

/* --- what is done once, and not by each node ----------------------------------------------------------
 * Activity by day: the single entries of finished days are moved into the days' sets, old days are forgotten. Of starts that
 * are long over, the deltas are dropped, and what is kept of those that no state names. */
/* The most bytes of a set: a bit for each of 2^32 devices, and the heads of its parts. */
#define JOURNAL_SET_MAX ((size_t)600 << 20)
struct journal_house {
    int32_t first_day; /* days before it are forgotten */
    int32_t today;     /* days before it are finished */
    void *ctx;
    /* Adds devices, in no order, to a day's set, which is in bytes whose form only the caller knows; empty: there is
     * none yet. */
    enum mu_err (*unite)(void *ctx, struct buf *set, const uint32_t *devices, size_t count);
};
/* In many small steps; takes seconds if there is much. It reads nothing but the store, so it misses nothing that this
 * node has not followed yet. MU_E_LOCKED: another node is at it. Any thread. */
MU_MUST_USE enum mu_err journal_keep_house(struct journal *j, const struct journal_house *h);

/* --- calls of an enterprise -------------------------------------------------------------------------
 * Grants calls of an hour (since 1970), at most `wanted`, so that all nodes together never get more than `limit`; a
 * negative number gives calls back. Sets how many calls were granted, and how many all nodes have now. MU_E_NOT_FOUND: what
 * is given back is of an hour that is not counted any more. Any thread. */
struct journal_grant {
    uint32_t enterprise, hour, limit;
    int64_t wanted;
    uint32_t calls, total;
};
MU_MUST_USE enum mu_err journal_grant_calls(struct journal *j, struct journal_grant *g);

#endif
