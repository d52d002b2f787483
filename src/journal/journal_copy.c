#include "journal/journal_copy.h"

#include <stdio.h>

#include "base/clock.h"
#include "journal/journal_driver.h"

/* Copying and comparing, over the ports. What the ports do not tell, a driver tells as journal_driver.h says. */

/* As large as the committer makes its batches: memory and the time of a commit stay within the same bounds. */
enum { COPY_BATCH = LIMIT_BATCH };

const char *const journal_kind_words[JOURNAL_KINDS] = {
    [JOURNAL_STATES] = "states",
    [JOURNAL_VERSIONS] = "versions",
    [JOURNAL_ACTIVE] = "activity entries",
    [JOURNAL_ACTIVE_SETS] = "days",
    [JOURNAL_EVENTS] = "events",
    [JOURNAL_MESSAGES] = "messages",
    [JOURNAL_SESSIONS] = "session records",
    [JOURNAL_CONTROLS] = "controls",
};

struct record_copy {
    struct journal_copying *c;
    struct journal_batch *batch; /* NULL: nothing is copied, only counted */
    uint64_t counts[JOURNAL_KINDS];
    enum mu_err err; /* the first one; the rest is only read then */
    char *why;
    size_t why_size;
};

static bool going(const struct record_copy *c)
{
    return c->err == MU_OK && c->batch;
}

static void commit(struct record_copy *c)
{
    c->err = journal_commit(c->c->to, c->batch, clock_wall_us());
}

static void counted(struct record_copy *c, enum journal_kind kind)
{
    c->counts[kind]++;
    if (going(c) && journal_batch_bytes(c->batch) >= COPY_BATCH)
        commit(c);
}

static void on_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_state(c->batch, device, s);
    counted(c, JOURNAL_STATES);
}

static void on_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_versions(c->batch, device, v);
    counted(c, JOURNAL_VERSIONS);
}

static void on_active(void *ctx, int32_t day, uint32_t device)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_active(c->batch, day, device);
    counted(c, JOURNAL_ACTIVE);
}

static void on_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_active_set(c->batch, day, set, len);
    counted(c, JOURNAL_ACTIVE_SETS);
}

static void on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_event(c->batch, device, e);
    counted(c, JOURNAL_EVENTS);
}

static void on_message(void *ctx, uint32_t device, const struct journal_message *m)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_message(c->batch, device, m);
    counted(c, JOURNAL_MESSAGES);
}

static void on_session(void *ctx, uint32_t device, const struct journal_session *s)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_session(c->batch, device, s);
    counted(c, JOURNAL_SESSIONS);
}

static enum mu_err on_control(void *ctx, const struct journal_control *control)
{
    struct record_copy *c = ctx;

    if (going(c))
        journal_batch_control(c->batch, control);
    counted(c, JOURNAL_CONTROLS);
    c->c->step(c->c->ctx);
    return c->err;
}

static void on_mistake(void *ctx, const char *text)
{
    struct record_copy *c = ctx;

    if (c->err != MU_OK)
        return;
    snprintf(c->why, c->why_size, "%s has mistakes (muster check): %s", c->batch ? "the source" : "what was copied",
             text);
    c->err = MU_E_CORRUPT;
}

static void on_looked_at(void *ctx, const char *what, uint64_t count)
{
    (void)ctx;
    (void)what;
    (void)count;
}

static void on_step(void *ctx)
{
    const struct record_copy *c = ctx;
    c->c->step(c->c->ctx);
}

static enum mu_err read_all(struct record_copy *c, struct journal *j)
{
    struct journal_reader reader = { .ctx = c,
                                     .state = on_state,
                                     .versions = on_versions,
                                     .active = on_active,
                                     .active_set = on_active_set,
                                     .event = on_event,
                                     .message = on_message,
                                     .session = on_session };
    struct findings findings = { c, on_mistake, on_looked_at, on_step };
    enum mu_err err = journal_check(j, &reader, &findings);

    if (c->err == MU_OK && err == MU_OK)
        err = journal_controls(j, 0, 0, INT64_MAX, on_control, c);
    return c->err != MU_OK ? c->err : err;
}

/* --- what is in no record ---------------------------------------------------------------------------*/

static enum mu_err on_start(void *ctx, uint64_t boot, int64_t alive_us)
{
    struct record_copy *c = ctx;
    return c->c->to->driver->copy->put_start(c->batch, boot, alive_us);
}

static enum mu_err on_turns(void *ctx, uint32_t device, enum journal_list list, const void *spans, size_t len)
{
    struct record_copy *c = ctx;
    return c->c->to->driver->copy->put_turns(c->batch, device, list, spans, len);
}

static enum mu_err on_clock(void *ctx, int64_t trusted_us)
{
    struct record_copy *c = ctx;
    return c->c->to->driver->copy->put_clock(c->batch, trusted_us);
}

static enum mu_err copy_rest(struct record_copy *c)
{
    struct journal_rest rest = { .ctx = c, .start = on_start, .turns = on_turns, .clock = on_clock };
    struct journal *from = c->c->from;
    int64_t until_us = journal_followed_until_us(from);
    enum mu_err err = from->driver->copy->rest(from, &rest);

    if (until_us != INT64_MAX)
        journal_batch_followed(c->batch, until_us);
    return err;
}

enum mu_err journal_copy(struct journal_copying *copying, char *why, size_t why_size)
{
    struct record_copy c = { .c = copying, .why = why, .why_size = why_size };
    enum mu_err err = journal_batch_create(&c.batch, copying->to);

    if (err == MU_OK && (err = copy_rest(&c)) == MU_OK) {
        commit(&c);
        err = read_all(&c, copying->from);
    }
    if (err == MU_OK) {
        commit(&c);
        err = c.err;
    }
    if (c.batch)
        journal_batch_destroy(c.batch);
    for (size_t i = 0; i < JOURNAL_KINDS; i++)
        copying->counts[i] = c.counts[i];
    return err;
}

enum mu_err journal_compare(struct journal_copying *copying, char *why, size_t why_size)
{
    struct record_copy c = { .c = copying, .why = why, .why_size = why_size };
    enum mu_err err = read_all(&c, copying->to);

    for (size_t i = 0; i < JOURNAL_KINDS && err == MU_OK; i++) {
        if (c.counts[i] == copying->counts[i])
            continue;
        snprintf(why, why_size, "%llu %s were copied, and %llu are there", (unsigned long long)copying->counts[i],
                 journal_kind_words[i], (unsigned long long)c.counts[i]);
        err = MU_E_CORRUPT;
    }
    return err;
}
