#include "journal/postgres_internal.h"

/* Turns (turn_spans.h) in the table `turn`. They are rare, so each costs a few round trips. */

struct spans_read {
    struct turn_spans spans;
    enum mu_err err;
};

static void read_spans(struct pg_row *row, void *out)
{
    struct spans_read *r = out;
    r->err = turn_spans_decode(postgres_col_bytes(row), &r->spans);
}

static enum mu_err load(struct pg *pg, uint32_t device, enum record_kind kind, struct turn_spans *out)
{
    struct spans_read r = { 0 };
    enum mu_err err = pg_get(pg, "SELECT spans FROM turn WHERE device = $1 AND kind = $2",
                             PG_VALUES(pg_int(device), pg_int(kind)), read_spans, &r, NULL);

    *out = r.spans;
    return err == MU_OK ? r.err : err == MU_E_NOT_FOUND ? MU_OK : err;
}

static void read_moment(struct pg_row *row, void *out)
{
    if (!pg_col_is_null(row))
        *(int64_t *)out = pg_col_int(row);
}

/* The moment of the first committed record after a moment; at most `last`. */
static enum mu_err first_ahead(struct pg *pg, const struct postgres_turn *t, int64_t *out)
{
    const struct pg_value values[] = { pg_int(t->device), pg_int(t->from_us), pg_int(t->last_us) };
    const char *messages = "SELECT min(ts) FROM message WHERE device = $1 AND ts > $2 AND ts <= $3";
    const char *sessions = "SELECT min(ts) FROM session WHERE device = $1 AND ts > $2 AND ts <= $3";

    *out = t->last_us;
    return pg_get(pg, t->list == LIST_MESSAGES ? messages : sessions, values, 3, read_moment, out, NULL);
}

static enum mu_err write_turn(struct postgres_journal *j, const struct postgres_turn *t, struct buf *value)
{
    enum record_kind kind = codec_kind_of(t->list);
    struct turn_spans spans;
    int64_t ahead_us;
    enum mu_err err;

    if ((err = load(j->writer, t->device, kind, &spans)) != MU_OK ||
        (err = first_ahead(j->writer, t, &ahead_us)) != MU_OK)
        return err;
    turn_spans_turn(&spans, t->from_us, ahead_us, t->last_us, j->oldest_day * DAY_US);
    buf_clear(value);
    turn_spans_encode(value, &spans);
    if (value->err != MU_OK)
        return value->err;
    return pg_queue(j->writer,
                    "INSERT INTO turn (device, kind, spans) VALUES ($1, $2, $3) "
                    "ON CONFLICT (device, kind) DO UPDATE SET spans = EXCLUDED.spans",
                    PG_VALUES(pg_int(t->device), pg_int(kind), pg_bytes(value->data, value->len)));
}

enum mu_err postgres_turns_write(struct postgres_journal *j, const struct postgres_batch *b)
{
    enum mu_err err = MU_OK;
    struct buf value;

    if (!b->turn_count)
        return MU_OK;
    /* In the order in which those take them who make a day (postgres_days.c), whichever of them is read first. */
    if ((err = pg_queue(j->writer, "LOCK TABLE ONLY message, ONLY session IN ROW EXCLUSIVE MODE", NULL, 0)) != MU_OK)
        return err;
    buf_init(&value, TURN_SPANS_MAX * TURN_SPAN_LEN);
    for (uint32_t i = 0; i < b->turn_count && err == MU_OK; i++)
        err = write_turn(j, &b->turns[i], &value);
    buf_free(&value);
    return err;
}

bool postgres_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    struct turn_spans spans;

    bool touches =
        pg && load(pg, device, codec_kind_of(list), &spans) == MU_OK && turn_spans_touch(&spans, from_us, to_us);
    postgres_give_back(j, pg);
    return touches;
}
