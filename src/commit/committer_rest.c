#include <assert.h>
#include <sched.h>

#include "base/clock.h"
#include "base/thread.h"
#include "commit/committer_internal.h"

/* How long the committer rests between two commits.
 *
 * A commit takes the same sync, wake-ups and bookkeeping for one report as for fifty. Where a sync takes 0.15 ms, 5,000
 * devices that report once a second made 4,100 commits a second. So reports gather: those that a sender waits for until
 * TOLD_MS after the last commit, those that nobody waits for until KEPT_MS after it. Where a sync takes 5 ms, an
 * acknowledgement still comes within some 15 ms. The first report after a longer silence is committed at once. So is
 * everything else when somebody cannot go on before it is committed (intake.h). But first the committer yields to the
 * loops that share its core, so that records which they have under way go along. With 200 devices that wait for each
 * acknowledgement, yielding made 680 commits a second out of 1,050. */
enum { TOLD_MS = 4, KEPT_MS = 20 };

static int64_t pause_us(const struct committer *c, enum intake_haste haste)
{
    const struct committer_options *o = &c->options;

    if (haste == HASTE_KEPT)
        return (o->kept_pause_ms ? o->kept_pause_ms : KEPT_MS) * INT64_C(1000);
    return (o->told_pause_ms ? o->told_pause_ms : TOLD_MS) * INT64_C(1000);
}

/* The least haste that is due by now. *until is brought forward to the moment when a lesser haste will be due. */
static enum intake_haste least_due(const struct committer *c, int64_t now_us, int64_t *until)
{
    enum intake_haste least = HASTE_NOW;

    while (least > HASTE_KEPT) {
        int64_t lesser_us = c->committed_us + pause_us(c, least - 1);
        if (now_us < lesser_us) {
            *until = lesser_us < *until ? lesser_us : *until;
            break;
        }
        least--;
    }
    return least;
}

/* When there is something to do even if nothing comes in. */
static int64_t own_time_us(const struct committer *c)
{
    int64_t at = c->failing == MU_OK ? c->next_alive_ms : c->next_try_ms;

    if (c->behind && c->next_follow_ms < at)
        at = c->next_follow_ms;
    if (sweep_is_due(&c->sweep) && c->failing == MU_OK && c->next_sweep_ms < at)
        at = c->next_sweep_ms; /* mostly in the past: then only look at what has come in */
    if (c->claims.waiting_count && c->claims.look_ms < at)
        at = c->claims.look_ms;
    return at * 1000;
}

void committer_rest(struct committer *c)
{
    struct intake *in = &c->intake;
    int64_t own_us = own_time_us(c), now_us;

    sched_yield();
    pthread_mutex_lock(&in->lock);
    assert(in->wakes_at == HASTE_AWAKE); /* only this function lowers it, and it has ended */
    while (!committer_is_asked(c) && (now_us = clock_mono_us()) < own_us) {
        int64_t until = own_us;
        enum intake_haste least = least_due(c, now_us, &until);
        if (in->haste >= least)
            break;
        in->wakes_at = least;
        thread_wait(&in->wake, &in->lock, until);
    }
    in->wakes_at = HASTE_AWAKE;
}
