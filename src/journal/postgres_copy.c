#include "journal/postgres_internal.h"

/* What a copy needs besides the port (journal_driver.h). It is little, and written at once, beside the batch. */

struct telling {
    const struct journal_rest *rest;
    enum mu_err err; /* of the receiver */
};

static enum mu_err on_turn(void *ctx, struct pg_row *row)
{
    struct telling *t = ctx;
    uint32_t device = pg_col_no(row);
    enum journal_list list = pg_col_int(row) == RECORD_MESSAGE ? LIST_MESSAGES : LIST_SESSIONS;
    struct str spans = pg_col_str(row);

    return t->err = t->rest->turns(t->rest->ctx, device, list, spans.at, spans.len);
}

static enum mu_err on_clock(void *ctx, struct pg_row *row)
{
    struct telling *t = ctx;
    return t->err = t->rest->clock(t->rest->ctx, pg_col_int(row));
}

static enum mu_err tell_rest(struct journal *port, const struct journal_rest *rest)
{
    struct postgres_journal *j = postgres_of(port);
    struct telling t = { .rest = rest };
    struct pg *pg = postgres_take(j);
    enum mu_err err = pg ? pg_begin(pg, postgres_read_all(j)) : MU_E_NOMEM;

    for (uint32_t i = 0; i < j->boot_count && err == MU_OK; i++)
        t.err = err = rest->start(rest->ctx, j->boots[i].number, j->boots[i].alive_us);
    if (err == MU_OK)
        err = pg_each_big(pg, "SELECT device, kind, spans FROM turn", NULL, 0, on_turn, &t);
    if (err == MU_OK)
        err = pg_each(pg, "SELECT value FROM noted WHERE name = 'clock'", NULL, 0, on_clock, &t);
    postgres_give_back(j, pg);
    return t.err != MU_OK ? t.err : postgres_error(err);
}

/* This start takes a number above all of them. */
static enum mu_err put_start(struct journal_batch *batch, uint64_t boot, int64_t alive_us)
{
    struct postgres_journal *j = postgres_batch_of(batch)->journal;
    enum mu_err err = MU_OK;

    if (boot >= j->base.boot) {
        err = pg_run(j->writer, "UPDATE boot SET number = $2 WHERE number = $1",
                     PG_VALUES(pg_int((int64_t)j->base.boot), pg_int((int64_t)boot + 1)), NULL);
        if (err == MU_OK)
            j->base.boot = boot + 1;
    }
    if (err == MU_OK)
        err = pg_run(j->writer,
                     "INSERT INTO boot (number, over, moment) VALUES ($1, clock_timestamp(), $2) "
                     "ON CONFLICT (number) DO UPDATE SET moment = excluded.moment",
                     PG_VALUES(pg_int((int64_t)boot), alive_us ? pg_int(alive_us) : pg_null()), NULL);
    return postgres_error(err);
}

static enum mu_err put_turns(struct journal_batch *batch, uint32_t device, enum journal_list list, const void *spans,
                             size_t len)
{
    return postgres_error(pg_run(postgres_batch_of(batch)->journal->writer,
                                 "INSERT INTO turn (device, kind, spans) VALUES ($1, $2, $3)",
                                 PG_VALUES(pg_int(device), pg_int(codec_kind_of(list)), pg_bytes(spans, len)), NULL));
}

static enum mu_err put_clock(struct journal_batch *batch, int64_t trusted_us)
{
    return postgres_error(pg_run(postgres_batch_of(batch)->journal->writer,
                                 "INSERT INTO noted (name, value) VALUES ('clock', $1) "
                                 "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                                 PG_VALUES(pg_int(trusted_us)), NULL));
}

const struct journal_driver_copy postgres_driver_copy = { tell_rest, put_start, put_turns, put_clock };

/* --- the target ------------------------------------------------------------------------------------- */

static void read_empty(struct pg_row *row, void *out)
{
    *(bool *)out = pg_col_int(row);
}

enum mu_err postgres_journal_is_empty(struct journal *port, bool *empty)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    enum mu_err err = MU_E_NOMEM;

    /* Where the tables are spread, Citus fetches the rows of an EXISTS, and needs a column and a limit for it. */
    if (pg)
        err = pg_get(pg,
                     "SELECT NOT EXISTS (SELECT 1 FROM state LIMIT 1) AND NOT EXISTS (SELECT 1 FROM message LIMIT 1)"
                     " AND NOT EXISTS (SELECT 1 FROM session LIMIT 1) AND NOT EXISTS (SELECT 1 FROM control LIMIT 1)",
                     NULL, 0, read_empty, empty, NULL);
    postgres_give_back(j, pg);
    return postgres_error(err);
}

enum mu_err postgres_journal_clear(struct journal *port)
{
    struct postgres_journal *j = postgres_of(port);
    enum mu_err err = pg_exec(j->writer, "TRUNCATE message, session, state, versions, turn, activity, activity_day, "
                                         "event, control, delta, past, calls, noted");

    if (err == MU_OK)
        err = pg_run(j->writer, "DELETE FROM boot WHERE number <> $1", PG_VALUES(pg_int((int64_t)j->base.boot)), NULL);
    return postgres_error(err);
}

enum mu_err postgres_journal_hold(struct journal *port)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg_settings settings = { .uri = j->uri, .schema = "journal", .event = "journal_failed" };

    j->writer = pg_new(&settings);
    return j->writer ? postgres_lock(j) : MU_E_NOMEM;
}

enum mu_err postgres_journal_share(struct journal *port)
{
    postgres_of(port)->shared = true;
    return postgres_journal_hold(port);
}
