#include "journal/postgres_internal.h"

/* Checking: reads every row once, as of one moment. The server compares each page with its checksum, if its cluster was
 * made with checksums; damage that it finds ends the check, since it ends the statement. A row that cannot be decoded is
 * a mistake of its own, and the check goes on. */

struct postgres_check {
    struct pg *pg;
    const struct journal_reader *reader;
    const struct findings *findings;
    struct pg_cursor sessions;
    struct pg_row session; /* the next one to tell */
    int64_t session_device;
    bool has_session;
};

static void tell_row(const struct postgres_check *c, const char *table, int64_t a, int64_t b)
{
    findings_mistake(c->findings, "journal, %s: the row %lld, %lld cannot be read", table, (long long)a, (long long)b);
}

static enum mu_err on_state(void *ctx, struct pg_row *row)
{
    struct postgres_check *c = ctx;
    uint32_t device = pg_col_no(row);
    struct bytes record = postgres_col_bytes(row);
    struct postgres_past past;
    bool has_past = postgres_read_past(row, device, &past);
    struct journal_state s;

    if (postgres_state_decode(record, has_past ? &past : NULL, &s) == MU_OK)
        c->reader->state(c->reader->ctx, device, &s);
    else
        tell_row(c, "state", device, 0);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

static enum mu_err on_versions(void *ctx, struct pg_row *row)
{
    struct postgres_check *c = ctx;
    uint32_t device = pg_col_no(row);
    struct journal_versions v;

    if (codec_versions_decode(postgres_col_bytes(row), &v) == MU_OK)
        c->reader->versions(c->reader->ctx, device, &v);
    else
        tell_row(c, "versions", device, 0);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

static enum mu_err on_turn(void *ctx, struct pg_row *row)
{
    struct postgres_check *c = ctx;
    int64_t device = pg_col_int(row), kind = pg_col_int(row);
    struct turn_spans spans;

    if (turn_spans_decode(postgres_col_bytes(row), &spans) != MU_OK)
        tell_row(c, "turn", device, kind);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

static enum mu_err on_control(void *ctx, struct pg_row *row)
{
    struct postgres_check *c = ctx;
    int64_t ts_us = pg_col_int(row), request = pg_col_int(row);
    struct journal_control control;

    if (codec_control_decode(postgres_col_bytes(row), &control) != MU_OK)
        tell_row(c, "control", ts_us, request);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

/* --- what a visit tells ----------------------------------------------------------------------------------- */

static enum mu_err on_active(void *ctx, int32_t day, uint32_t device)
{
    struct postgres_check *c = ctx;
    c->reader->active(c->reader->ctx, day, device);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

static enum mu_err on_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    struct postgres_check *c = ctx;
    c->reader->active_set(c->reader->ctx, day, set, len);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

static enum mu_err on_event(void *ctx, struct pg_row *row)
{
    struct postgres_check *c = ctx;
    uint32_t device;
    struct journal_event e;
    enum mu_err err = postgres_event_decode(row, &device, &e);

    if (err == MU_OK)
        c->reader->event(c->reader->ctx, device, &e);
    else
        tell_row(c, "event", device, e.opened_us);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

/* --- messages and session records, side by side ------------------------------------------------------------- */

struct postgres_record_told {
    const struct postgres_check *c;
    uint32_t device;
};

static enum mu_err tell_message(void *ctx, const struct journal_message *m)
{
    const struct postgres_record_told *t = ctx;
    t->c->reader->message(t->c->reader->ctx, t->device, m);
    return MU_OK;
}

static enum mu_err tell_session(void *ctx, const struct journal_session *s)
{
    const struct postgres_record_told *t = ctx;
    t->c->reader->session(t->c->reader->ctx, t->device, s);
    return MU_OK;
}

static enum mu_err next_session(struct postgres_check *c)
{
    enum mu_err err = pg_cursor_next(&c->sessions, &c->session, &c->has_session);

