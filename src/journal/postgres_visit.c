#include "journal/postgres_internal.h"

/* Visiting everything, as of one moment. Rows come some thousand at a time. */

struct postgres_visit {
    struct pg *pg;
    const struct journal_visitor *v;
    journal_event_fn event;
    journal_control_fn control;
    void *ctx;
    int64_t sets_until;   /* the sets of days up to this one have been told */
    enum mu_err told_err; /* what a function of the visitor returned */
};

static enum mu_err tell(struct postgres_visit *v, enum mu_err err)
{
    v->told_err = err;
    return err;
}

/* --- states and versions --------------------------------------------------------------------------------- */

static enum mu_err on_device(void *ctx, struct pg_row *row)
{
    struct postgres_visit *v = ctx;
    uint32_t device = pg_col_no(row);
    bool has_state = !pg_col_is_null(row);
    struct bytes state = postgres_col_bytes(row);
    bool has_versions = !pg_col_is_null(row);
    struct bytes told = postgres_col_bytes(row);
    struct journal_state s;
    struct journal_versions versions;
    struct postgres_past past;
    bool has_past = postgres_read_past(row, device, &past);
    enum mu_err err = MU_OK;

    has_state |= has_past;
    if (has_state)
        err = postgres_state_decode(state, has_past ? &past : NULL, &s);
    if (err == MU_OK && has_state && v->v->state)
        err = tell(v, v->v->state(v->v->ctx, device, &s));
    if (err == MU_OK && has_versions && (err = codec_versions_decode(told, &versions)) == MU_OK && v->v->versions)
        err = tell(v, v->v->versions(v->v->ctx, device, &versions));
    return err;
}

/* --- activity ---------------------------------------------------------------------------------------------- */

static enum mu_err on_set(void *ctx, struct pg_row *row)
{
    struct postgres_visit *v = ctx;
    int32_t day = (int32_t)pg_col_int(row);
    struct bytes set = postgres_col_bytes(row);

    return v->v->active_set ? tell(v, v->v->active_set(v->v->ctx, day, set.at, set.left)) : MU_OK;
}

/* The sets of the days that were not told yet. */
static enum mu_err tell_sets(struct postgres_visit *v, int64_t until)
{
    enum mu_err err = MU_OK;

    if (until > v->sets_until)
        err = pg_each(v->pg, "SELECT day, devices FROM activity_day WHERE day > $1 AND day <= $2 ORDER BY day",
                      PG_VALUES(pg_int(v->sets_until), pg_int(until)), on_set, v);
    v->sets_until = until;
    return err;
}

static enum mu_err on_active(void *ctx, struct pg_row *row)
{
    struct postgres_visit *v = ctx;
    int32_t day = (int32_t)pg_col_int(row);
    uint32_t device = pg_col_no(row);
    enum mu_err err = tell_sets(v, day);

    return err == MU_OK && v->v->active ? tell(v, v->v->active(v->v->ctx, day, device)) : err;
}

static enum mu_err visit_activity(struct postgres_visit *v)
{
    v->sets_until = INT32_MIN;
    enum mu_err err =
        pg_each_big(v->pg, "SELECT day, device FROM activity ORDER BY day, device", NULL, 0, on_active, v);
    return err == MU_OK ? tell_sets(v, INT32_MAX) : err;
}

enum mu_err postgres_visit_activity(struct pg *pg, const struct journal_visitor *visitor)
{
    struct postgres_visit v = { .pg = pg, .v = visitor };
    return visit_activity(&v);
}

/* --- events and controls ----------------------------------------------------------------------------------- */

enum mu_err postgres_event_decode(struct pg_row *row, uint32_t *device, struct journal_event *out)
{
    *device = pg_col_no(row);
    *out = (struct journal_event){ .opened_us = pg_col_int(row) };
    struct bytes point = postgres_col_bytes(row);
    uint8_t kind = bytes_u8(&point);

    out->alert = kind == 1;
    out->name = (struct str){ (const char *)point.at, point.left };
    return point.bad || kind > 1 ? MU_E_CORRUPT : codec_event_decode(postgres_col_bytes(row), out);
}

