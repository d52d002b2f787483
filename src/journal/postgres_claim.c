#include "journal/postgres_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Claiming devices.
 *
 * A claim locks the rows of the devices' states until the batch is committed or cleared; a device without a state gets an
 * empty one to be locked. It goes in three steps, since a row that another living node writes must not be locked:
 *
 *   1. read the states without a lock. Those that name another start which lives are held, and are left alone;
 *   2. insert the states that are missing, in the order of the devices;
 *   3. lock the others. A row that somebody else has locked is skipped, not waited for: its login is tried again. Who
 *      holds the device is looked at again, since it may have changed since step 1.
 *
 * Why batches never wait for each other in a circle. A batch takes locks in this order: the states that it inserts
 * (step 2); those that it claims (step 3); then turns, the states of devices whose session its node holds, versions, days of
 * activity, events, controls, pasts, and its own start's row, of each table in the order of the keys.
 *
 *   - Step 3 waits for nobody.
 *   - For a row from versions on it waits for a batch that has that row, and so has only later ones left to wait for.
 *   - For a state that it inserts it waits for a batch that has inserted it. A batch behind step 2 never waits for an
 *     inserted one again, and two that are in step 2 go in the same order.
 *   - For the state of a device that its node holds it can wait for one that found the device free in step 1 and locked it
 *     after the login had been committed. That batch's step 1 was before this commit. The batch that waits has begun after
 *     it, so its own step 1 is later. In a circle of such batches each would have looked before the one before it.
 *   - Tables are locked as a whole only to make or drop a day, in the order in which batches use them (postgres_turn.c).
 *
 * What deletes the rows of others (sweep.h, retention.h) gives up by itself if it waits (postgres_commit.c).
 *
 * What a node has heard of a device that it has not claimed is a row of its own, which is read together with the state. */

/* --- claims ----------------------------------------------------------------------------------------------- */

struct claiming {
    struct postgres_journal *j;
    const struct journal_claimant *to;
    const uint32_t *devices;
    size_t count, at; /* the devices before `at` have been seen, or told */
    struct holder {
        uint64_t boot, login; /* 0: nobody */
        bool missing;
    } * holders; /* as step 1 saw them */
    int64_t *numbers;
};

/* Living, as far as this claim knows. */
static bool is_held(const struct claiming *c, uint64_t boot)
{
    return boot && boot != c->j->base.boot && !postgres_boot_known_over(c->j, boot);
}

static size_t list(const struct claiming *c, bool (*wanted)(const struct claiming *c, const struct holder *h))
{
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++)
        if (wanted(c, &c->holders[i]))
            c->numbers[count++] = c->devices[i];
    return count;
}

static bool is_missing(const struct claiming *c, const struct holder *h)
{
    (void)c;
    return h->missing;
}

static bool is_free(const struct claiming *c, const struct holder *h)
{
    return !is_held(c, h->boot);
}

/* The rows come in the order of the devices; those that are left out are missing. */
static enum mu_err on_seen(void *ctx, struct pg_row *row)
{
    struct claiming *c = ctx;
    uint32_t device = pg_col_no(row);
    struct bytes record = postgres_col_bytes(row);
    struct journal_state s;

    while (c->devices[c->at] < device)
        c->at++;
    struct holder *h = &c->holders[c->at];
    h->missing = false;
    if (record.left) {
        if (codec_state_decode(record, &s) != MU_OK)
            return MU_E_CORRUPT;
        h->boot = s.session_boot;
        h->login = s.sessions;
    }
    return MU_OK;
}

static enum mu_err look(struct claiming *c)
{
    for (size_t i = 0; i < c->count; i++) {
        c->holders[i] = (struct holder){ .missing = true };
        c->numbers[i] = c->devices[i];
    }
    return pg_each(c->j->writer, "SELECT device, record FROM state WHERE device = ANY ($1::bigint[]) ORDER BY device",
                   PG_VALUES(pg_ints(c->numbers, c->count)), on_seen, c);
}

/* Whether the holders live: each start is asked for once, and there are few. */
static enum mu_err ask_for_holders(const struct claiming *c)
{
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++) {
        size_t at = 0;
        if (!is_held(c, c->holders[i].boot))
            continue;
        while (at < count && c->numbers[at] != (int64_t)c->holders[i].boot)
            at++;
        if (at == count)
            c->numbers[count++] = (int64_t)c->holders[i].boot;
    }
    return count ? postgres_ask_boots(c->j, c->j->writer, c->numbers, count) : MU_OK;
}

/* The devices before that one are held, or were skipped: another node is claiming them. */
static enum mu_err tell_held(struct claiming *c, uint64_t before)
{
    enum mu_err err = MU_OK;

