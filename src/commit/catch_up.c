#include "commit/catch_up.h"

#include <assert.h>

#include "commit/refresh.h"

enum { DEVICES_AT_ONCE = 4096 };

static enum mu_err on_message(void *ctx, uint32_t device, const struct journal_message *m)
{
    struct batch *b = ctx;

    batch_replay(b, device, m);
    return b->err;
}

/* At most DEVICES_AT_ONCE. */
static enum mu_err replay(struct batch *b, const uint32_t *devices, size_t count, int64_t until_us)
{
    struct journal_since since[DEVICES_AT_ONCE];
    size_t known = 0;

    for (size_t i = 0; i < count; i++) {
        const struct pending *p = batch_pending(b, devices[i]);
        if (p)
            since[known++] = (struct journal_since){ devices[i], p->progress.last_ts_us + 1 };
        else if (b->err != MU_OK)
            return b->err;
    }
    return journal_messages_since(b->journal, since, known, until_us, on_message, b);
}

enum mu_err catch_up_messages(struct batch *b, const uint32_t *devices, size_t count)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < count && err == MU_OK; i += DEVICES_AT_ONCE)
        err = replay(b, devices + i, count - i < DEVICES_AT_ONCE ? count - i : DEVICES_AT_ONCE, INT64_MAX);
    return err == MU_OK ? b->err : err;
}

/* Other nodes go on while this one starts. So what it has read of events may be older than the messages. */
static enum mu_err read_events(struct batch *b, const uint32_t *devices, size_t count)
{
    struct refresh r = { 0 };
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = refresh_events(&r, devices[i]);
    if (err == MU_OK && (err = refresh_read(&r, b->fleet, b->journal)) == MU_OK) {
        fleet_apply_begin(b->fleet);
        refresh_show(&r, b->fleet);
        fleet_apply_end(b->fleet);
    }
    refresh_free(&r);
    return err;
}

/* Commits the devices of the batch, or only shows them. */
static enum mu_err end_batch(struct batch *b, int64_t now_us)
{
    enum mu_err err = MU_OK;

    if (now_us == CATCH_UP_UNWRITTEN) {
        batch_show(b);
    } else {
        assert(!b->settling);
        b->settling = true; /* if this start crashes soon too, the next one need not read them again */
        err = batch_commit(b, now_us);
        b->settling = false;
    }
    return err;
}

enum mu_err catch_up(struct batch *b, const struct followed *f, int64_t now_us)
{
    /* Later messages come from a clock that was set back since. They may be all messages of a year. But other nodes go on,
     * and have clocks of their own. */
    int64_t until_us = b->shared ? INT64_MAX : journal_followed_until_us(b->journal);
    enum mu_err err = MU_OK;

    b->reading = b->shared && now_us == CATCH_UP_UNWRITTEN;
    for (size_t i = 0; i < f->count && err == MU_OK; i += DEVICES_AT_ONCE) {
        size_t count = f->count - i < DEVICES_AT_ONCE ? f->count - i : DEVICES_AT_ONCE;
        err = replay(b, f->at + i, count, until_us);
        if (err == MU_OK && b->reading)
            err = read_events(b, f->at + i, count);
        for (size_t k = 0; k < count && err == MU_OK; k++)
            batch_reconcile(b, f->at[i + k]);
        if (err == MU_OK)
            err = end_batch(b, now_us);
    }
    b->reading = false;
    return err;
}
