/* Writes the sample fleet (sample.h) into an SQLite database, as somebody would who asks the same
 * questions of it: a row per device with what is known of it now, a row per device and four weeks of
 * activity, a row per event; whatever index a query of the benchmarks can use.
 *
 *     make_peer FILE DEVICES NOW */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

enum { BLOCK = 28 }; /* days; weeks do not cross one, since 1970-01-01 was a Thursday */

static const char schema[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;"
    "CREATE TABLE device (no INTEGER PRIMARY KEY, product INTEGER, did TEXT, mac TEXT, is_disabled INTEGER,"
    " created_at INTEGER, activated_at INTEGER, activated_day INTEGER, online_latest INTEGER,"
    " last_report INTEGER, country TEXT, region TEXT, city TEXT, longitude REAL, latitude REAL, grp INTEGER,"
    " is_online INTEGER, is_faulty INTEGER, is_alert INTEGER, version TEXT);"
    "CREATE TABLE subtree (ancestor INTEGER, grp INTEGER, PRIMARY KEY (ancestor, grp)) WITHOUT ROWID;"
    /* A row for four weeks, a bit a day: a row a day would be 200 million. */
    "CREATE TABLE activity (block INTEGER, device INTEGER, days INTEGER, PRIMARY KEY (block, device))"
    " WITHOUT ROWID;"
    "CREATE TABLE event (device INTEGER, product INTEGER, is_alert INTEGER, name TEXT, opened INTEGER,"
    " resolved INTEGER);"
    "BEGIN;";
static const char indexes[] =
    "COMMIT;"
    "CREATE INDEX newest ON device (product, is_disabled, created_at DESC, did);"
    "CREATE INDEX placed ON device (product, is_disabled, country, region, city, is_online, is_faulty, is_alert);"
    "CREATE INDEX grouped ON device (grp, is_disabled, is_online, is_faulty, is_alert);"
    "CREATE INDEX online ON device (product, is_disabled, is_online, is_faulty, is_alert, country, region, city);"
    "CREATE INDEX faulty ON device (product, is_disabled, created_at DESC, did) WHERE is_faulty = 1;"
    "CREATE INDEX alert ON device (product, is_disabled, created_at DESC, did) WHERE is_alert = 1;"
    "CREATE INDEX reported ON device (product, is_disabled, last_report);"
    "CREATE INDEX activated ON device (product, is_disabled, activated_day, country, region, city);"
    "CREATE INDEX events ON event (product, is_alert, device, name, resolved);"
    "ANALYZE;";

static sqlite3 *db;

static void check(int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "make_peer: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;
    check(sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
    return statement;
}

static void run(sqlite3_stmt *statement)
{
    check(sqlite3_step(statement));
    check(sqlite3_reset(statement));
}

static void bind_texts(sqlite3_stmt *statement, const int *columns, const char *const *texts, int count)
{
    for (int i = 0; i < count; i++)
        check(sqlite3_bind_text(statement, columns[i], texts[i], -1, SQLITE_TRANSIENT));
}

static void put_device(sqlite3_stmt *statement, const struct sample_device *d)
{
    const struct device_row *row = &d->row;
    char version[] = "02000003";
    const int64_t numbers[] = { row->no,
                                row->product,
                                row->is_disabled,
                                row->created_at,
                                d->activated_at,
                                d->activated_day,
                                d->last_report ? d->last_report - 30 : 0,
                                d->last_report,
                                row->group,
                                d->is_online,
                                d->is_faulty,
                                d->is_alert };
    static const int number_columns[] = { 1, 2, 5, 6, 7, 8, 9, 10, 16, 17, 18, 19 };

    version[7] = (char)('0' + d->version);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        check(sqlite3_bind_int64(statement, number_columns[i], numbers[i]));
    bind_texts(
        statement, (const int[]){ 3, 4, 11, 12, 13, 20 },
        (const char *const[]){ row->did, row->mac, row->place.country, row->place.region, row->place.city, version },
        6);
    check(sqlite3_bind_double(statement, 14, row->longitude));
    check(sqlite3_bind_double(statement, 15, row->latitude));
    run(statement);
}

static void put_events(sqlite3_stmt *statement, const struct sample *s, const struct sample_device *d)
{
    struct sample_event e;

    for (unsigned i = 0; sample_event(s, d, i, &e); i++) {
        check(sqlite3_bind_int64(statement, 1, d->row.no));
        check(sqlite3_bind_int64(statement, 2, d->row.product));
        check(sqlite3_bind_int64(statement, 3, e.alert));
        bind_texts(statement, (const int[]){ 4 }, &e.name, 1);
        check(sqlite3_bind_int64(statement, 5, e.opened_us));
        check(sqlite3_bind_int64(statement, 6, e.resolved_us));
        run(statement);
    }
}

/* Every group with each that is above it, itself included. */
static void put_groups(void)
{
    sqlite3_stmt *statement = prepare("INSERT INTO subtree VALUES (?, ?)");

    for (uint32_t no = 1; no <= SAMPLE_GROUPS; no++) {
        struct group_row row;
        for (uint32_t above = no; above; above = row.parent) {
            check(sqlite3_bind_int64(statement, 1, above));
            check(sqlite3_bind_int64(statement, 2, no));
            run(statement);
            sample_group(above, &row);
        }
    }
    sqlite3_finalize(statement);
}

static void put_activity(sqlite3_stmt *statement, const struct sample *s, const struct sample_device *d)
{
    int32_t first = (s->today - SAMPLE_DAYS + 1 + 3) / BLOCK, last = (s->today + 3) / BLOCK;

    for (int32_t block = first; block <= last; block++) {
        uint32_t days = 0;
        for (int32_t i = 0; i < BLOCK; i++)
            days |= (uint32_t)sample_active(d, block * BLOCK - 3 + i) << i;
        if (!days)
            continue;
        check(sqlite3_bind_int64(statement, 1, block));
        check(sqlite3_bind_int64(statement, 2, d->row.no));
        check(sqlite3_bind_int64(statement, 3, days));
        run(statement);
    }
}

int main(int argc, char **argv)
{
    struct calendar *calendar;

    if (argc != 4 || calendar_open(&calendar, "Asia/Shanghai") != MU_OK) {
        fprintf(stderr, "usage: make_peer FILE DEVICES NOW\n");
        return 2;
    }
    struct sample s = { .devices = (uint32_t)strtoul(argv[2], NULL, 10),
                        .now_s = strtoll(argv[3], NULL, 10),
                        .calendar = calendar };
    s.today = calendar_day(calendar, s.now_s);

    check(sqlite3_open(argv[1], &db));
    check(sqlite3_exec(db, schema, NULL, NULL, NULL));
    sqlite3_stmt *device = prepare("INSERT INTO device VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sqlite3_stmt *event = prepare("INSERT INTO event VALUES (?,?,?,?,?,?)");
    sqlite3_stmt *activity = prepare("INSERT INTO activity VALUES (?,?,?)");
    for (uint32_t no = 1; no <= s.devices; no++) {
        struct sample_device d;
        sample_device(&s, no, &d);
        put_device(device, &d);
        put_events(event, &s, &d);
        put_activity(activity, &s, &d);
    }
    sqlite3_finalize(device);
    sqlite3_finalize(event);
    sqlite3_finalize(activity);
    put_groups();
    check(sqlite3_exec(db, indexes, NULL, NULL, NULL));
    check(sqlite3_close(db));
    calendar_free(calendar);
    return 0;
}