    if (c->has_session)
        c->session_device = pg_col_int(&c->session);
    return err;
}

static void on_session(struct postgres_check *c, uint32_t device, struct pg_row *row)
{
    int64_t ts_us = pg_col_int(row);
    struct postgres_record_told t = { c, device };

    if (postgres_tell_session(postgres_col_bytes(row), ts_us, tell_session, &t) != MU_OK)
        tell_row(c, "session", device, ts_us);
    c->findings->step(c->findings->ctx);
}

/* Those of the devices up to this one that were not told yet. */
static enum mu_err tell_sessions(struct postgres_check *c, int64_t until)
{
    enum mu_err err = MU_OK;

    while (c->has_session && c->session_device <= until) {
        on_session(c, (uint32_t)c->session_device, &c->session);
        if ((err = next_session(c)) != MU_OK)
            break;
    }
    return err;
}

static enum mu_err on_message(void *ctx, struct pg_row *row)
{
    struct postgres_check *c = ctx;
    uint32_t device = pg_col_no(row);
    int64_t ts_us = pg_col_int(row);
    struct postgres_record_told t = { c, device };
    enum mu_err err = tell_sessions(c, (int64_t)device - 1);

    if (err != MU_OK)
        return err;
    if (postgres_tell_message(postgres_col_bytes(row), ts_us, tell_message, &t) != MU_OK)
        tell_row(c, "message", device, ts_us);
    c->findings->step(c->findings->ctx);
    return MU_OK;
}

/* Both are read once, and not the session records of each device by themselves: where the tables are spread, that would be
 * a question to all servers for each. */
static enum mu_err check_records(struct postgres_check *c)
{
    enum mu_err err = pg_cursor_open(&c->sessions, c->pg,
                                     "SELECT device, ts, record FROM session ORDER BY device, ts, record", NULL, 0);

    if (err != MU_OK)
        return err;
    if ((err = next_session(c)) == MU_OK &&
        (err = pg_each_big(c->pg, "SELECT device, ts, record FROM message ORDER BY device, ts, record", NULL, 0,
                           on_message, c)) == MU_OK)
        err = tell_sessions(c, INT64_MAX);
    enum mu_err closed = pg_cursor_close(&c->sessions);
    return err != MU_OK ? err : closed;
}

#define STATES \
    "SELECT device, coalesce(record, ''), " POSTGRES_PAST " FROM state FULL JOIN past USING (device) ORDER BY device"

static enum mu_err check_all(struct postgres_check *c)
{
    struct journal_visitor activity = { .ctx = c, .active = on_active, .active_set = on_active_set };
    struct pg *pg = c->pg;
    enum mu_err err;

    if ((err = pg_each_big(pg, STATES, NULL, 0, on_state, c)) != MU_OK ||
        (err = pg_each_big(pg, "SELECT device, record FROM versions ORDER BY device", NULL, 0, on_versions, c)) !=
            MU_OK ||
        (err = postgres_visit_activity(pg, &activity)) != MU_OK ||
        (err = pg_each_big(pg, "SELECT device, opened, point, record FROM event ORDER BY opened, device, point", NULL,
                           0, on_event, c)) != MU_OK ||
        (err = pg_each_big(pg, "SELECT device, kind, spans FROM turn", NULL, 0, on_turn, c)) != MU_OK ||
        (err = pg_each_big(pg, "SELECT ts, request, record FROM control", NULL, 0, on_control, c)) != MU_OK)
        return err;
    return check_records(c);
}

enum mu_err postgres_check(struct journal *port, const struct journal_reader *reader, const struct findings *f)
{
    struct postgres_journal *j = postgres_of(port);
    struct postgres_check c = { .pg = postgres_take(j), .reader = reader, .findings = f };
    enum mu_err err = c.pg ? pg_begin(c.pg, postgres_read_all(j)) : MU_E_NOMEM;

    if (err == MU_OK)
        err = check_all(&c);
    if (err == MU_E_CORRUPT)
        findings_mistake(f, "journal: the database found damaged data; its log says where");
    postgres_give_back(j, c.pg);
    return err == MU_E_CORRUPT ? MU_OK : postgres_error(err);
}
