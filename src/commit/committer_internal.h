#ifndef MUSTER_COMMIT_COMMITTER_INTERNAL_H
#define MUSTER_COMMIT_COMMITTER_INTERNAL_H

#include "commit/batch.h"
#include "commit/claims.h"
#include "commit/sweep.h"

/* Senders use `intake`; the rest belongs to the thread.
 *
 *   any thread ─► intake.queue ─swap─► work ─┐
 *                                            ├─► batch ─► journal ─► fleet ─► done(), flush()
 *   a failed batch's ends of sessions ► retry ┘
 *
 * While commits fail, the records in `retry` wait for the next try, once a second. Every other record is answered with
 * the error at once, so that its sender learns of it and nothing piles up. */
/* A function that a thread wants to be run between two batches; the thread waits for it. */
struct pause {
    void (*fn)(void *ctx);
    void *ctx;
    bool done;
    struct pause *next;
};

struct committer {
    struct committer_options options;
    struct intake intake;
    struct batch batch;
    pthread_t thread;

    /* guarded by intake.lock */
    bool stopping;
    uint64_t wished, followed; /* tickets of committer_follow_registry */
    enum mu_err follow_err;    /* of the last ticket that was answered */
    pthread_cond_t follow_done;
    struct pause *pauses; /* in no order */
    pthread_cond_t pause_done;

    _Atomic enum mu_err failing;     /* the error of the last commit; MU_OK: it succeeded */
    _Atomic int64_t commit_began_us; /* by the monotonic clock; 0: none runs */
    _Atomic uint64_t shown_change;   /* seq, for other threads */
    _Atomic int64_t succeeded_ms;    /* when the last commit that succeeded began; monotonic */
    pthread_mutex_t figures_lock;
    struct committer_figures figures;

    /* the thread's own */
    struct claims claims;
    struct intake_records work, retry;
    size_t work_at, retry_at;   /* how far they have been processed */
    struct commit_sink *listed; /* the sinks whose flush() must be called */
    uint64_t seq;               /* number of the registry's last change that the fleet has */
    bool behind;                /* the last look at the registry's changes failed; */
    int64_t next_follow_ms;     /* then this is when to look again */
    int64_t next_try_ms;        /* the next try, while commits fail */
    int64_t next_alive_ms, next_roll_ms;
    int64_t committed_us; /* when the last commit ended; monotonic */
    struct sweep sweep;
    int64_t next_sweep_ms; /* when to try again after a failed step */
    int64_t rolled_day;    /* UTC */
    int64_t wall_ahead_us; /* how far the wall clock is ahead of the monotonic one */
};

void *committer_run(void *committer);

/* --- committer_between.c: on the committer's thread, while the batch is empty ---------------------------------- */

/* Follows the registry if somebody has asked for it, or if it failed and is due again. */
void committer_follow(struct committer *c);
/* Runs the functions that wait in `pauses`. */
void committer_pause_if_asked(struct committer *c);
/* States that lag are brought up to date. */
void committer_settle(struct committer *c);
void committer_begin_clock(struct committer *c);
/* Notices that the clock was set, or that the machine slept, and logs once by how much. */
void committer_watch_clock(struct committer *c, int64_t wall_us, int64_t mono_us);
/* Begins days and drops old ones, if it is time. */
void committer_roll(struct committer *c);
/* Sweeps one part, or with `stop` everything. */
void committer_sweep(struct committer *c, bool stop);

/* --- committer_rest.c ------------------------------------------------------------------------------------------- */

/* Somebody waits for something other than a commit. With the intake's lock held. */
static inline bool committer_is_asked(const struct committer *c)
{
    return c->wished != c->followed || c->pauses || c->stopping;
}
/* Sleeps until there is something to do. On the committer's thread, which holds the intake's lock when this returns. */
void committer_rest(struct committer *c);

#endif
