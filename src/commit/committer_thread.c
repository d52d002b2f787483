#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "commit/committer_internal.h"
#include "commit/retention.h"

/* The committer's thread: it takes records, commits them, and tells the senders. */

enum { ROLL_MS = 3600 * 1000, ROLL_AGAIN_MS = 60 * 1000 };
static const int64_t DAY_US = 86400LL * 1000000;

/* --- telling --------------------------------------------------------------------------------- */

static void count_dropped(struct committer *c, enum mu_err err)
{
    pthread_mutex_lock(&c->figures_lock);
    if (err == MU_E_FULL)
        c->figures.dropped_disk_full++;
    else if (err == MU_E_NOMEM)
        c->figures.dropped_nomem++;
    else
        c->figures.dropped_io++;
    pthread_mutex_unlock(&c->figures_lock);
}

static void list_sink(struct committer *c, struct commit_sink *sink)
{
    if (sink->listed)
        return;
    sink->listed = true;
    sink->next_listed = c->listed;
    c->listed = sink;
}

static void flush(struct committer *c, size_t answered)
{
    for (struct commit_sink *s = intake_release(&c->intake, answered), *next; s; s = next) {
        next = s->next_starved;
        list_sink(c, s);
    }
    while (c->listed) {
        struct commit_sink *s = c->listed;
        c->listed = s->next_listed;
        assert(s->listed);
        s->listed = false;
        s->flush(s);
    }
}

static void keep_for_retry(struct committer *c, struct intake_record *rec)
{
    assert(intake_is_kept(rec));
    if (intake_records_append(&c->retry, rec) != MU_OK)
        log_event(LOG_ERROR, "session_record_lost", "device=%u cause=memory", rec->device);
}

/* What the sender of a record is told when the commit ended with err. */
static enum mu_err outcome(const struct intake_record *rec, enum mu_err err)
{
    return rec->err != MU_OK || rec->kind == INTAKE_PASS ? (enum mu_err)rec->err : err;
}

static void tell(void *committer, struct intake_record *rec, enum mu_err err)
{
    struct committer *c = committer;

    if (rec->tag) {
        rec->sink->done(rec->sink, rec->owner, rec->tag, err);
        list_sink(c, rec->sink);
    }
}

/* Answers the records of `work` up to a point: their commit ended with err. */
static void answer(struct committer *c, size_t to, enum mu_err err)
{
    size_t from = c->work_at;

    assert(from <= to && to <= c->work.len);
    while (c->work_at < to) {
        struct intake_record *rec = intake_records_at(&c->work, c->work_at);
        enum mu_err own = outcome(rec, err);
        c->work_at += rec->size;
        if (intake_is_kept(rec)) {
            if (err != MU_OK)
                keep_for_retry(c, rec);
            continue;
        }
        if (rec->kind == INTAKE_MOVED)
            continue;
        if (own != MU_OK && own != MU_E_NOT_FOUND && rec->kind != INTAKE_LOGIN)
            count_dropped(c, own);
        tell(c, rec, own);
    }
    assert(c->work_at == to); /* a record is answered as a whole */
    flush(c, to - from);
}

/* --- beside it ------------------------------------------------------------------------------- */

static void follow(struct committer *c)
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
static void pause_if_asked(struct committer *c)
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

static void settle(struct committer *c)
{
    if (c->failing == MU_OK && batch_settle(&c->batch, clock_wall_us()) != MU_OK)
        log_event(LOG_ERROR, "states_lag", "hint=\"the next start reads messages again\"");
}

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

/* Notices that the clock was set, or that the machine slept, and logs once by how much. A slewed clock changes too
 * slowly to be noticed here. Called between batches, and before records that have expired by that clock are dropped:
 * these may be messages that a state does not count yet. */
static void watch_clock(struct committer *c, int64_t wall_us, int64_t mono_us)
{
    int64_t ahead_us = wall_us - mono_us, jump_us = ahead_us - c->wall_ahead_us;

    c->wall_ahead_us = ahead_us;
    if (jump_us <= CLOCK_STEP_US && jump_us >= -CLOCK_STEP_US)
        return;
    log_event(LOG_WARN, "clock_jumped", "seconds=%+lld hint=\"%s\"", (long long)(jump_us / 1000000),
              jump_us > 0 ? "what is written from now on is of that time"
                          : "what was written ahead stays where it is; from now on it is by the clock");
    settle(c);
}

