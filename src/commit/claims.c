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
    CLAIMS_AT_ONCE = 5000, /* what is on record of them is in memory at once */
    LOOK_MS = 200,         /* how often the fleet is looked at: has the other node ended the session? */
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
    for (uint32_t i = 0; i < c->waiting_count; i++)
        free(c->waiting[i].rec);
    free(c->waiting);
    intake_records_free(&c->again);
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

static bool knows_definition(struct fleet *f, uint32_t device, const struct journal_state *s)
{
    const struct fleet_product *product;
    struct fleet_progress unused;

    return !s->definition || !fleet_progress_get(f, device, &unused, &product) ||
           fleet_definition(f, product->no, s->definition);
}

/* Nobody else writes the device's records now, so what is on record is the truth. The fleet may not have followed the
 * one who wrote it before. */
static enum mu_err on_claimed(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct claims *c = ctx;
    struct fleet *f = c->batch->fleet;
    struct journal_visitor v = fleet_journal_visitor(f);

    if (!ARRAY_RESERVE(c->claimed, c->claimed_cap, c->claimed_count + 1) ||
        !ARRAY_RESERVE(c->followed, c->followed_cap, c->followed_count + 1))
        return MU_E_NOMEM;
    c->claimed[c->claimed_count++] = device;
    if (!s)
        return MU_OK;
    c->behind |= !knows_definition(f, device, s);
    if ((s->followed || s->messages > fleet_mark(f, device).messages) && refresh_events(&c->unseen, device) != MU_OK)
        return MU_E_NOMEM;
    if (s->followed) {
        c->followed[c->followed_count++] = device;
        batch_replay_from(c->batch, device, s);
        return c->batch->err;
    }
    fleet_apply_begin(f);
    enum mu_err err = v.state(v.ctx, device, s);
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
    c->behind = false;
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

/* Who has not heard the bus until it is asked again, or has much to do, is asked by the delta, too. */
static void ask_to_end(struct claims *c, const struct intake_record *rec, const struct claims_holder *holder)
{
    c->nodes->held(c->nodes->ctx, holder->device, holder->boot, holder->login);
    if (clock_wall_us() - rec->ts_us >= c->ask_after_ms * INT64_C(1000))
        batch_want_end(c->batch, holder->device, holder->boot, holder->login);
}

static unsigned look_after_ms(const struct claims *c)
{
    return c->ask_after_ms < LOOK_MS ? c->ask_after_ms : LOOK_MS;
}

static void let_wait(struct claims *c, struct intake_record *rec, const struct claims_holder *holder)
{
    bool room = ARRAY_RESERVE(c->waiting, c->waiting_cap, c->waiting_count + 1);
    struct intake_record *kept = room ? malloc(rec->size) : NULL;
    int64_t now_ms = clock_mono_ms();

    if (!kept) {
        rec->err = MU_E_NOMEM;
        return;
    }
    memcpy(kept, rec, rec->size);
    rec->kind = INTAKE_MOVED;
    if (holder->boot)
        ((struct commit_login *)(void *)kept->body)->takeover = true;
    if (!c->waiting_count)
        c->look_ms = now_ms + look_after_ms(c);
    c->waiting[c->waiting_count] =
        (struct claims_waiting){ *holder, kept, now_ms + (holder->boot ? c->ask_after_ms : look_after_ms(c)) };
    c->waiting_count++;
    if (holder->boot)
        ask_to_end(c, rec, holder);
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

/* In no order: a device has one login that waits. */
static void remove_waiting(struct claims *c, uint32_t i)
{
    free(c->waiting[i].rec);
    c->waiting[i] = c->waiting[c->waiting_count - 1];
    c->waiting_count--;
}

static bool is_over(const struct intake_record *rec, int64_t now_us)
{
    return now_us - rec->ts_us > LIMIT_CLAIM_WAIT_MS * INT64_C(1000) || rec->ts_us > now_us + CLOCK_STEP_US;
}

static bool is_due(const struct claims *c, const struct claims_waiting *w, int64_t now_ms)
{
    const struct claims_holder *h = &w->holder;
    return now_ms >= w->ask_ms || (h->boot && !fleet_session_lives(c->batch->fleet, h->device, h->login));
}

size_t claims_resume(struct claims *c, struct intake_records *to, int64_t now_ms, claims_tell tell, void *ctx)
{
    int64_t now_us = clock_wall_us();

    if (!c->waiting_count || now_ms < c->look_ms)
        return 0;
    c->look_ms = now_ms + look_after_ms(c);
    for (uint32_t i = c->waiting_count; i-- > 0;) {
        const struct claims_waiting *w = &c->waiting[i];
        bool over = is_over(w->rec, now_us);
        if (!over && !is_due(c, w, now_ms))
            continue;
        enum mu_err err = over ? MU_E_TIMEOUT : intake_records_append(&c->again, w->rec);
        if (err != MU_OK)
            tell(ctx, w->rec, err);
        remove_waiting(c, i);
    }
    size_t len = c->again.len;
    if (!len || intake_records_join(&c->again, to))
        return len;
    for (size_t at = 0; at < len; at += intake_records_at(&c->again, at)->size)
        tell(ctx, intake_records_at(&c->again, at), MU_E_NOMEM);
    c->again.len = 0;
    return 0;
}

void claims_drop(struct claims *c, uint32_t device, claims_tell tell, void *ctx)
{
    for (uint32_t i = c->waiting_count; i-- > 0;) {
        if (c->waiting[i].holder.device != device)
            continue;
        tell(ctx, c->waiting[i].rec, MU_E_CLOSED);
        remove_waiting(c, i);
    }
}
