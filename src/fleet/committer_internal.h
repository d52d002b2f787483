#ifndef MUSTER_FLEET_COMMITTER_INTERNAL_H
#define MUSTER_FLEET_COMMITTER_INTERNAL_H

#include "fleet/batch.h"
#include "fleet/sweep.h"

/* What senders see is in `intake`; the rest belongs to the thread.
 *
 *   any thread ─► intake.queue ─swap─► work ─┐
 *                                            ├─► batch ─► journal ─► fleet ─► done(), flush()
 *   a failed batch's logins and ends ► retry ┘
 *
 * While commits fail, what is in `retry` waits for the next try, once a second; everything else is
 * answered with the error at once, so that senders learn of it and nothing piles up. */
/* What somebody wants done between two batches, and waits for. */
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
    enum mu_err follow_err;    /* of the last one answered */
    pthread_cond_t follow_done;
    struct pause *pauses; /* in no order */
    pthread_cond_t pause_done;

    _Atomic bool disk_full;
    pthread_mutex_t figures_lock;
    struct committer_figures figures;

    /* the thread's own */
    struct intake_records work, retry;
    size_t work_at, retry_at;   /* up to where they have been dealt with */
    struct commit_sink *listed; /* to be flushed */
    uint64_t seq;               /* of the registry's changes, as far as the fleet has them */
    bool behind;                /* the last look at them failed: */
    int64_t next_follow_ms;     /* when to look again */
    enum mu_err failing;        /* of the last commit */
    int64_t next_try_ms;        /* while failing */
    int64_t next_alive_ms, next_roll_ms;
    int64_t committed_us; /* the last end of a commit */
    struct sweep sweep;
    int64_t next_sweep_ms; /* after a step that failed: when to try again */
    int64_t rolled_day;    /* UTC */
    int64_t wall_ahead_us; /* the wall clock, of the monotonic one */
};

void *committer_run(void *committer);

/* Somebody waits for something else than a commit. With the intake's lock held. */
static inline bool committer_is_asked(const struct committer *c)
{
    return c->wished != c->followed || c->pauses || c->stopping;
}
/* Sleeps until there is something to do. The thread, which has the intake's lock when this returns. */
void committer_rest(struct committer *c);

#endif
