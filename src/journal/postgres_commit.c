/* Committing: a batch is one transaction on the committer's connection.
 *
 * Its last statement notes that this start is alive and how many batches it has committed, and asks whether the start is
 * still the one that may write. If another one has taken over, it finds no row: nothing of the batch is committed, nor
 * of any later one.
 *
 * If the connection breaks after COMMIT was sent, the outcome is not known. The number in the start's row tells it. It
 * is read by changing the row: so the answer waits until a server process that may still be committing has ended, and
 * this commit, like any, waits for a synchronous standby, which then has the batch, too. Until there is an answer nothing
 * is reported: the committer would give the same running numbers again, and the batch would be there twice. A server that
 * stays away for OUTCOME_MS, or for ENDING_MS if the process was told to end, ends the process; the next start reads what
 * there is.
 *
 * Where Citus spreads the tables, the number in the start's row is there before what was written is, and does not tell that
 * it is: postgres_spread.c. */
#include "journal/postgres_internal.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { OUTCOME_MS = 5 * 60 * 1000, ENDING_MS = 5000, ASK_MS = 10000, ASK_AGAIN_MS = 200 };
enum { FEW = 2000 }; /* rows; from some thousand on COPY is cheaper */

enum mu_err postgres_error(enum mu_err err)
{
    switch (err) {
    case MU_OK:
    case MU_E_NOMEM:
    case MU_E_LIMIT:
    case MU_E_FULL:
    case MU_E_CORRUPT: return err;
    default: return MU_E_IO;
    }
}

enum mu_err postgres_lock(struct postgres_journal *j)
{
    const char *alone = "SELECT pg_try_advisory_lock(hashtext('muster.journal'))";
    const char *shared = "SELECT pg_try_advisory_lock_shared(hashtext('muster.journal'))";
    int64_t got = 0;
    enum mu_err err = pg_get(j->writer, j->shared ? shared : alone, NULL, 0, pg_read_int, &got, NULL);

    j->locked_in = err == MU_OK && got ? pg_opened(j->writer) : 0;
    return err == MU_OK && !got ? MU_E_LOCKED : err;
}

/* Where the tables are spread, what went wrong before is finished first. */
static enum mu_err begin_finished(struct postgres_journal *j)
{
    enum mu_err err = pg_begin(j->writer, PG_WRITE);

    if (err != MU_OK || !j->spread || j->finished_in == pg_opened(j->writer))
        return err;
    pg_rollback(j->writer);
    if ((err = postgres_finish_own(j)) != MU_OK || (err = pg_begin(j->writer, PG_WRITE)) != MU_OK ||
        j->finished_in == pg_opened(j->writer))
        return err;
    pg_rollback(j->writer);
    return MU_E_CLOSED; /* it has broken between the two */
}

/* The row of this start guards what is written. The lock only tells others at once that somebody is there. */
enum mu_err postgres_begin(struct postgres_journal *j)
{
    enum mu_err err = begin_finished(j);

    if (err != MU_OK || j->locked_in == pg_opened(j->writer) || (err = postgres_lock(j)) == MU_OK || err == MU_E_LOCKED)
        return err == MU_E_LOCKED ? MU_OK : err;
    pg_rollback(j->writer);
    return err;
}

/* --- the statements --------------------------------------------------------------------------------- */

#define PUT(table, columns, arrays, key, change) \
    "INSERT INTO " table " (" columns ") SELECT * FROM unnest(" arrays ") ON CONFLICT (" key ") DO " change

