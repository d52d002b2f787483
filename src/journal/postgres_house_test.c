/* Which starts are dropped from a database that several nodes share, and which stay. */
#include "journal/postgres_fixture.h"

#include "journal/journal_nodes.h"

enum { MANY = 100 };

static struct journal *j;
static struct pg *pg;

static struct journal *open_shared(void)
{
    struct postgres_journal_options options = { .retention_days = 7, .clock_patience_s = -1, .shared = true };
    return open_postgres_with(uri, &options);
}

static int one_node(void **state)
{
    make_database(state);
    j = open_shared();
    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    pg = open_pg(uri);
    return 0;
}

static int none(void **state)
{
    (void)state;
    pg_close(pg);
    journal_close(j);
    return 0;
}

static void run(const char *sql)
{
    assert_int_equal(pg_exec(pg, sql), MU_OK);
}

/* Adds starts that ended two days ago, with a delta each. */
static void add_old_starts(int64_t count)
{
    assert_int_equal(
        pg_run(pg,
               "WITH added AS (INSERT INTO boot (number, over, moment, delta) "
               "SELECT last + i, clock_timestamp() - interval '2 days', (last + i) * 1000000, 1 "
               "FROM (SELECT max(number) AS last FROM boot) AS b, generate_series(1, $1::bigint) AS i "
               "RETURNING number) INSERT INTO delta (boot, number, bytes) SELECT number, 1, 'x' FROM added",
               PG_VALUES(pg_int(count)), NULL),
        MU_OK);
}

static enum mu_err unite(void *ctx, struct buf *set, const uint32_t *devices, size_t count)
{
    (void)ctx;
    buf_append(set, devices, count * sizeof(*devices));
    return set->err;
}

static void keep_house(void)
{
    assert_int_equal(journal_keep_house(j, &(struct journal_house){ .unite = unite }), MU_OK);
}

static void put_state(uint32_t device, uint64_t holder)
{
    struct journal_batch *b = make_batch(j);

    journal_batch_state(b, device, &(struct journal_state){ .last_ts_us = DAY_ZERO, .session_boot = holder });
    commit(j, b);
    journal_batch_destroy(b);
}

static int64_t starts(void)
{
    return number(pg, "SELECT count(*) FROM boot");
}

/* The node itself has the number 1. */
static void old_starts_go_with_their_deltas(void **state)
{
    (void)state;
    add_old_starts(MANY);
    keep_house();
    assert_int_equal(starts(), 2); /* the last one stays */
    assert_int_equal(number(pg, "SELECT max(number) FROM boot"), 1 + MANY);
    assert_int_equal(number(pg, "SELECT count(*) FROM delta"), 0);
    put_state(5, 1); /* the one that lives can commit */
}

static void a_number_is_not_given_again(void **state)
{
    (void)state;
    add_old_starts(MANY);
    keep_house();
    struct journal *next = open_shared();
    assert_int_equal(journal_boot(next).number, MANY + 2);
    journal_close(next);
}

static void a_start_that_has_not_been_over_for_a_day_stays(void **state)
{
    (void)state;
    add_old_starts(MANY);
    run("UPDATE boot SET over = clock_timestamp() - interval '23 hours' WHERE number BETWEEN 10 AND 19;"
        "UPDATE boot SET over = NULL WHERE number BETWEEN 20 AND 29");
    keep_house();
    assert_int_equal(number(pg, "SELECT count(*) FROM boot WHERE number BETWEEN 10 AND 29"), 20);
    assert_int_equal(starts(), 22);
}

/* By its row it is known when the session ended. */
static void a_start_that_holds_a_session_stays_until_its_device_has_logged_in_again(void **state)
{
    (void)state;
    int64_t since_us;

    add_old_starts(MANY);
    put_state(5, 40);
    put_state(6, 41);
    put_state(7, 0);
    keep_house();
    assert_int_equal(starts(), 4);
    struct journal *other = open_shared();
    assert_true(journal_boot_is_over(other, 40, &since_us) && since_us == 40 * SECOND);
    assert_true(journal_boot_is_over(other, 41, &since_us) && since_us == 41 * SECOND);
    journal_close(other);

    put_state(5, 1);
    add_old_starts(MANY);
    keep_house();
    assert_int_equal(number(pg, "SELECT count(*) FROM boot WHERE number = 40"), 0);
    assert_int_equal(number(pg, "SELECT count(*) FROM boot WHERE number = 41"), 1);
}

/* States are not read for a few starts, nor again for those that had to stay. */
static void a_few_starts_stay_until_there_are_more(void **state)
{
    (void)state;
    add_old_starts(40);
    keep_house();
    assert_int_equal(starts(), 41);
    add_old_starts(MANY);
    for (uint32_t no = 1; no <= MANY; no++)
        put_state(no, 40 + no);
    keep_house();
    assert_int_equal(starts(), 1 + MANY + 1); /* the node, those that are held, and the last */

    for (uint32_t no = 1; no <= MANY; no++)
        put_state(no, 0);
    keep_house();
    assert_int_equal(starts(), 1 + MANY + 1);
    add_old_starts(70);
    keep_house();
    assert_int_equal(starts(), 2);
}

#define WITH_NODE(test) cmocka_unit_test_setup_teardown(test, one_node, none)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NODE(old_starts_go_with_their_deltas),
        WITH_NODE(a_number_is_not_given_again),
        WITH_NODE(a_start_that_has_not_been_over_for_a_day_stays),
        WITH_NODE(a_start_that_holds_a_session_stays_until_its_device_has_logged_in_again),
        WITH_NODE(a_few_starts_stay_until_there_are_more),
    };
    return cmocka_run_group_tests_name("postgres_house", tests, pg_fixture_start, pg_fixture_stop);
}
