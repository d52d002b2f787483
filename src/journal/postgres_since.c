#include "journal/postgres_internal.h"

/* Messages of many devices: so many at once in one statement. */
enum { AT_ONCE = 1000 };

struct postgres_since {
    journal_device_message_fn row;
    void *ctx;
    uint32_t device;      /* of the present row */
    enum mu_err told_err; /* what the caller's function returned */
};

static enum mu_err tell(void *ctx, const struct journal_message *m)
{
    struct postgres_since *s = ctx;

    s->told_err = s->row(s->ctx, s->device, m);
    return s->told_err;
}

static enum mu_err on_row(void *ctx, struct pg_row *row)
{
    struct postgres_since *s = ctx;

    s->device = pg_col_no(row);
    int64_t ts_us = pg_col_int(row);
    return postgres_tell_message(postgres_col_bytes(row), ts_us, tell, s);
}

static enum mu_err read_some(struct pg *pg, const struct journal_since *since, size_t count, int64_t to_us,
                             struct postgres_since *s)
{
    int64_t devices[AT_ONCE], from_us[AT_ONCE];

    for (size_t i = 0; i < count; i++) {
        devices[i] = since[i].device;
        from_us[i] = since[i].from_us;
    }
    return pg_each_big(pg,
                       "SELECT message.device, message.ts, message.record "
                       "FROM unnest($1::bigint[], $2::bigint[]) AS since (device, from_us) "
                       "JOIN message ON message.device = since.device AND ts >= from_us AND ts <= $3 "
                       "ORDER BY message.device, message.ts, message.record",
                       PG_VALUES(pg_ints(devices, count), pg_ints(from_us, count), pg_int(to_us)), on_row, s);
}

enum mu_err postgres_messages_since(struct journal *port, const struct journal_since *since, size_t count,
                                    int64_t to_us, journal_device_message_fn row, void *ctx)
{
    struct postgres_journal *j = postgres_of(port);
    struct postgres_since s = { .row = row, .ctx = ctx };
    struct pg *pg = postgres_take(j);
    enum mu_err err = pg ? pg_begin(pg, postgres_read_all(j)) : MU_E_NOMEM;

    for (size_t i = 0; i < count && err == MU_OK; i += AT_ONCE)
        err = read_some(pg, since + i, count - i < AT_ONCE ? count - i : AT_ONCE, to_us, &s);
    postgres_give_back(j, pg);
    return s.told_err != MU_OK ? s.told_err : postgres_error(err);
}
