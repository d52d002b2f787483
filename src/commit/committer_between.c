#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "commit/committer_internal.h"
#include "commit/retention.h"

/* What the committer does between two batches: it follows the registry, runs what other threads ask for, watches the
 * clock, begins and drops days, and sweeps. */

enum { ROLL_MS = 3600 * 1000, ROLL_AGAIN_MS = 60 * 1000 };
static const int64_t DAY_US = 86400LL * 1000000;

/* --- what others ask for ----------------------------------------------------------------------- */

void committer_follow(struct committer *c)
{
    pthread_mutex_lock(&c->intake.lock);
    uint64_t wished = c->wished;
    bool due = wished != c->followed;
    pthread_mutex_unlock(&c->intake.lock);
    if (!due && !(c->behind && clock_mono_ms() >= c->next_follow_ms))
        return;

    struct registry_visitor v = fleet_registry_visitor(c->options.fleet);
    enum mu_err err = registry_visit_changes(c->options.registry, &v, &c->seq);
    if (err == MU_E_NOT_FOUND)
        err = fleet_revisit(c->options.fleet, c->options.registry, &c->seq);
    if (err != MU_OK && !c->behind) /* it is tried again and again */
        log_event(LOG_ERROR, "follow_failed", "error=%s", LOG_Q(mu_err_text(err), -1));
    journal_note_registry(c->options.journal, c->seq, fleet_last_device(c->options.fleet));
    c->behind = err != MU_OK;
    c->batch.registry = c->seq;
    atomic_store(&c->shown_change, c->seq);
    c->next_follow_ms = clock_mono_ms() + c->options.retry_ms;
    pthread_mutex_lock(&c->intake.lock);
    assert(c->followed <= wished && wished <= c->wished);
    c->followed = wished;
    c->follow_err = err;
    pthread_cond_broadcast(&c->follow_done);
    pthread_mutex_unlock(&c->intake.lock);
}

/* The waiter's struct is gone as soon as the waiter sees `done`. It cannot see that before the lock is released. */
void committer_pause_if_asked(struct committer *c)
{
    pthread_mutex_lock(&c->intake.lock);
    while (c->pauses) {
        struct pause *pause = c->pauses;
        c->pauses = pause->next;
        pthread_mutex_unlock(&c->intake.lock);
        pause->fn(pause->ctx);
        pthread_mutex_lock(&c->intake.lock);
        pause->done = true;
        pthread_cond_broadcast(&c->pause_done);
    }
    pthread_mutex_unlock(&c->intake.lock);
}

/* --- the clock ------------------------------------------------------------------------------- */

void committer_settle(struct committer *c)
{
    if (c->failing == MU_OK && batch_settle(&c->batch, clock_wall_us()) != MU_OK)
        log_event(LOG_ERROR, "states_lag", "hint=\"the next start reads messages again\"");
}

/* Compares the clock with the last start, but only notices that it went back: forward may just be the time in
 * between. */
static void compare_with_last_start(const struct committer *c, int64_t wall_us)
{
    struct journal *j = c->options.journal;
    int64_t last_us;

    journal_boot_is_over(j, journal_boot(j).number - 1, &last_us);
    if (wall_us < last_us - CLOCK_STEP_US)
        log_event(LOG_WARN, "clock_jumped", "seconds=%+lld since=\"the last start\"",
                  (long long)((wall_us - last_us) / 1000000));
}

void committer_begin_clock(struct committer *c)
{
    int64_t wall_us = clock_wall_us();

    c->wall_ahead_us = wall_us - clock_mono_us();
    compare_with_last_start(c, wall_us);
}

/* Notices that the clock was set, or that the machine slept, and logs once by how much. A slewed clock changes too
 * slowly to be noticed here. Called between batches, and before records that have expired by that clock are dropped:
 * these may be messages that a state does not count yet. */
void committer_watch_clock(struct committer *c, int64_t wall_us, int64_t mono_us)
{
    int64_t ahead_us = wall_us - mono_us, jump_us = ahead_us - c->wall_ahead_us;

    c->wall_ahead_us = ahead_us;
    if (jump_us <= CLOCK_STEP_US && jump_us >= -CLOCK_STEP_US)
        return;
    log_event(LOG_WARN, "clock_jumped", "seconds=%+lld hint=\"%s\"", (long long)(jump_us / 1000000),
              jump_us > 0 ? "what is written from now on is of that time"
                          : "what was written ahead stays where it is; from now on it is by the clock");
    committer_settle(c);
}

/* --- days, and what is left over ---------------------------------------------------------------- */

static enum mu_err keep_in_time(struct committer *c, int64_t now_us)
{
    enum mu_err err = journal_roll(c->options.journal, now_us);
    int64_t expiry_us = journal_expiry_us(c->options.journal);
    struct retention r = {
        .fleet = c->options.fleet,
        .journal = c->options.journal,
        .writes = c->batch.writes,
        .today = calendar_day(c->options.calendar, expiry_us / 1000000),
        .now_us = expiry_us,
        .keep_days = c->options.activity_days,
        .nodes = c->options.nodes,
        .registry = c->seq,
    };
    return err != MU_OK ? err : retention_run(&r);
}

void committer_roll(struct committer *c)
{
    int64_t now_us = clock_wall_us(), now_ms = clock_mono_ms();

    committer_watch_clock(c, now_us, clock_mono_us());
    if (now_us / DAY_US == c->rolled_day && now_ms < c->next_roll_ms)
        return;
    enum mu_err err = keep_in_time(c, now_us);
    if (err != MU_OK) {
        log_event(LOG_ERROR, "roll_failed", "error=%s", LOG_Q(mu_err_text(err), -1));
        c->next_roll_ms = now_ms + ROLL_AGAIN_MS;
    } else {
        c->next_roll_ms = now_ms + ROLL_MS;
    }
    c->rolled_day = now_us / DAY_US;
}

/* Sweeps one part at once, so that commits go on. At the end it sweeps everything, so that a directory at rest has no
 * leftovers. */
void committer_sweep(struct committer *c, bool stop)
{
    while (sweep_is_due(&c->sweep) && c->failing == MU_OK && (stop || clock_mono_ms() >= c->next_sweep_ms)) {
        enum mu_err err = sweep_step(&c->sweep, clock_wall_us());
        if (err != MU_OK) {
            log_event(LOG_ERROR, "sweep_failed", "error=%s", LOG_Q(mu_err_text(err), -1));
            c->next_sweep_ms = clock_mono_ms() + c->options.retry_ms;
        }
        if (err != MU_OK || !stop)
            break;
    }
}
