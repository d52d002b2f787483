#include "journal/postgres_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* What several nodes tell each other by the journal (journal_nodes.h): deltas, what is on record of a device, and how many
 * calls are left of an hour. */

/* So many are dropped at once. */
enum { DROP_LEAST = 256 };

/* --- deltas ------------------------------------------------------------------------------------------------ */

static void delta(struct journal_batch *port, const void *bytes, size_t len)
{
    struct postgres_batch *b = postgres_batch_of(port);

    assert(len && !b->delta.len);
    buf_append(&b->delta, bytes, len);
    if (b->delta.err != MU_OK)
        b->err = b->delta.err;
}

static uint64_t last_delta(const struct journal *port)
{
    return ((const struct postgres_journal *)port)->last_delta;
}

static void keep_deltas(struct journal *port)
{
    atomic_store(&postgres_of(port)->keep_asked_ms, clock_mono_ms());
}

/* How many deltas everybody has had time to read. */
static uint32_t count_old(const struct postgres_journal *j)
{
    int64_t before_ms = clock_mono_ms() - j->delta_keep_ms;
    uint32_t n = 0;

    if (atomic_load(&j->keep_asked_ms) >= before_ms)
        return 0;
    while (n < j->kept_count && j->kept[n].at_ms < before_ms)
        n++;
    return n >= DROP_LEAST ? n : 0;
}

static int by_device(const void *a, const void *b)
{
    const struct postgres_past *x = a, *y = b;
    return (x->device > y->device) - (x->device < y->device);
}

enum mu_err postgres_nodes_write(struct postgres_journal *j, struct postgres_batch *b)
{
    struct pg_value boot = pg_int((int64_t)j->base.boot);
    enum mu_err err = MU_OK;

    if (b->past_count)
        qsort(b->pasts, b->past_count, sizeof(*b->pasts), by_device);
    for (uint32_t i = 0; i < b->past_count && err == MU_OK; i++) {
        const struct postgres_past *p = &b->pasts[i];
        err = pg_queue(
            j->writer,
            "INSERT INTO past (device, activated_at, online_latest, last_report) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (device) DO UPDATE SET "
            "activated_at = CASE WHEN past.activated_at = 0 THEN EXCLUDED.activated_at "
            "WHEN EXCLUDED.activated_at = 0 THEN past.activated_at "
            "ELSE least(past.activated_at, EXCLUDED.activated_at) END, "
            "online_latest = greatest(past.online_latest, EXCLUDED.online_latest), "
            "last_report = greatest(past.last_report, EXCLUDED.last_report)",
            PG_VALUES(pg_int(p->device), pg_int(p->activated_at), pg_int(p->online_latest), pg_int(p->last_report)));
    }
    if (err == MU_OK && b->delta.len)
        err = pg_queue(j->writer, "INSERT INTO delta (boot, number, bytes) VALUES ($1, $2, $3)",
                       PG_VALUES(boot, pg_int((int64_t)j->batch + 1), pg_bytes(b->delta.data, b->delta.len)));
    b->old_deltas = count_old(j);
    if (err == MU_OK && b->old_deltas) {
        uint64_t upto = j->kept[b->old_deltas - 1].number;
        if ((err = pg_queue(j->writer, "UPDATE boot SET gone = $2 WHERE number = $1",
                            PG_VALUES(boot, pg_int((int64_t)upto)))) == MU_OK)
            err = pg_queue(j->writer, "DELETE FROM delta WHERE boot = $1 AND number <= $2",
                           PG_VALUES(boot, pg_int((int64_t)upto)));
    }
    return err;
}

void postgres_nodes_committed(struct postgres_journal *j, const struct postgres_batch *b)
{
    j->kept_count -= b->old_deltas;
    if (b->old_deltas)
        memmove(j->kept, j->kept + b->old_deltas, j->kept_count * sizeof(*j->kept));
    if (!b->delta.len)
        return;
    j->last_delta = j->batch;
    /* Without memory it stays until this start is over. */
    if (ARRAY_RESERVE(j->kept, j->kept_cap, j->kept_count + 1))
        j->kept[j->kept_count++] = (struct postgres_kept){ j->batch, clock_mono_ms() };
}