static enum mu_err on_event(void *ctx, struct pg_row *row)
{
    struct postgres_visit *v = ctx;
    struct journal_event e;
    uint32_t device;
    enum mu_err err = postgres_event_decode(row, &device, &e);

    return err == MU_OK ? tell(v, v->event(v->ctx, device, &e)) : err;
}

static enum mu_err visit_events(struct postgres_visit *v, int64_t from_us, int64_t before_us)
{
    return pg_each_big(v->pg,
                       "SELECT device, opened, point, record FROM event WHERE opened >= $1 AND opened < $2 "
                       "ORDER BY opened, device, point",
                       PG_VALUES(pg_int(from_us), pg_int(before_us)), on_event, v);
}

static enum mu_err on_control(void *ctx, struct pg_row *row)
{
    struct postgres_visit *v = ctx;
    struct journal_control c = { .ts_us = pg_col_int(row) };
    c.request = (uint64_t)postgres_request((uint64_t)pg_col_int(row));
    enum mu_err err = codec_control_decode(postgres_col_bytes(row), &c);

    return err == MU_OK ? tell(v, v->control(v->ctx, &c)) : err;
}

static enum mu_err visit_controls(struct postgres_visit *v, int64_t after_us, uint64_t after_request, int64_t before_us)
{
    return pg_each_big(v->pg,
                       "SELECT ts, request, record FROM control WHERE (ts, request) > ($1, $2) AND ts < $3 "
                       "ORDER BY ts, request",
                       PG_VALUES(pg_int(after_us), pg_int(postgres_request(after_request)), pg_int(before_us)),
                       on_control, v);
}

/* --- the port ------------------------------------------------------------------------------------------------ */

static enum mu_err begin(struct postgres_visit *v, struct journal *port)
{
    struct postgres_journal *j = postgres_of(port);
    enum mu_err err = MU_E_NOMEM;

    v->pg = postgres_take(j);
    if (v->pg && (err = postgres_await_commits(j, v->pg)) == MU_OK)
        err = pg_begin(v->pg, postgres_read_all(j));
    return err;
}

static enum mu_err end(const struct postgres_visit *v, struct journal *port, enum mu_err err)
{
    postgres_give_back(postgres_of(port), v->pg);
    return v->told_err != MU_OK ? v->told_err : postgres_error(err);
}

enum mu_err postgres_visit(struct journal *port, const struct journal_visitor *visitor)
{
    struct postgres_visit v = { .v = visitor, .event = visitor->event, .ctx = visitor->ctx };
    enum mu_err err = begin(&v, port);

    if (err == MU_OK)
        err = pg_each_big(v.pg,
                          "SELECT device, state.record, versions.record, " POSTGRES_PAST
                          " FROM (SELECT device FROM state UNION SELECT device FROM versions "
                          "UNION SELECT device FROM past) AS known LEFT JOIN state USING (device) "
                          "LEFT JOIN versions USING (device) LEFT JOIN past USING (device) ORDER BY device",
                          NULL, 0, on_device, &v);
    if (err == MU_OK && (visitor->active || visitor->active_set))
        err = visit_activity(&v);
    if (err == MU_OK && visitor->event)
        err = visit_events(&v, 0, INT64_MAX);
    return end(&v, port, err);
}

enum mu_err postgres_events(struct journal *port, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx)
{
    struct postgres_visit v = { .event = row, .ctx = ctx };
    enum mu_err err = begin(&v, port);

    return end(&v, port, err == MU_OK ? visit_events(&v, from_us, before_us) : err);
}

enum mu_err postgres_controls(struct journal *port, int64_t after_us, uint64_t after_request, int64_t before_us,
                              journal_control_fn row, void *ctx)
{
    struct postgres_visit v = { .control = row, .ctx = ctx };
    enum mu_err err = begin(&v, port);

    return end(&v, port, err == MU_OK ? visit_controls(&v, after_us, after_request, before_us) : err);
}