static const struct postgres_table states = {
    .put = PUT("state", "device, record", "$1::bigint[], $2::bytea[]", "device", "UPDATE SET record = EXCLUDED.record"),
    .has_value = true,
};
static const struct postgres_table versions = {
    .put =
        PUT("versions", "device, record", "$1::bigint[], $2::bytea[]", "device", "UPDATE SET record = EXCLUDED.record"),
    .has_value = true,
};
static const struct postgres_table activity = {
    .put = PUT("activity", "device, day", "$1::bigint[], $2::integer[]", "device, day", "NOTHING"),
    .has_b = true,
};
static const struct postgres_table activity_days = {
    .put = PUT("activity_day", "day, devices", "$1::integer[], $2::bytea[]", "day",
               "UPDATE SET devices = EXCLUDED.devices"),
    .drop = "DELETE FROM activity_day WHERE day = ANY ($1::integer[])",
    .has_value = true,
};
static const struct postgres_table events = {
    .put = PUT("event", "device, opened, point, record", "$1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]",
               "device, opened, point", "UPDATE SET record = EXCLUDED.record"),
    .drop = "DELETE FROM event USING unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS gone (device, opened, point) "
            "WHERE event.device = gone.device AND event.opened = gone.opened AND event.point = gone.point",
    .has_b = true,
    .has_key = true,
    .has_value = true,
};
static const struct postgres_table controls = {
    .put = PUT("control", "ts, request, record", "$1::bigint[], $2::bigint[], $3::bytea[]", "ts, request",
               "UPDATE SET record = EXCLUDED.record"),
    .has_b = true,
    .has_value = true,
};

/* COPY costs three round trips; fewer rows go along with the other statements. */
static enum mu_err insert_few(struct pg *pg, const char *sql, const struct postgres_rows *rows)
{
    struct bytes in = bytes_of(rows->bytes.data, rows->bytes.len);
    int64_t device[FEW], ts_us[FEW];
    struct str record[FEW];
    struct postgres_row row;
    size_t n = 0;

    while (postgres_rows_next(&in, &row)) {
        device[n] = row.device;
        ts_us[n] = row.ts_us;
        record[n++] = row.record;
    }
    return pg_queue(pg, sql, PG_VALUES(pg_ints(device, n), pg_ints(ts_us, n), pg_strs(record, n)));
}

/* What is sent for messages or session records. */
struct postgres_adding {
    const char *copy, *insert;
};

#define ADD(table)                                                                \
    {                                                                             \
        .copy = "COPY " table " (device, ts, record) FROM STDIN (FORMAT binary)", \
        .insert = "INSERT INTO " table " (device, ts, record) "                   \
                  "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])" \
    }
static const struct postgres_adding add_messages = ADD("message"), add_sessions = ADD("session");

static enum mu_err add(const struct postgres_journal *j, const struct postgres_adding *how, struct postgres_rows *rows)
{
    struct pg *pg = j->writer;
    enum mu_err err;

    if (rows->count && rows->oldest_us < j->oldest_day * DAY_US)
        postgres_rows_expire(rows, j->oldest_day * DAY_US);
    if (!rows->count)
        return MU_OK;
    if (rows->count <= FEW)
        return insert_few(pg, how->insert, rows);
    if ((err = pg_copy_begin(pg, how->copy)) != MU_OK ||
        (err = pg_copy_rows(pg, rows->bytes.data, rows->bytes.len)) != MU_OK)
        return err;
    return pg_copy_end(pg, NULL);
}

/* What a batch forgets goes before what it puts. */
static enum mu_err forget(struct pg *pg, const struct postgres_batch *b)
{
    struct pg_value devices = pg_ints(b->forgotten, b->forgotten_count);
    enum mu_err err = MU_OK;

    if (b->forgotten_count &&
        ((err = pg_queue(pg, "DELETE FROM state WHERE device = ANY ($1::bigint[])", &devices, 1)) != MU_OK ||
         (err = pg_queue(pg, "DELETE FROM versions WHERE device = ANY ($1::bigint[])", &devices, 1)) != MU_OK ||
         (err = pg_queue(pg, "DELETE FROM turn WHERE device = ANY ($1::bigint[])", &devices, 1)) != MU_OK ||
         (err = pg_queue(pg, "DELETE FROM past WHERE device = ANY ($1::bigint[])", &devices, 1)) != MU_OK))
        return err;
    for (uint32_t i = 0; i < b->set_count && err == MU_OK; i++)
        err = pg_queue(pg, "DELETE FROM activity WHERE day = $1", PG_VALUES(pg_int(b->sets[i])));
    if (err == MU_OK && b->controls_before_us)
        err = pg_queue(pg, "DELETE FROM control WHERE ts < $1", PG_VALUES(pg_int(b->controls_before_us)));
    return err;
}

