#include "journal/postgres_internal.h"

#include <stdlib.h>

/* What is done once for all nodes, over a connection of its own, so that commits go on. One lock says who is at it; it
 * goes with the connection. */

enum { STEP = 50000 }; /* devices of a transaction: some 0.2 s */

/* Whoever still reads the deltas of a start that has been over for so long has lost its own lease since. */
#define OVER_LONG "over < clock_timestamp() - interval '10 minutes'"

static void read_day(struct pg_row *row, void *out)
{
    *(int32_t *)out = pg_col_is_null(row) ? INT32_MAX : (int32_t)pg_col_int(row);
}

static void read_set(struct pg_row *row, void *out)
{
    struct str set = pg_col_str(row);
    buf_append(out, set.at, set.len);
}

struct fold {
    struct pg *pg;
    const struct journal_house *house;
    int32_t day;
    struct buf set;
    uint32_t *devices;
    size_t count;
    uint32_t cap;
};

static enum mu_err on_entry(void *ctx, struct pg_row *row)
{
    struct fold *f = ctx;

    if (!ARRAY_RESERVE(f->devices, f->cap, f->count + 1))
        return MU_E_NOMEM;
    f->devices[f->count++] = pg_col_no(row);
    return MU_OK;
}

/* Moves the first entries of the day into its set. */
static enum mu_err move_entries(struct fold *f)
{
    struct pg_value day = pg_int(f->day);
    int64_t first = 0;
    enum mu_err err = pg_get(f->pg, "SELECT coalesce(min(device), 0) FROM activity WHERE day = $1", &day, 1,
                             pg_read_int, &first, NULL);

    f->count = 0;
    buf_clear(&f->set);
    if (err == MU_OK)
        err = pg_each(f->pg, "DELETE FROM activity WHERE day = $1 AND device < $2 RETURNING device",
                      PG_VALUES(day, pg_int(first + STEP)), on_entry, f);
    if (err == MU_OK)
        err = pg_get(f->pg, "SELECT devices FROM activity_day WHERE day = $1", &day, 1, read_set, &f->set, NULL);
    if (err == MU_OK || err == MU_E_NOT_FOUND)
        err = f->set.err;
    if (err == MU_OK)
        err = f->house->unite(f->house->ctx, &f->set, f->devices, f->count);
    if (err != MU_OK)
        return err;
    return pg_run(f->pg,
                  "INSERT INTO activity_day (day, devices) VALUES ($1, $2) "
                  "ON CONFLICT (day) DO UPDATE SET devices = EXCLUDED.devices",
                  PG_VALUES(day, pg_bytes(f->set.data, f->set.len)), NULL);
}

static enum mu_err end(struct pg *pg, enum mu_err err)
{
    if (err == MU_OK)
        return pg_commit(pg);
    pg_rollback(pg);
    return err;
}

static enum mu_err fold_days(struct pg *pg, const struct journal_house *h)
{
    struct fold f = { .pg = pg, .house = h, .day = INT32_MIN };
    enum mu_err err;

    buf_init(&f.set, JOURNAL_SET_MAX);
    for (;;) {
        err = pg_get(pg, "SELECT min(day) FROM activity WHERE day >= $1", PG_VALUES(pg_int(f.day)), read_day, &f.day,
                     NULL);
        if (err != MU_OK || f.day >= h->today || (err = pg_begin(pg, PG_WRITE)) != MU_OK ||
            (err = end(pg, move_entries(&f))) != MU_OK)
            break;
    }
    free(f.devices);
    buf_free(&f.set);
    return err;
}

static enum mu_err forget_days(struct pg *pg, int32_t first)
{
    struct pg_value day = pg_int(first);
    enum mu_err err = pg_run(pg, "DELETE FROM activity WHERE day < $1", &day, 1, NULL);

    return err == MU_OK ? pg_run(pg, "DELETE FROM activity_day WHERE day < $1", &day, 1, NULL) : err;
}

static enum mu_err prune_deltas(struct pg *pg)
{
    enum mu_err err = pg_begin(pg, PG_WRITE);

    if (err != MU_OK)
        return err;
    if ((err = pg_run(pg, "UPDATE boot SET gone = delta WHERE gone < delta AND " OVER_LONG, NULL, 0, NULL)) == MU_OK)
        err = pg_run(pg, "DELETE FROM delta USING boot WHERE delta.boot = boot.number AND boot." OVER_LONG, NULL, 0,
                     NULL);
    return end(pg, err);
}

/* --- starts ----------------------------------------------------------------------------------------------- */

/* Nobody follows a start that has been over for so long. The last number stays: the next one comes after it. */
#define OLD_STARTS \
    "FROM boot WHERE over < clock_timestamp() - interval '1 day' AND number < (SELECT max(number) FROM boot)"