    for (; c->at < c->count && c->devices[c->at] < before && err == MU_OK; c->at++) {
        const struct holder *h = &c->holders[c->at];
        err = is_free(c, h) ? c->to->held(c->to->ctx, c->devices[c->at], 0, 0)
                            : c->to->held(c->to->ctx, c->devices[c->at], h->boot, h->login);
    }
    return err;
}

static enum mu_err on_locked(void *ctx, struct pg_row *row)
{
    struct claiming *c = ctx;
    uint32_t device = pg_col_no(row);
    struct bytes record = postgres_col_bytes(row);
    struct postgres_past past;
    bool has_past = postgres_read_past(row, device, &past);
    struct journal_state s;
    enum mu_err err = tell_held(c, device);

    if (err != MU_OK)
        return err;
    c->at++;
    if (!record.left && !has_past)
        return c->to->claimed(c->to->ctx, device, NULL);
    if (postgres_state_decode(record, has_past ? &past : NULL, &s) != MU_OK)
        return MU_E_CORRUPT;
    if (is_held(c, s.session_boot))
        return c->to->held(c->to->ctx, device, s.session_boot, s.sessions);
    return c->to->claimed(c->to->ctx, device, &s);
}

static enum mu_err lock_free(struct claiming *c)
{
    size_t count = list(c, is_missing);
    enum mu_err err = MU_OK;

    if (count)
        err = pg_queue(
            c->j->writer,
            "INSERT INTO state (device, record) SELECT device, ''::bytea FROM unnest($1::bigint[]) AS m (device) "
            "ORDER BY device ON CONFLICT (device) DO NOTHING",
            PG_VALUES(pg_ints(c->numbers, count)));
    count = list(c, is_free);
    c->at = 0;
    if (err == MU_OK && count)
        err = pg_each(c->j->writer,
                      "SELECT state.device, state.record, " POSTGRES_PAST " FROM state LEFT JOIN past USING (device) "
                      "WHERE state.device = ANY ($1::bigint[]) ORDER BY state.device FOR UPDATE OF state SKIP LOCKED",
                      PG_VALUES(pg_ints(c->numbers, count)), on_locked, c);
    return err == MU_OK ? tell_held(c, UINT64_MAX) : err;
}

enum mu_err postgres_claim(struct journal_batch *port, const uint32_t *devices, size_t count,
                           const struct journal_claimant *to)
{
    struct postgres_batch *b = postgres_batch_of(port);
    struct claiming c = { .j = b->journal, .to = to, .devices = devices, .count = count };
    enum mu_err err = MU_E_NOMEM;

    postgres_pool_reserve(c.j);
    c.holders = malloc((count + 1) * sizeof(*c.holders));
    c.numbers = malloc((count + 1) * sizeof(*c.numbers));
    if (!c.holders || !c.numbers)
        goto out;
    if (c.j->over) {
        err = MU_E_OVER;
        goto out;
    }
    assert(!pg_in_transaction(c.j->writer));
    if ((err = postgres_begin(c.j)) != MU_OK || (err = look(&c)) != MU_OK || (err = ask_for_holders(&c)) != MU_OK ||
        (err = lock_free(&c)) != MU_OK)
        pg_rollback(c.j->writer);
    err = postgres_error(err);
out:
    free(c.holders);
    free(c.numbers);
    return err;
}

/* --- the past of a device that another node may hold ------------------------------------------------------- */

bool postgres_read_past(struct pg_row *row, uint32_t device, struct postgres_past *out)
{
    bool known = !pg_col_is_null(row);

    *out = (struct postgres_past){ .device = device, .activated_at = pg_col_int(row) };
    out->online_latest = pg_col_int(row);
    out->last_report = pg_col_int(row);
    return known;
}

enum mu_err postgres_state_decode(struct bytes record, const struct postgres_past *past, struct journal_state *out)
{
    enum mu_err err = MU_OK;

    *out = (struct journal_state){ 0 };
    if (record.left)
        err = codec_state_decode(record, out);
    if (!past)
        return err;
    if (past->activated_at && (!out->activated_at || past->activated_at < out->activated_at))
        out->activated_at = past->activated_at;
    out->online_latest = past->online_latest > out->online_latest ? past->online_latest : out->online_latest;
    out->last_report = past->last_report > out->last_report ? past->last_report : out->last_report;
    return err;
}

void postgres_batch_past(struct journal_batch *port, uint32_t device, int64_t activated_at, int64_t online_latest,
                         int64_t last_report)
{
    struct postgres_batch *b = postgres_batch_of(port);

    if (ARRAY_RESERVE(b->pasts, b->past_cap, b->past_count + 1))
        b->pasts[b->past_count++] = (struct postgres_past){ device, activated_at, online_latest, last_report };
    else
        b->err = MU_E_NOMEM;
}