struct deltas_read {
    journal_delta_fn row;
    void *ctx;
};

static enum mu_err on_delta(void *ctx, struct pg_row *row)
{
    const struct deltas_read *r = ctx;
    uint64_t number = (uint64_t)pg_col_int(row);
    struct str bytes = pg_col_str(row);

    return r->row(r->ctx, number, bytes.at, bytes.len);
}

/* Where the tables are spread: the deltas that are seen by now tell of rows that may not be seen yet. Who asks looks at all
 * nodes between two questions, so it does not stand still for long. */
static enum mu_err await_rows(struct postgres_journal *j, struct pg *pg)
{
    if (!j->spread)
        return MU_OK;
    enum mu_err err = pg_queue(pg, "SET LOCAL lock_timeout TO '500ms'", NULL, 0);
    return err == MU_OK ? postgres_await_commits(j, pg) : err;
}

static enum mu_err read_deltas(struct postgres_journal *j, struct pg *pg, uint64_t boot, uint64_t after,
                               struct deltas_read *r)
{
    struct pg_value start = pg_int((int64_t)boot);
    int64_t gone = 0;
    /* Nothing that is committed after this statement is seen. */
    enum mu_err err = pg_get(pg, "SELECT gone FROM boot WHERE number = $1", &start, 1, pg_read_int, &gone, NULL);

    if (err != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    if ((uint64_t)gone > after)
        return MU_E_NOT_FOUND;
    if ((err = await_rows(j, pg)) != MU_OK)
        return err;
    return pg_each(pg, "SELECT number, bytes FROM delta WHERE boot = $1 AND number > $2 ORDER BY number LIMIT 1000",
                   PG_VALUES(start, pg_int((int64_t)after)), on_delta, r);
}

static enum mu_err deltas(struct journal *port, uint64_t boot, uint64_t after, journal_delta_fn row, void *ctx)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    enum mu_err err = MU_E_NOMEM;

    if (pg && (err = pg_begin(pg, PG_READ)) == MU_OK) {
        err = read_deltas(j, pg, boot, after, &(struct deltas_read){ row, ctx });
        pg_end_read(pg);
    }
    postgres_give_back(j, pg);
    return err == MU_E_NOT_FOUND ? err : postgres_error(err);
}

/* --- devices of other nodes -------------------------------------------------------------------------------- */

enum mu_err postgres_each_of(struct journal *port, const char *sql, const uint32_t *devices, size_t count,
                             enum mu_err (*fn)(void *ctx, struct pg_row *row), void *ctx)
{
    struct postgres_journal *j = postgres_of(port);
    int64_t *wanted = malloc((count + 1) * sizeof(*wanted));
    struct pg *pg = wanted ? postgres_take(j) : NULL;
    enum mu_err err = MU_E_NOMEM;

    for (size_t i = 0; wanted && i < count; i++)
        wanted[i] = devices[i];
    if (pg)
        err = pg_each(pg, sql, PG_VALUES(pg_ints(wanted, count)), fn, ctx);
    postgres_give_back(j, pg);
    free(wanted);
    return postgres_error(err);
}

struct events_read {
    journal_event_fn row;
    void *ctx;
};

static enum mu_err on_event(void *ctx, struct pg_row *row)
{
    const struct events_read *r = ctx;
    struct journal_event e;
    uint32_t device;
    enum mu_err err = postgres_event_decode(row, &device, &e);

    return err == MU_OK ? r->row(r->ctx, device, &e) : err;
}

static enum mu_err device_events(struct journal *port, const uint32_t *devices, size_t count, journal_event_fn row,
                                 void *ctx)
{
    static const char sql[] = "SELECT device, opened, point, record FROM event WHERE device = ANY ($1::bigint[]) "
                              "ORDER BY device, opened, point";

    return postgres_each_of(port, sql, devices, count, on_event, &(struct events_read){ row, ctx });
}