/* A state names the start that holds its session. As long as one does, that start's row is needed: it tells when the
 * session ended (unseen_end.h). States are read for this only when so many starts more have become old. */
enum { NEW_LEAST = 64 };

struct old_start {
    int64_t number;
    bool named; /* by a state */
};

struct old_starts {
    struct old_start *at;
    uint32_t count, cap, fresh; /* fresh: not old when states were read last */
};

static enum mu_err on_old_start(void *ctx, struct pg_row *row)
{
    struct old_starts *old = ctx;

    if (!ARRAY_RESERVE(old->at, old->cap, old->count + 1))
        return MU_E_NOMEM;
    old->at[old->count++] = (struct old_start){ .number = pg_col_int(row) };
    old->fresh += pg_col_int(row) != 0;
    return MU_OK;
}

static int by_number(const void *key, const void *element)
{
    int64_t a = *(const int64_t *)key, b = ((const struct old_start *)element)->number;
    return (a > b) - (a < b);
}

static enum mu_err on_state(void *ctx, struct pg_row *row)
{
    struct old_starts *old = ctx;
    struct journal_state s;
    enum mu_err err = codec_state_decode(postgres_col_bytes(row), &s);

    if (err != MU_OK)
        return err;
    int64_t holder = (int64_t)s.session_boot;
    struct old_start *found = bsearch(&holder, old->at, old->count, sizeof(*old->at), by_number);
    if (found)
        found->named = true;
    return MU_OK;
}

static enum mu_err drop_unnamed(struct pg *pg, const struct old_starts *old)
{
    int64_t *numbers = malloc(old->count * sizeof(*numbers));
    size_t count = 0;

    if (!numbers)
        return MU_E_NOMEM;
    for (uint32_t i = 0; i < old->count; i++)
        if (!old->at[i].named)
            numbers[count++] = old->at[i].number;
    enum mu_err err =
        pg_run(pg, "DELETE FROM boot WHERE number = ANY ($1::bigint[])", PG_VALUES(pg_ints(numbers, count)), NULL);
    free(numbers);
    if (err != MU_OK)
        return err;
    return pg_run(pg,
                  "INSERT INTO noted (name, value) VALUES ('starts', $1) "
                  "ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
                  PG_VALUES(pg_int(old->at[old->count - 1].number)), NULL);
}

static enum mu_err look_for_names(struct pg *pg, enum pg_kind kind, struct old_starts *old)
{
    enum mu_err err = pg_begin(pg, kind);

    if (err == MU_OK)
        err = end(pg, pg_each_big(pg, "SELECT record FROM state", NULL, 0, on_state, old));
    return err;
}

static enum mu_err drop_starts(struct pg *pg, enum pg_kind kind)
{
    struct old_starts old = { 0 };
    enum mu_err err =
        pg_each(pg,
                "SELECT number, number > coalesce((SELECT value FROM noted WHERE name = 'starts'), 0) " OLD_STARTS
                " ORDER BY number",
                NULL, 0, on_old_start, &old);

    /* A start that is over comes into no state any more, so what is not named stays so. */
    if (err == MU_OK && old.fresh >= NEW_LEAST && (err = look_for_names(pg, kind, &old)) == MU_OK &&
        (err = pg_begin(pg, PG_WRITE)) == MU_OK)
        err = end(pg, drop_unnamed(pg, &old));
    free(old.at);
    return err;
}

/* --- all of it -------------------------------------------------------------------------------------------- */

static enum mu_err keep(struct pg *pg, enum pg_kind kind, const struct journal_house *h)
{
    enum mu_err err = forget_days(pg, h->first_day);

    if (err == MU_OK)
        err = fold_days(pg, h);
    if (err == MU_OK)
        err = prune_deltas(pg);
    return err == MU_OK ? drop_starts(pg, kind) : err;
}

enum mu_err postgres_keep_house(struct journal *port, const struct journal_house *h)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    int64_t got = 0;
    enum mu_err err = MU_E_NOMEM;

    if (pg)
        err = pg_get(pg, "SELECT pg_try_advisory_lock(hashtext('muster.house'))", NULL, 0, pg_read_int, &got, NULL);
    if (err == MU_OK && got) {
        err = keep(pg, postgres_read_all(j), h);
        /* The lock goes with the connection if it is not given back. */
        if (pg_exec(pg, "SELECT pg_advisory_unlock(hashtext('muster.house'))") != MU_OK)
            pg_drop(pg);
    }
    postgres_give_back(j, pg);
    return err == MU_OK && !got ? MU_E_LOCKED : postgres_error(err);
}
