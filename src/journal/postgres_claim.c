#include "journal/postgres_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Claims lock the rows of the devices' states until the batch is committed or cleared; a device without a state gets an
 * empty one to be locked. Locks are taken in the order of the devices, so that two nodes never wait for each other.
 *
 * What a node has heard of a device that it has not claimed is a row of its own, which is read together with the state. */

/* --- claims ----------------------------------------------------------------------------------------------- */

struct claiming {
    struct postgres_journal *j;
    const struct journal_claimant *to;
    const uint32_t *devices;
    size_t count, at; /* the devices before `at` have been told */
    int64_t *missing;
    size_t missing_count;
};

static enum mu_err tell(struct claiming *c, uint32_t device, struct bytes record, const struct postgres_past *past)
{
    struct journal_state s;
    int64_t unused;

    if (!record.left && !past)
        return c->to->claimed(c->to->ctx, device, NULL);
    if (postgres_state_decode(record, past, &s) != MU_OK)
        return MU_E_CORRUPT;
    if (s.session_boot && s.session_boot != c->j->base.boot &&
        !postgres_boot_is_over(&c->j->base, s.session_boot, &unused))
        return c->to->held(c->to->ctx, device, s.session_boot, s.sessions);
    return c->to->claimed(c->to->ctx, device, &s);
}

/* The rows come in the order of the devices; those that are missing have no state. */
static enum mu_err on_locked(void *ctx, struct pg_row *row)
{
    struct claiming *c = ctx;
    uint32_t device = pg_col_no(row);
    struct bytes record = postgres_col_bytes(row);
    struct postgres_past past;
    bool has_past = postgres_read_past(row, device, &past);

    while (c->at < c->count && c->devices[c->at] < device)
        c->missing[c->missing_count++] = c->devices[c->at++];
    c->at++;
    return tell(c, device, record, has_past ? &past : NULL);
}

static enum mu_err lock_rows(struct claiming *c, const int64_t *devices, size_t count)
{
    return pg_each(c->j->writer,
                   "SELECT state.device, state.record, " POSTGRES_PAST " FROM state LEFT JOIN past USING (device) "
                   "WHERE state.device = ANY ($1::bigint[]) ORDER BY state.device FOR UPDATE OF state",
                   PG_VALUES(pg_ints(devices, count)), on_locked, c);
}

/* A device that was never here. Another node may be adding it, too: then this waits for it. */
static enum mu_err lock_new(struct claiming *c)
{
    uint32_t *devices = malloc((c->missing_count + 1) * sizeof(*devices));
    size_t count = c->missing_count;
    enum mu_err err = devices ? MU_OK : MU_E_NOMEM;

    for (size_t i = 0; i < count && devices; i++)
        devices[i] = (uint32_t)c->missing[i];
    if (err == MU_OK)
        err = pg_run(
            c->j->writer,
            "INSERT INTO state (device, record) SELECT device, ''::bytea FROM unnest($1::bigint[]) AS m (device) "
            "ORDER BY device ON CONFLICT (device) DO NOTHING",
            PG_VALUES(pg_ints(c->missing, count)), NULL);
    if (err == MU_OK) {
        struct claiming again = { .j = c->j, .to = c->to, .devices = devices, .count = count, .missing = c->missing };
        err = lock_rows(&again, c->missing, count);
    }
    free(devices);
    return err;
}

enum mu_err postgres_claim(struct journal_batch *port, const uint32_t *devices, size_t count,
                           const struct journal_claimant *to)
{
    struct postgres_batch *b = postgres_batch_of(port);
    struct claiming c = { .j = b->journal, .to = to, .devices = devices, .count = count };
    int64_t *wanted = malloc(2 * (count + 1) * sizeof(*wanted));
    enum mu_err err;

    if (!wanted)
        return MU_E_NOMEM;
    if (c.j->over) {
        err = MU_E_OVER;
        goto out;
    }
    c.missing = wanted + count + 1;
    for (size_t i = 0; i < count; i++)
        wanted[i] = devices[i];
    assert(!pg_in_transaction(c.j->writer));
    if ((err = postgres_begin(c.j)) == MU_OK)
        err = lock_rows(&c, wanted, count);
    while (err == MU_OK && c.at < c.count)
        c.missing[c.missing_count++] = devices[c.at++];
    if (err == MU_OK && c.missing_count)
        err = lock_new(&c);
    if (err != MU_OK)
        pg_rollback(c.j->writer);
    err = postgres_error(err);
out:
    free(wanted);
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
