#ifndef MUSTER_JOURNAL_POSTGRES_FIXTURE_H
#define MUSTER_JOURNAL_POSTGRES_FIXTURE_H

#include "journal/journal_fixture.h"
#include "journal/postgres_journal.h"
#include "postgres/pg_fixture.h"

/* What the tests over PostgreSQL share. */

static char uri[PG_FIXTURE_URI]; /* of the test's own database */

static inline struct pg *open_pg(const char *place)
{
    struct pg_settings settings = { .uri = place, .schema = journal_schema.name, .event = "test_failed" };
    char why[300] = "";
    struct pg *pg;

    if (pg_open(&pg, &settings, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return pg;
}

static inline int64_t number(struct pg *pg, const char *sql)
{
    int64_t n = -1;

    assert_int_equal(pg_get(pg, sql, NULL, 0, pg_read_int, &n, NULL), MU_OK);
    return n;
}

static inline void make_schema(const char *place)
{
    char why[300] = "";
    unsigned from;
    struct pg *pg = open_pg(place);

    if (pg_schema_migrate(pg, &journal_schema, &from, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    pg_close(pg);
}

static inline int make_database(void **state)
{
    (void)state;
    pg_fixture_database(uri);
    make_schema(uri);
    return 0;
}

#define IN_DATABASE(test) cmocka_unit_test_setup(test, make_database)

/* What muster sees of Citus: the extension, which tables are spread, and a recovery that fails for want of a worker as
 * often as stub_trouble says. */
static inline void install_citus(const char *place)
{
    pg_fixture_sql(
        place,
        "SET allow_system_table_mods = on;"
        "INSERT INTO pg_extension VALUES (99999, 'citus', 10, 11, false, '12.1', NULL, NULL);"
        "CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass PRIMARY KEY, of text, colocate_with text);"
        "CREATE TABLE pg_catalog.stub_recovery (moment timestamptz);"
        "CREATE TABLE pg_catalog.stub_trouble (recoveries bigint, commits bigint);"
        "INSERT INTO stub_trouble VALUES (0, 0);"
        "GRANT SELECT ON pg_dist_partition TO PUBLIC;"
        "CREATE FUNCTION pg_catalog.create_distributed_table(regclass, text, text DEFAULT 'hash',"
        " colocate_with text DEFAULT 'default') RETURNS void LANGUAGE sql"
        " AS 'INSERT INTO pg_catalog.pg_dist_partition VALUES ($1, $2, $4)';"
        "CREATE FUNCTION pg_catalog.recover_prepared_transactions() RETURNS integer LANGUAGE plpgsql AS $$BEGIN"
        " INSERT INTO stub_recovery VALUES (clock_timestamp());"
        " UPDATE stub_trouble SET recoveries = recoveries - 1 WHERE recoveries > 0;"
        " IF FOUND THEN RAISE WARNING 'transaction recovery cannot connect to worker:5432'; END IF;"
        " RETURN 0; END$$;"
        "REVOKE ALL ON FUNCTION recover_prepared_transactions() FROM PUBLIC");
}

static inline int make_spread_database(void **state)
{
    (void)state;
    pg_fixture_database(uri);
    install_citus(uri);
    make_schema(uri);
    return 0;
}

#define IN_SPREAD_DATABASE(test) cmocka_unit_test_setup(test, make_spread_database)

static inline struct journal *open_postgres_with(const char *place, const struct postgres_journal_options *options)
{
    struct journal *j;
    char why[300] = "";

    if (postgres_journal_open(&j, place, options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

/* A new start, which waits for no other. */
static inline struct journal *open_postgres(const char *place)
{
    struct postgres_journal_options options = { .retention_days = 7, .clock_patience_s = -1, .wait_s = -1 };
    return open_postgres_with(place, &options);
}

/* For journal_deltas; ctx is an int. */
static inline enum mu_err count_delta(void *ctx, uint64_t number, const void *bytes, size_t len)
{
    (void)number;
    (void)bytes;
    (void)len;
    ++*(int *)ctx;
    return MU_OK;
}

#endif