static void roll(struct committer *c)
{
    int64_t now_us = clock_wall_us(), now_ms = clock_mono_ms();

    watch_clock(c, now_us, clock_mono_us());
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
static void sweep(struct committer *c, bool stop)
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

/* Compares the clock with the last start, but only notices that it went back: forward may just be the time in
 * between. */
static void compare_with_last_start(struct committer *c, int64_t wall_us)
{
    struct journal *j = c->options.journal;
    int64_t last_us;

    journal_boot_is_over(j, journal_boot(j).number - 1, &last_us);
    if (wall_us < last_us - CLOCK_STEP_US)
        log_event(LOG_WARN, "clock_jumped", "seconds=%+lld since=\"the last start\"",
                  (long long)((wall_us - last_us) / 1000000));
}

/* --- committing ------------------------------------------------------------------------------ */

static bool has_records(const struct committer *c)
{
    return c->retry_at < c->retry.len || c->work_at < c->work.len;
}

static size_t fill(struct committer *c, const struct intake_records *r, size_t at)
{
    while (at < r->len && batch_takes(&c->batch, intake_records_at(r, at))) {
        struct intake_record *rec = intake_records_at(r, at);
        enum claims_answer answer = claims_admit(&c->claims, rec);
        if (answer == CLAIMS_LATER)
            break;
        if (rec->kind == INTAKE_END)
            claims_drop(&c->claims, rec->device, tell, c);
        if (answer == CLAIMS_GO_ON)
            batch_add(&c->batch, rec);
        at += rec->size;
    }
    return at;
}

static void note_outcome(struct committer *c, enum mu_err err, size_t records, int64_t us)
{
    if (err != c->failing) {
        if (err == MU_OK)
            log_event(LOG_INFO, c->failing == MU_E_FULL ? "disk_full_over" : "commit_recovered", "waiting=%zu",
                      c->retry.len - c->retry_at);
        else
            log_event(LOG_ERROR, err == MU_E_FULL ? "disk_full" : "commit_failed", "error=%s",
                      LOG_Q(mu_err_text(err), -1));
    }
    c->failing = err;
    if (!records)
        return;

    const struct committer_figures *t = &c->batch.tally;
    struct committer_figures *f = &c->figures;
    pthread_mutex_lock(&c->figures_lock);
    if (err == MU_OK) {
        f->messages += t->messages;
        f->decoded += t->decoded;
        f->undecoded += t->undecoded;
        f->echoes += t->echoes;
        f->controls += t->controls;
        f->bytes += t->bytes;
        f->commits++;
        latency_add(&f->latency, us);
    } else {
        f->commit_failures++;
    }
    pthread_mutex_unlock(&c->figures_lock);
}

/* Another start has taken the journal over: nothing that this one does counts any more. What waits is not answered, and
 * the connections end with the process, so their peers repeat it elsewhere. */
static void be_over(const struct committer *c)
{
    if (c->options.nodes) {
        c->options.nodes->over(c->options.nodes->ctx);
        return;
    }
    log_flush();
    /* Not exit(): other threads must not meet what its handlers destroy. */
    _exit(EXIT_FAILURE);
}

/* The logins that waited for another node, and are to be tried again. */
static void resume_logins(struct committer *c)
{
    size_t more = claims_resume(&c->claims, &c->work, clock_mono_ms(), tell, c);

    atomic_fetch_add_explicit(&c->intake.waiting, more, memory_order_relaxed);
    flush(c, 0);
}

/* The last holder of a device may have followed the registry to a definition that this node does not know yet. */
static enum mu_err claim(struct committer *c)
{
    enum mu_err err = claims_take(&c->claims, &c->work, c->work_at);

    if (err != MU_OK || !c->claims.behind)
        return err;
    batch_drop(&c->batch);
    c->behind = true;
    c->next_follow_ms = 0;
    follow(c);
    return claims_take(&c->claims, &c->work, c->work_at);
}

/* Commits one batch: first the records that wait for another try, then the new ones. */
static enum mu_err commit_batch(struct committer *c)
{
    int64_t start = clock_mono_us(), now_us = clock_wall_us();

    assert(!c->batch.records && !c->batch.count);
    watch_clock(c, now_us, start);
    atomic_store_explicit(&c->commit_began_us, start, memory_order_relaxed);
    enum mu_err err = claim(c);
    size_t retry_to = err == MU_OK ? fill(c, &c->retry, c->retry_at) : c->retry_at;
    size_t work_to = err == MU_OK && retry_to == c->retry.len ? fill(c, &c->work, c->work_at) : c->work_at;
    size_t records = c->batch.records;
    if (err == MU_OK)
        err = batch_commit(&c->batch, now_us);
    else
        batch_drop(&c->batch);
    if (err == MU_E_OVER && c->failing != MU_E_OVER)
        be_over(c);
    int64_t end = clock_mono_us();
    atomic_store_explicit(&c->commit_began_us, 0, memory_order_relaxed);

    c->next_alive_ms = end / 1000 + c->options.alive_ms;
    c->next_try_ms = end / 1000 + c->options.retry_ms;
    c->committed_us = end;
    if (err == MU_OK) {
        c->retry_at = retry_to;
        /* Not its end: if the process was stopped meanwhile, others have been without a sign of life since. */
        atomic_store_explicit(&c->succeeded_ms, start / 1000, memory_order_relaxed);
    }
    note_outcome(c, err, records, end - start);
    answer(c, work_to, err);
    batch_tell(&c->batch, err);
    return err;
}

/* stop: try also when the next try is not due yet. */
static void commit_waiting(struct committer *c, bool stop)
{
    int64_t now = clock_mono_ms();

    if (stop || c->failing == MU_OK || now >= c->next_try_ms) {
        bool due = !stop && now >= (c->failing == MU_OK ? c->next_alive_ms : c->next_try_ms);
        while (has_records(c) || due) {
            due = false;
            if (commit_batch(c) != MU_OK)
                break;
            follow(c); /* so configuring need not wait until a long queue is committed */
            pause_if_asked(c);
        }
    }
    assert(c->work_at <= c->work.len && c->retry_at <= c->retry.len);
    if (c->work_at < c->work.len)
        answer(c, c->work.len, c->failing);
    c->work.len = c->work_at = 0;
    intake_records_consume(&c->retry, c->retry_at);
    c->retry_at = 0;
}

/* Rests until something is due, then takes the records that have come in; false when it is time to end. */
static bool take(struct committer *c)
{
    struct intake *in = &c->intake;

    assert(!c->work.len && !c->work_at);
    committer_rest(c);
    bool go_on = in->queue.len || c->wished != c->followed || c->pauses || !c->stopping;
    uint64_t lost = in->lost;
    in->lost = 0;
    intake_swap(in, &c->work);
    pthread_mutex_unlock(&in->lock);
    if (lost)
        log_event(LOG_ERROR, "session_records_lost", "count=%llu cause=memory", (unsigned long long)lost);
    return go_on;
}

void *committer_run(void *committer)
{
    struct committer *c = committer;

    c->next_alive_ms = clock_mono_ms() + c->options.alive_ms;
    c->wall_ahead_us = clock_wall_us() - clock_mono_us();
    compare_with_last_start(c, clock_wall_us());
    roll(c);
    while (take(c)) {
        follow(c);
        pause_if_asked(c);
        resume_logins(c);
        /* Before the commit, so that records right after a step of the clock find their day. */
        roll(c);
        commit_waiting(c, false);
        sweep(c, false);
    }
    commit_waiting(c, true);
    sweep(c, true);
    settle(c);
    if (c->retry.len)
        log_event(LOG_ERROR, "session_records_lost", "bytes=%zu cause=%s", c->retry.len,
                  LOG_Q(mu_err_text(c->failing), -1));
    return NULL;
}
