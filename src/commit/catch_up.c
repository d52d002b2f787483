#include "commit/catch_up.h"

#include <assert.h>

enum { DEVICES_AT_ONCE = 4096 };

struct replay {
    struct batch *batch;
    uint32_t device;
};

static enum mu_err on_message(void *ctx, const struct journal_message *m)
{
    struct replay *r = ctx;

    batch_replay(r->batch, r->device, m);
    return r->batch->err;
}

static enum mu_err replay(struct batch *b, uint32_t device, int64_t until_us)
{
    struct replay r = { .batch = b, .device = device };
    const struct pending *p = batch_pending(b, device);
    uint64_t unused;

    if (!p)
        return b->err;
    struct journal_window after = { .from_us = p->progress.last_ts_us + 1, .to_us = until_us, .limit = UINT64_MAX };
    return journal_messages(b->journal, device, &after, on_message, &r, &unused);
}

enum mu_err catch_up_device(struct batch *b, uint32_t device)
{
    enum mu_err err = replay(b, device, INT64_MAX);

    if (err == MU_OK)
        batch_reconcile(b, device);
    return err == MU_OK ? b->err : err;
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
    /* Later messages come from a clock that was set back since. They may be all messages of a year. */
    int64_t until_us = journal_followed_until_us(b->journal);
    enum mu_err err = MU_OK;

    b->reading = now_us == CATCH_UP_UNWRITTEN;
    for (size_t i = 0; i < f->count && err == MU_OK; i++) {
        if ((err = replay(b, f->at[i], until_us)) == MU_OK)
            batch_reconcile(b, f->at[i]);
        if (err == MU_OK && (b->count >= DEVICES_AT_ONCE || i + 1 == f->count))
            err = end_batch(b, now_us);
    }
    b->reading = false;
    return err;
}
