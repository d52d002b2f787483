#include "journal/postgres_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

/* Claiming devices.
 *
 * Two nodes must not claim a device at once. So devices are spread over STRIPES advisory locks, and a claim takes those
 * of its devices until the batch is committed or cleared. It never waits for a lock: what it does not get is told as held
 * by nobody, and tried again soon. Behind the locks it reads who holds the devices. A session that another living start
 * holds is left alone; what is free stays free, since only a claim can take it.
 *
 * The rows themselves are not locked. They may be spread over many servers (postgres_schema.c), and one statement cannot
 * lock rows of several. Nor need they be: a claim waits for nobody, and what is no claim does not wait for one.
 *
 * Why batches never wait for each other in a circle. A batch that has what it claims locks, as it is committed, turns,
 * states, versions, days of activity, events, controls, pasts, and its own start's row, of each table in the order of the
 * keys. A state is written by the node that holds or has claimed the device, so by one at a time. For any other row it
 * waits for a batch that has that row, and so has only later ones left to wait for. Tables are locked as a whole only to
 * make or drop a day, in the order in which batches use them (postgres_turn.c). What deletes the rows of others (sweep.h,
 * retention.h) gives up by itself if it waits (postgres_commit.c).
 *
 * Where the tables are spread, a claim does wait: for commits that are under way, which wait for no claim
 * (postgres_spread.c).
 *
 * What a node has heard of a device that it has not claimed is a row of its own, which is read together with the state. */

/* The server has room for some thousand locks of all its connections (max_locks_per_transaction). */
enum { STRIPES = 512 };

/* --- claims ----------------------------------------------------------------------------------------------- */

struct claiming {
    struct postgres_journal *j;
    const struct journal_claimant *to;
    const uint32_t *devices;
    size_t count, at; /* the devices before `at` have been told */
    int64_t *numbers; /* for the statements */
    uint64_t *living; /* starts that were asked for, and are not over */
    uint32_t living_count, living_cap;
    bool locked[STRIPES];
};

static enum mu_err on_stripe(void *ctx, struct pg_row *row)
{
    struct claiming *c = ctx;

    c->locked[pg_col_int(row) % STRIPES] = true;
    return MU_OK;
}

static enum mu_err lock_stripes(struct claiming *c)
{
    bool wanted[STRIPES] = { false };
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++)
        wanted[c->devices[i] % STRIPES] = true;
    for (int64_t stripe = 0; stripe < STRIPES; stripe++)
        if (wanted[stripe])
            c->numbers[count++] = stripe;
    return pg_each(c->j->writer,
                   "SELECT stripe FROM unnest($1::bigint[]) AS wanted (stripe) "
                   "WHERE pg_try_advisory_xact_lock(hashtext('muster.claim'), stripe::integer)",
                   PG_VALUES(pg_ints(c->numbers, count)), on_stripe, c);
}

/* Each start is asked for once in a claim, and there are few. */
static enum mu_err look_whether_held(struct claiming *c, uint64_t boot, bool *held)
{
    struct postgres_journal *j = c->j;
    int64_t number = (int64_t)boot;

    *held = false;
    if (!boot || boot == j->base.boot || postgres_boot_known_over(j, boot))
        return MU_OK;
    for (size_t i = 0; i < c->living_count && !*held; i++)
        *held = c->living[i] == boot;
    if (*held)
        return MU_OK;
    if (!ARRAY_RESERVE(c->living, c->living_cap, c->living_count + 1))
        return MU_E_NOMEM;
    enum mu_err err = postgres_ask_boots(j, j->writer, &number, 1);
    *held = !postgres_boot_known_over(j, boot);
    if (*held)
        c->living[c->living_count++] = boot;
    return err;
}

/* Of the devices before that one nothing is on record, or another node is claiming them. */
static enum mu_err tell_until(struct claiming *c, uint64_t before)
{
    enum mu_err err = MU_OK;

    for (; c->at < c->count && c->devices[c->at] < before && err == MU_OK; c->at++) {
        uint32_t device = c->devices[c->at];
        err = c->locked[device % STRIPES] ? c->to->claimed(c->to->ctx, device, NULL)
                                          : c->to->held(c->to->ctx, device, 0, 0);
    }
    return err;
}

static enum mu_err on_known(void *ctx, struct pg_row *row)
{
    struct claiming *c = ctx;
    uint32_t device = pg_col_no(row);
    struct bytes record = postgres_col_bytes(row);
    struct postgres_past past;
    bool has_past = postgres_read_past(row, device, &past), held;
    struct journal_state s;
    enum mu_err err = tell_until(c, device);

    if (err != MU_OK)
        return err;
    c->at++;
    if (postgres_state_decode(record, has_past ? &past : NULL, &s) != MU_OK)
        return MU_E_CORRUPT;
    if ((err = look_whether_held(c, s.session_boot, &held)) != MU_OK)
        return err;
    return held ? c->to->held(c->to->ctx, device, s.session_boot, s.sessions) : c->to->claimed(c->to->ctx, device, &s);
}

static enum mu_err read_known(struct claiming *c)
{
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++)
        if (c->locked[c->devices[i] % STRIPES])
            c->numbers[count++] = c->devices[i];
    return pg_each(c->j->writer,
                   "SELECT device, state.record, " POSTGRES_PAST " FROM (SELECT device FROM state WHERE device = ANY "
                   "($1::bigint[]) UNION SELECT device FROM past WHERE device = ANY ($1::bigint[])) AS known "
                   "LEFT JOIN state USING (device) LEFT JOIN past USING (device) ORDER BY device",
                   PG_VALUES(pg_ints(c->numbers, count)), on_known, c);
}

enum mu_err postgres_claim(struct journal_batch *port, const uint32_t *devices, size_t count,
                           const struct journal_claimant *to)
{
    struct postgres_batch *b = postgres_batch_of(port);
    struct claiming c = { .j = b->journal, .to = to, .devices = devices, .count = count };
    enum mu_err err;

    postgres_pool_reserve(c.j);
    if (c.j->over)
        return MU_E_OVER;
    if (!(c.numbers = malloc((count > STRIPES ? count : STRIPES) * sizeof(*c.numbers))))
        return MU_E_NOMEM;
    assert(!pg_in_transaction(c.j->writer));
    if ((err = postgres_begin(c.j)) != MU_OK || (err = lock_stripes(&c)) != MU_OK ||
        (err = postgres_await_commits(c.j, c.j->writer)) != MU_OK || (err = read_known(&c)) != MU_OK ||
        (err = tell_until(&c, UINT64_MAX)) != MU_OK)
        pg_rollback(c.j->writer);
    free(c.numbers);
    free(c.living);
    return postgres_error(err);
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