/* What deletes the rows of other nodes' devices has no place in the order of locks (postgres_claim.c). So it gives up
 * before the server looks for deadlocks, which it does after a second, and is tried again later. Of several nodes one is
 * at it. */
static enum mu_err be_modest(struct pg *pg)
{
    enum mu_err err = pg_queue(pg, "SET LOCAL lock_timeout TO '500ms'", NULL, 0);

    return err == MU_OK ? pg_queue(pg, "SELECT pg_advisory_xact_lock(hashtext('muster.drop'))", NULL, 0) : err;
}

static enum mu_err write_all(struct postgres_journal *j, struct postgres_batch *b)
{
    struct pg *pg = j->writer;
    enum mu_err err;

    if (j->shared && b->drops && (err = be_modest(pg)) != MU_OK)
        return err;
    if ((err = postgres_turns_write(j, b)) != MU_OK || (err = add(j, &add_messages, &b->messages)) != MU_OK ||
        (err = add(j, &add_sessions, &b->sessions)) != MU_OK || (err = forget(pg, b)) != MU_OK ||
        (err = postgres_puts_write(&b->states, pg, &states)) != MU_OK ||
        (err = postgres_versions_merge(j, b)) != MU_OK ||
        (err = postgres_puts_write(&b->versions, pg, &versions)) != MU_OK ||
        (err = postgres_puts_write(&b->active, pg, &activity)) != MU_OK ||
        (err = postgres_puts_write(&b->active_days, pg, &activity_days)) != MU_OK ||
        (err = postgres_puts_write(&b->events, pg, &events)) != MU_OK)
        return err;
    if ((err = postgres_puts_write(&b->controls, pg, &controls)) != MU_OK)
        return err;
    return j->shared ? postgres_nodes_write(j, b) : MU_OK;
}

/* The last statement. MU_E_NOT_FOUND: this start is over. */
static enum mu_err note_alive(struct postgres_journal *j, const struct postgres_batch *b, int64_t alive_us)
{
    bool noted = b->followed_us != INT64_MAX;
    uint64_t changed = 0;
    enum mu_err err =
        pg_run(j->writer,
               "UPDATE boot SET alive = clock_timestamp(), moment = $4, batch = $2, followed = coalesce($3, followed), "
               "delta = $5, registry = $6 WHERE number = $1 AND over IS NULL",
               PG_VALUES(pg_int((int64_t)j->base.boot), pg_int((int64_t)j->batch + 1),
                         noted ? pg_int(b->followed_us) : pg_null(), pg_int(alive_us),
                         pg_int((int64_t)(b->delta.len ? j->batch + 1 : j->last_delta)), pg_int((int64_t)j->registry)),
               &changed);

    return err == MU_OK && !changed ? MU_E_NOT_FOUND : err;
}

/* --- an outcome that is not known -------------------------------------------------------------------- */

static enum mu_err ask_batch(struct postgres_journal *j, int64_t *batch)
{
    enum mu_err err;

    pg_wait_until(j->writer, clock_mono_us() + ASK_MS * INT64_C(1000));
    if ((err = postgres_begin(j)) == MU_OK)
        err = pg_get(j->writer, "UPDATE boot SET alive = alive WHERE number = $1 RETURNING batch",
                     PG_VALUES(pg_int((int64_t)j->base.boot)), pg_read_int, batch, NULL);
    if (err == MU_OK)
        err = pg_commit(j->writer);
    else
        pg_rollback(j->writer);
    pg_wait_until(j->writer, 0);
    return err;
}

