#include "journal/postgres_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Partitions: message_N and session_N hold the records of UTC day N since 1970. Making and dropping one locks the whole
 * table for a moment. Who reads for long (a check) must not make everybody wait behind that, so it is given up after
 * LOCK_S. Those of tomorrow are made ahead, so there is time to try again. */
#define LOCK_S "2"

static size_t lower_bound(const struct postgres_journal *j, int32_t day)
{
    size_t i = j->day_count;

    /* There are few days, and it is mostly one of the last. */
    while (i > 0 && j->days[i - 1] >= day)
        i--;
    return i;
}

bool postgres_has_day(const struct postgres_journal *j, int32_t day)
{
    size_t i = lower_bound(j, day);
    return i < j->day_count && j->days[i] == day;
}

static enum mu_err insert(struct postgres_journal *j, int32_t day)
{
    size_t i = lower_bound(j, day);

    if (postgres_has_day(j, day))
        return MU_OK;
    if (!ARRAY_RESERVE(j->days, j->day_cap, j->day_count + 1))
        return MU_E_NOMEM;
    memmove(&j->days[i + 1], &j->days[i], (j->day_count - i) * sizeof(*j->days));
    j->days[i] = day;
    j->day_count++;
    return MU_OK;
}

static enum mu_err on_partition(void *ctx, struct pg_row *row)
{
    const struct str prefix = STR("message_");
    struct str name = pg_col_str(row);
    int64_t day;

    if (!str_starts(name, prefix))
        return MU_OK;
    name = (struct str){ name.at + prefix.len, name.len - prefix.len };
    return str_int64(name, &day) && day == (int32_t)day ? insert(ctx, (int32_t)day) : MU_OK;
}

enum mu_err postgres_days_load(struct postgres_journal *j)
{
    j->day_count = 0;
    return pg_each(j->writer,
                   "SELECT relname::text FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid "
                   "WHERE inhparent = 'message'::regclass",
                   NULL, 0, on_partition, j);
}

/* Statements that need the lock of the whole table, as one transaction. Of several nodes one makes or drops a day; the
 * others find it done. */
static enum mu_err change(struct postgres_journal *j, const char *sql)
{
    enum mu_err err = pg_begin(j->writer, PG_WRITE);

    if (err != MU_OK)
        return err;
    if ((err = pg_exec(j->writer, "SET LOCAL lock_timeout TO '" LOCK_S "s';"
                                  "SELECT pg_advisory_xact_lock(hashtext('muster.days'))")) == MU_OK &&
        (err = pg_exec(j->writer, sql)) == MU_OK)
        err = pg_commit(j->writer);
    else
        pg_rollback(j->writer);
    if (err != MU_OK)
        j->finished_in = 0;
    return err;
}

enum mu_err postgres_require_day(struct postgres_journal *j, int32_t day)
{
    char sql[600];
    long long from = day * DAY_US, to = (day + INT64_C(1)) * DAY_US;
    enum mu_err err;

    if (postgres_has_day(j, day))
        return MU_OK;
    /* Not in a transaction that holds claims. These are lost; the day is there when they are made again. */
    pg_rollback(j->writer);
    snprintf(sql, sizeof(sql),
             "CREATE TABLE IF NOT EXISTS message_%d PARTITION OF message FOR VALUES FROM (%lld) TO (%lld)"
             " WITH (autovacuum_vacuum_insert_threshold = -1);"
             "CREATE TABLE IF NOT EXISTS session_%d PARTITION OF session FOR VALUES FROM (%lld) TO (%lld)"
             " WITH (autovacuum_vacuum_insert_threshold = -1)",
             day, from, to, day, from, to);
    err = change(j, sql);
    return err == MU_OK ? insert(j, day) : err;
}

static enum mu_err drop_first(struct postgres_journal *j)
{
    char sql[100];
    int32_t day = j->days[0];
    enum mu_err err;

    snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS message_%d, session_%d", day, day);
    if ((err = change(j, sql)) != MU_OK)
        return err;
    j->day_count--;
    memmove(&j->days[0], &j->days[1], j->day_count * sizeof(*j->days));
    log_event(LOG_INFO, "journal_day_expired", "day=%d", day);
    return MU_OK;
}

static enum mu_err note_clock(struct postgres_journal *j)
{
    enum mu_err err;

    if (!j->clock.changed)
        return MU_OK;
    err = pg_run(j->writer,
                 "INSERT INTO noted (name, value) VALUES ('clock', $1) "
                 "ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
                 PG_VALUES(pg_int(j->clock.trusted_us)), NULL);
    j->clock.changed = err != MU_OK;
    return err;
}

enum mu_err postgres_roll(struct journal *port, int64_t now_us)
{
    struct postgres_journal *j = postgres_of(port);
    enum mu_err err;

    assert(!j->unchanged);
    if (j->over)
        return MU_E_OVER;
    /* A day is past retention when its end is, for then its last record is. */
    j->expiry_us = expiry_clock_read(&j->clock, now_us);
    j->oldest_day = expiry_oldest_day(j->expiry_us, j->retention_days);
    while (j->day_count > 0 && j->days[0] < j->oldest_day)
        if ((err = drop_first(j)) != MU_OK)
            return postgres_error(err);

    int32_t today = expiry_day_of(now_us);
    if ((err = postgres_require_day(j, today)) == MU_OK && (err = postgres_require_day(j, today + 1)) == MU_OK)
        err = note_clock(j);
    return postgres_error(err);
}

int64_t postgres_expiry_us(const struct journal *port)
{
    return ((const struct postgres_journal *)port)->expiry_us;
}
