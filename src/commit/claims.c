#include "commit/claims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "commit/catch_up.h"

/* Claims of a batch, and the logins that wait for another node (claims.h). */

enum {
    CLAIMS_AT_ONCE = 5000, /* the store holds as many locks until the commit */
    RETRY_MS = 200,        /* how often the other node is asked again */
    UNHEARD_MS = 1000,     /* it has not heard the bus, or has much to do: from now on the delta asks it, too */
    WAIT_MS = 13000,       /* longer than a node's lease, so that its death decides */
};

static int by_device(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void claims_free(struct claims *c)
{
    free(c->wanted);
    free(c->claimed);
    free(c->followed);
    free(c->held);
    refresh_free(&c->unseen);
    intake_records_free(&c->waiting);
}

/* --- claiming ---------------------------------------------------------------------------------------*/

static enum mu_err want(struct claims *c, uint32_t device)
{
    if (!ARRAY_RESERVE(c->wanted, c->wanted_cap, c->wanted_count + 1))
        return MU_E_NOMEM;
    c->wanted[c->wanted_count++] = device;
    return MU_OK;
}

static enum mu_err find_wanted(struct claims *c, const struct intake_records *r, size_t at)
{
    enum mu_err err = MU_OK;
    size_t from = at;

    c->wanted_count = 0;
    /* No further than one batch reaches. */
    while (at < r->len && at - from < LIMIT_BATCH && c->wanted_count < CLAIMS_AT_ONCE && err == MU_OK) {
        const struct intake_record *rec = intake_records_at(r, at);
        if (rec->kind == INTAKE_LOGIN && !fleet_holds_session(c->batch->fleet, rec->device))
            err = want(c, rec->device);
        at += rec->size;
    }
    c->wanted_count = numbers_sort(c->wanted, c->wanted_count);
    return err;
}

/* Nobody else writes the device's records now, so what is on record is the truth. The fleet may not have followed the
 * one who wrote it before. */
static enum mu_err on_claimed(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct claims *c = ctx;
    struct fleet *f = c->batch->fleet;
    struct journal_visitor v = fleet_journal_visitor(f);
    enum mu_err err = MU_OK;

    if (!ARRAY_RESERVE(c->claimed, c->claimed_cap, c->claimed_count + 1) ||
        !ARRAY_RESERVE(c->followed, c->followed_cap, c->followed_count + 1))
        return MU_E_NOMEM;
    c->claimed[c->claimed_count++] = device;
    if (!s)
        return MU_OK;
    if (s->followed)
        c->followed[c->followed_count++] = device;
    if (s->followed || s->messages > fleet_mark(f, device).messages)
        err = refresh_events(&c->unseen, device);
    if (err != MU_OK)
        return err;
    fleet_apply_begin(f);
    err = v.state(v.ctx, device, s);
    fleet_apply_end(f);
    return err;
}

static enum mu_err on_held(void *ctx, uint32_t device, uint64_t boot, uint64_t login)
{
    struct claims *c = ctx;

    if (!ARRAY_RESERVE(c->held, c->held_cap, c->held_count + 1))
        return MU_E_NOMEM;
    c->held[c->held_count++] = (struct claims_holder){ device, boot, login };
    return MU_OK;
}

/* What the states of the claimed devices do not have. If it fails, the next claims read these events, too: by then the
 * fleet shows the states. */
static enum mu_err bring_in(struct claims *c)
{
    struct batch *b = c->batch;
    enum mu_err err = catch_up_messages(b, c->followed, c->followed_count);

    if (err != MU_OK || (err = refresh_read(&c->unseen, b->fleet, b->journal)) != MU_OK)
        return err;
    fleet_apply_begin(b->fleet);
    refresh_show(&c->unseen, b->fleet);
    fleet_apply_end(b->fleet);
    refresh_free(&c->unseen);
    for (size_t i = 0; i < c->followed_count; i++)
        batch_reconcile(b, c->followed[i]);
    return b->err;
}

enum mu_err claims_take(struct claims *c, const struct intake_records *r, size_t at)
{
    struct journal_claimant to = { .ctx = c, .claimed = on_claimed, .held = on_held };
    struct batch *b = c->batch;
    enum mu_err err;

    c->claimed_count = c->followed_count = c->held_count = 0;
    if (!c->nodes)
        return MU_OK;
    if ((err = find_wanted(c, r, at)) != MU_OK || !c->wanted_count)
        return err;
    err = journal_batch_claim(b->writes, c->wanted, c->wanted_count, &to);
    b->claimed = c->claimed;
    b->claimed_count = c->claimed_count = numbers_sort(c->claimed, c->claimed_count);
    if (err == MU_OK && c->claimed_count + c->held_count != c->wanted_count)
        err = MU_E_IO; /* a device was deleted meanwhile */
    return err == MU_OK ? bring_in(c) : err;
}

/* --- waiting for another node -----------------------------------------------------------------------*/

static const struct claims_holder *find_holder(const struct claims *c, uint32_t device)
{
    /* The number comes first in both. */
    return c->held_count ? bsearch(&device, c->held, c->held_count, sizeof(*c->held), by_device) : NULL;
}

static void let_wait(struct claims *c, struct intake_record *rec, const struct claims_holder *holder)
{
    rec->err = (uint8_t)intake_records_append(&c->waiting, rec);
    if (rec->err != MU_OK)
        return;
    atomic_fetch_add_explicit(&c->waiting_count, 1, memory_order_relaxed);
    rec->kind = INTAKE_MOVED;
    struct intake_record *kept = intake_records_at(&c->waiting, c->waiting.len - rec->size);
    ((struct commit_login *)(void *)kept->body)->takeover = true;
    c->retry_ms = clock_mono_ms() + RETRY_MS;
    c->nodes->held(c->nodes->ctx, holder->device, holder->boot, holder->login);
    if (clock_wall_us() - rec->ts_us > UNHEARD_MS * INT64_C(1000))
        batch_want_end(c->batch, holder->device, holder->boot, holder->login);
}

enum claims_answer claims_admit(struct claims *c, struct intake_record *rec)
{
    if (!c->nodes || rec->kind != INTAKE_LOGIN || batch_holds(c->batch, rec->device))
        return CLAIMS_GO_ON;
    const struct claims_holder *holder = find_holder(c, rec->device);
    if (!holder)
        return CLAIMS_LATER;
    let_wait(c, rec, holder);
    return CLAIMS_WAITS;
}

static void remove_waiting(struct claims *c, size_t at)
{
    intake_records_remove(&c->waiting, at);
    atomic_fetch_sub_explicit(&c->waiting_count, 1, memory_order_relaxed);
}

static bool is_over(const struct intake_record *rec, int64_t now_us)
{
    return now_us - rec->ts_us > WAIT_MS * INT64_C(1000) || rec->ts_us > now_us + CLOCK_STEP_US;
}

/* Leaves those that are to be tried again. */
static void answer_late(struct claims *c, claims_tell tell, void *ctx)
{
    int64_t now_us = clock_wall_us();

    for (size_t at = 0; at < c->waiting.len;) {
        struct intake_record *rec = intake_records_at(&c->waiting, at);
        if (is_over(rec, now_us)) {
            tell(ctx, rec, MU_E_TIMEOUT);
            remove_waiting(c, at);
        } else {
            at += rec->size;
        }
    }
}

size_t claims_resume(struct claims *c, struct intake_records *to, int64_t now_ms, claims_tell tell, void *ctx)
{
    size_t len = c->waiting.len;

    if (!len || now_ms < c->retry_ms)
        return 0;
    answer_late(c, tell, ctx);
    len = c->waiting.len;
    if (!intake_records_join(&c->waiting, to)) {
        c->retry_ms = now_ms + RETRY_MS;
        return 0;
    }
    atomic_store_explicit(&c->waiting_count, 0, memory_order_relaxed);
    return len;
}

void claims_drop(struct claims *c, uint32_t device, claims_tell tell, void *ctx)
{
    for (size_t at = 0; at < c->waiting.len;) {
        struct intake_record *rec = intake_records_at(&c->waiting, at);
        if (rec->device == device) {
            tell(ctx, rec, MU_E_CLOSED);
            remove_waiting(c, at);
        } else {
            at += rec->size;
        }
    }
}