void postgres_end_soon(struct journal *port)
{
    atomic_store(&postgres_of(port)->ends_soon, true);
}

static bool may_ask_again(const struct postgres_journal *j, int64_t *until_ms)
{
    int64_t now_ms = clock_mono_ms();

    if (atomic_load(&j->ends_soon) && *until_ms > now_ms + ENDING_MS)
        *until_ms = now_ms + ENDING_MS;
    return now_ms < *until_ms;
}

/* Whether the batch is there. */
static bool find_out(struct postgres_journal *j)
{
    int64_t until_ms = clock_mono_ms() + OUTCOME_MS, batch = 0;
    enum mu_err err;

    while ((err = ask_batch(j, &batch)) != MU_OK && err != MU_E_NOT_FOUND && may_ask_again(j, &until_ms))
        poll(NULL, 0, ASK_AGAIN_MS);
    if (err == MU_OK) {
        bool there = (uint64_t)batch == j->batch + 1;
        log_event(LOG_WARN, "journal_outcome_found", "committed=%s", there ? "yes" : "no");
        return there;
    }
    log_event(LOG_ERROR, "journal_outcome_unknown",
              "error=%s hint=\"it is not known whether a batch was committed: the process ends, start it again\"",
              LOG_Q(mu_err_text(err), -1));
    log_flush();
    /* Not exit(): threads that still read must not meet what its handlers destroy. */
    _exit(EXIT_FAILURE);
}

/* --- committing -------------------------------------------------------------------------------------- */

static enum mu_err run(struct postgres_journal *j, struct postgres_batch *b, int64_t alive_us)
{
    bool claimed = pg_in_transaction(j->writer);
    enum mu_err err;

    for (uint32_t i = 0; i < b->day_count; i++)
        if (b->days[i] >= j->oldest_day && (err = postgres_require_day(j, b->days[i])) != MU_OK)
            return err;
    if (claimed && !pg_in_transaction(j->writer))
        return MU_E_LOCKED; /* the claims were lost with it */
    if (!claimed && (err = postgres_begin(j)) != MU_OK)
        return err;
    if ((err = write_all(j, b)) != MU_OK || (err = postgres_commit_begins(j)) != MU_OK ||
        (err = note_alive(j, b, alive_us)) != MU_OK) {
        pg_rollback(j->writer);
        j->finished_in = 0;
        return err;
    }
    if ((err = pg_commit(j->writer)) == MU_OK)
        postgres_commit_finished(j);
    else
        j->finished_in = 0;
    return (err == MU_E_CLOSED || err == MU_E_TIMEOUT) && find_out(j) ? MU_OK : err;
}

static void note_over(struct postgres_journal *j)
{
    j->over = true;
    log_event(LOG_ERROR, "journal_taken_over", "boot=%llu hint=\"another node writes this journal now\"",
              (unsigned long long)j->base.boot);
}

enum mu_err postgres_commit(struct journal *port, struct journal_batch *batch, int64_t alive_us)
{
    struct postgres_journal *j = postgres_of(port);
    struct postgres_batch *b = postgres_batch_of(batch);
    enum mu_err err = b->err;

    assert(b->journal == j && !j->unchanged);
    postgres_pool_reserve(j);
    if (err != MU_OK || j->over)
        goto out;
    err = run(j, b, alive_us);
    if (err == MU_OK) {
        j->batch++;
        postgres_nodes_committed(j, b);
        pthread_mutex_lock(&j->followed_lock);
        if (b->followed_us != INT64_MAX)
            j->followed_us = b->followed_us;
        pthread_mutex_unlock(&j->followed_lock);
    } else if (err == MU_E_NOT_FOUND) {
        note_over(j);
    }
out:
    journal_batch_clear(batch);
    return j->over ? MU_E_OVER : postgres_error(err);
}