struct state_read {
    void (*state)(void *ctx, const struct journal_state *s);
    void *ctx;
    enum mu_err err;
};

static void read_state(struct pg_row *row, void *out)
{
    struct state_read *r = out;
    struct bytes record = postgres_col_bytes(row);
    struct journal_state s;

    if ((r->err = record.left ? codec_state_decode(record, &s) : MU_E_NOT_FOUND) == MU_OK)
        r->state(r->ctx, &s);
}

static enum mu_err device_state(struct journal *port, uint32_t device,
                                void (*state)(void *ctx, const struct journal_state *s), void *ctx)
{
    struct postgres_journal *j = postgres_of(port);
    struct state_read r = { state, ctx, MU_OK };
    struct pg *pg = postgres_take(j);
    enum mu_err err = MU_E_NOMEM;

    if (pg)
        err = pg_get(pg, "SELECT record FROM state WHERE device = $1", PG_VALUES(pg_int(device)), read_state, &r, NULL);
    postgres_give_back(j, pg);
    err = err == MU_OK ? r.err : err;
    return err == MU_E_NOT_FOUND ? err : postgres_error(err);
}

/* --- calls of an enterprise -------------------------------------------------------------------------------- */

static void read_grant(struct pg_row *row, void *out)
{
    struct journal_grant *g = out;
    int64_t calls = pg_col_int(row);

    g->calls = calls > 0 ? (uint32_t)calls : 0;
    g->total = (uint32_t)pg_col_int(row);
}

/* The row is locked by the statement that makes it, or finds it, so of two nodes that ask at once one comes first. Who gives
 * back may be late: then another node's request has begun the next hour already. */
static enum mu_err grant(struct pg *pg, struct journal_grant *g)
{
    struct pg_value enterprise = pg_int(g->enterprise), hour = pg_int(g->hour);
    enum mu_err err = MU_OK;

    if (g->wanted > 0)
        err = pg_queue(
            pg,
            "INSERT INTO calls (enterprise, hour, granted) VALUES ($1, $2, 0) ON CONFLICT (enterprise) DO UPDATE "
            "SET hour = EXCLUDED.hour, granted = CASE WHEN calls.hour = EXCLUDED.hour THEN calls.granted ELSE 0 END",
            PG_VALUES(enterprise, hour));
    if (err != MU_OK)
        return err;
    return pg_get(pg,
                  "UPDATE calls SET granted = least(calls.granted + $2::bigint, greatest(calls.granted, $3::bigint)) "
                  "FROM (SELECT granted FROM calls WHERE enterprise = $1 AND hour = $4 FOR UPDATE) AS before "
                  "WHERE enterprise = $1 RETURNING calls.granted - before.granted, calls.granted",
                  PG_VALUES(enterprise, pg_int(g->wanted), pg_int(g->limit), hour), read_grant, g, NULL);
}

static enum mu_err grant_calls(struct journal *port, struct journal_grant *g)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    enum mu_err err = pg ? pg_begin(pg, PG_WRITE) : MU_E_NOMEM;

    if (err == MU_OK && (err = grant(pg, g)) == MU_OK)
        err = pg_commit(pg);
    postgres_give_back(j, pg);
    return err == MU_E_NOT_FOUND ? err : postgres_error(err);
}

const struct journal_driver_nodes postgres_driver_nodes = {
    .nodes = postgres_nodes,
    .stay_alive = postgres_stay_alive,
    .end_boot = postgres_end_boot,
    .claim = postgres_claim,
    .past = postgres_batch_past,
    .merge_versions = postgres_merge_versions,
    .delta = delta,
    .last_delta = last_delta,
    .keep_deltas = keep_deltas,
    .deltas = deltas,
    .device_events = device_events,
    .device_versions = postgres_device_versions,
    .device_state = device_state,
    .grant_calls = grant_calls,
    .keep_house = postgres_keep_house,
};
