/* The rules that let Citus spread the tables (postgres_schema.c): what a key of a table with a device begins with, and
 * that nothing spans devices or refers to another table. */
#include "journal/postgres_fixture.h"

#define TABLES                                                                                       \
    "FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = 'journal' " \
    "AND t.relkind IN ('r', 'p') "
#define HAS_DEVICE \
    "EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.oid AND attname = 'device' AND NOT attisdropped)"

static enum mu_err add_name(void *ctx, struct pg_row *row)
{
    char *names = ctx;
    struct str name = pg_col_str(row);

    snprintf(names + strlen(names), 400 - strlen(names), "%.*s ", (int)name.len, name.at);
    return MU_OK;
}

static void expect(const char *sql, const char *expected)
{
    char names[400] = "";
    struct pg *pg = open_pg(uri);

    assert_int_equal(pg_each(pg, sql, NULL, 0, add_name, names), MU_OK);
    assert_string_equal(names, expected);
    pg_close(pg);
}

/* Unique keys of tables with a device that begin with something else. */
static const char foreign_keys[] = "SELECT conname::text FROM pg_constraint WHERE contype IN ('f', 'x') "
                                   "AND connamespace = 'journal'::regnamespace ORDER BY 1";
static const char wrong_keys[] =
    "SELECT k.indexrelid::regclass::text " TABLES "JOIN pg_index AS k ON k.indrelid = t.oid AND k.indisunique "
    "JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.indkey[0] WHERE " HAS_DEVICE
    " AND a.attname <> 'device' ORDER BY 1";

static void every_key_of_a_table_with_a_device_begins_with_it(void **state)
{
    (void)state;
    struct journal *j = open_postgres(uri);
    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK); /* partitions, too */
    journal_close(j);
    expect(wrong_keys, "");
    expect(foreign_keys, "");

    /* And the test would see it. */
    pg_fixture_sql(uri, "CREATE UNIQUE INDEX wrong ON journal.event (opened);"
                        "ALTER TABLE journal.versions ADD CONSTRAINT refers FOREIGN KEY (device) REFERENCES "
                        "journal.state (device)");
    expect(wrong_keys, "wrong ");
    expect(foreign_keys, "refers ");
}

static void the_tables_without_a_device_are_those_that_stay_in_one_place(void **state)
{
    (void)state;
    expect("SELECT t.relname::text " TABLES "WHERE NOT " HAS_DEVICE " ORDER BY 1",
           "activity_day boot calls control delta noted schema_version ");
    expect("SELECT t.relname::text " TABLES "WHERE " HAS_DEVICE " ORDER BY 1",
           "activity event message past session state turn versions ");
}

static const char spread[] = "SELECT logicalrelid::text FROM pg_dist_partition WHERE of = 'device' ORDER BY 1";

static void citus_spreads_the_tables_with_a_device_side_by_side_and_no_other(void **state)
{
    (void)state;
    expect(spread, "activity event message past session state turn versions ");
    expect("SELECT logicalrelid::text FROM pg_dist_partition WHERE colocate_with <> 'message' ORDER BY 1", "message ");
    expect("SELECT t.relname::text " TABLES "WHERE " HAS_DEVICE
           " AND NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = t.oid) ORDER BY 1",
           "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DATABASE(every_key_of_a_table_with_a_device_begins_with_it),
        IN_DATABASE(the_tables_without_a_device_are_those_that_stay_in_one_place),
        IN_SPREAD_DATABASE(citus_spreads_the_tables_with_a_device_side_by_side_and_no_other),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
