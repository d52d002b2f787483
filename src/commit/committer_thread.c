#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "commit/committer_internal.h"

/* The committer's thread: it takes records, commits them, and tells the senders. What it does between two batches is in
 * committer_between.c. */

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
    committer_follow(c);
    return claims_take(&c->claims, &c->work, c->work_at);
}

/* Commits one batch: first the records that wait for another try, then the new ones. */
static enum mu_err commit_batch(struct committer *c)
{
    int64_t start = clock_mono_us(), now_us = clock_wall_us();

    assert(!c->batch.records && !c->batch.count);
    committer_watch_clock(c, now_us, start);
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
            committer_follow(c); /* so configuring need not wait until a long queue is committed */
            committer_pause_if_asked(c);
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
    committer_begin_clock(c);
    committer_roll(c);
    while (take(c)) {
        committer_follow(c);
        committer_pause_if_asked(c);
        resume_logins(c);
        /* Before the commit, so that records right after a step of the clock find their day. */
        committer_roll(c);
        commit_waiting(c, false);
        committer_sweep(c, false);
    }
    commit_waiting(c, true);
    committer_sweep(c, true);
    committer_settle(c);
    if (c->retry.len)
        log_event(LOG_ERROR, "session_records_lost", "bytes=%zu cause=%s", c->retry.len,
                  LOG_Q(mu_err_text(c->failing), -1));
    return NULL;
}
