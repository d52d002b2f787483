/* What only the journal in PostgreSQL can go through: another start that takes over, a server that goes away, a COMMIT
 * whose answer is lost; and what its pages cost. */
#include "journal/postgres_fixture.h"

#include "journal/journal_nodes.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

static const char locks[] = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";

/* Ends the server's side of the connection that has the journal's lock. */
static void end_writer(struct pg *pg)
{
    number(pg, "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'");
    while (number(pg, locks))
        poll(NULL, 0, 10);
}

/* Commits one more message of device 1. */
static enum mu_err commit_one(struct journal *j, uint64_t n)
{
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO + (int64_t)n * SECOND, n);
    enum mu_err err = journal_commit(j, b, DAY_ZERO);
    journal_batch_destroy(b);
    return err;
}

/* --- starts ---------------------------------------------------------------------------------------*/

static void a_second_node_finds_the_journal_in_use(void **state)
{
    (void)state;
    struct postgres_journal_options options = { .wait_s = -1 };
    struct journal *j = open_postgres(uri), *other;
    char why[300] = "";

    assert_int_equal(postgres_journal_open(&other, uri, &options, why, sizeof(why)), MU_E_LOCKED);
    assert_non_null(strstr(why, "in use by another node"));
    assert_int_equal(commit_one(j, 1), MU_OK); /* it has not disturbed the first */

    assert_int_equal(postgres_journal_open_unchanged(&other, uri, why, sizeof(why)), MU_OK); /* to read */
    assert_int_equal(count_messages(other, 1, 0, INT64_MAX), 1);
    journal_close(other);
    journal_close(j);
    journal_close(open_postgres(uri));
}

static void a_journal_that_was_closed_is_free_at_once(void **state)
{
    (void)state;

    struct pg *pg = open_pg(uri);

    for (int i = 0; i < 50; i++) {
        journal_close(open_postgres(uri));
        assert_int_equal(number(pg, locks), 0);
    }
    pg_close(pg);
}

static void a_database_without_the_tables_is_refused_with_what_to_do(void **state)
{
    (void)state;
    struct postgres_journal_options options = { 0 };
    struct journal *j;
    char why[300] = "";

    pg_fixture_database(uri);
    assert_int_equal(postgres_journal_open(&j, uri, &options, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "muster migrate"));
    assert_int_equal(postgres_journal_open_unchanged(&j, uri, why, sizeof(why)), MU_E_SCHEMA);
}

static void a_start_that_was_taken_over_commits_nothing_more(void **state)
{
    (void)state;
    struct journal *j = open_postgres(uri);
    struct pg *pg = open_pg(uri);
    int64_t since_us;

    assert_int_equal(commit_one(j, 1), MU_OK);
    /* As if its machine were gone: the server ends its connection. */
    end_writer(pg);
    struct journal *other = open_postgres(uri);
    assert_int_equal(journal_boot(other).number, 2);
    assert_true(journal_boot_is_over(other, 1, &since_us));
    assert_true(since_us > 0);

    assert_int_equal(commit_one(j, 2), MU_E_OVER);
    assert_int_equal(commit_one(j, 3), MU_E_OVER);
    assert_int_equal(journal_roll(j, DAY_ZERO), MU_E_OVER);
    assert_int_equal(count_messages(other, 1, 0, INT64_MAX), 1);
    assert_int_equal(commit_one(other, 2), MU_OK);
    journal_close(j);
    assert_int_equal(commit_one(other, 3), MU_OK); /* and its end takes nothing away */
    journal_close(other);
    pg_close(pg);
}

static void a_connection_that_the_server_ended_comes_back_with_the_lock(void **state)
{
    (void)state;
    struct journal *j = open_postgres(uri);
    struct pg *pg = open_pg(uri);
    enum mu_err err;

    for (uint64_t n = 1; n <= 10; n++) {
        assert_int_equal(commit_one(j, n), MU_OK);
        assert_int_equal(number(pg, locks), 1);
        end_writer(pg);
        /* Its end may be noticed only now. */
        struct journal_batch *b = make_batch(j);
        while ((err = journal_commit(j, b, DAY_ZERO)) == MU_E_IO)
            ;
        journal_batch_destroy(b);
        assert_int_equal(err, MU_OK);
        assert_int_equal(number(pg, locks), 1);
    }
    journal_close(j);
    pg_close(pg);
}

/* --- a server that goes away ----------------------------------------------------------------------*/

static void after_the_server_was_killed_what_was_acknowledged_is_there_and_commits_go_on(void **state)
{
    (void)state;
    struct journal *j = open_postgres(uri);

    assert_int_equal(commit_one(j, 1), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    pg_fixture_kill();
    assert_int_equal(commit_one(j, 2), MU_E_IO);
    struct journal_window w = { .to_us = INT64_MAX };
    uint64_t total;
    assert_int_equal(journal_messages(j, 1, &w, ignore_message, NULL, &total), MU_E_IO);
    pg_fixture_restart();
    assert_int_equal(commit_one(j, 2), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    journal_close(j);
}

static void a_batch_whose_commit_was_cut_off_is_not_there_and_is_not_acknowledged(void **state)
{
    (void)state;
    struct journal *j = open_postgres(uri);

    assert_int_equal(commit_one(j, 1), MU_OK);
    pg_fixture_sql(uri, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                        "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
                        "CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON journal.boot DEFERRABLE INITIALLY DEFERRED "
                        "FOR EACH ROW WHEN (NEW.batch <> OLD.batch) EXECUTE FUNCTION cut()");
    assert_int_equal(commit_one(j, 2), MU_E_IO);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    pg_fixture_sql(uri, "DROP TRIGGER cut ON journal.boot");
    assert_int_equal(commit_one(j, 2), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    journal_close(j);
}

struct committing {
    struct journal *journal;
    atomic_bool stop;
    atomic_uint_fast64_t acknowledged;
};

static void *commit_on(void *ctx)
{
    struct committing *c = ctx;

    while (!atomic_load(&c->stop)) {
        assert_int_equal(commit_one(c->journal, atomic_load(&c->acknowledged) + 1), MU_OK);
        atomic_fetch_add(&c->acknowledged, 1);
    }
    return NULL;
}

/* A server that waits for a standby has committed already; then the connection goes. */
static void a_batch_that_was_committed_unheard_is_found_and_is_there_once(void **state)
{
    static const char waits[] = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    (void)state;
    struct committing c = { .journal = open_postgres(uri) };
    struct pg *pg = open_pg(uri);
    pthread_t thread;

    assert_int_equal(commit_one(c.journal, 1), MU_OK); /* makes the day's partitions */
    c.acknowledged = 1;
    pg_fixture_sql(uri, "ALTER SYSTEM SET synchronous_standby_names TO 'nobody'");
    assert_int_equal(pg_exec(pg, "SELECT pg_reload_conf()"), MU_OK);
    assert_int_equal(pthread_create(&thread, NULL, commit_on, &c), 0);
    while (!number(pg, waits))
        poll(NULL, 0, 10);
    uint64_t before = atomic_load(&c.acknowledged);
    atomic_store(&c.stop, true);
    number(pg, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    /* It asks on another connection, and that one waits for the standby, too: nothing is acknowledged yet. */
    while (!number(pg, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'") ||
           atomic_load(&c.acknowledged) != before)
        poll(NULL, 0, 10);
    pg_fixture_sql(uri, "ALTER SYSTEM RESET synchronous_standby_names");
    assert_int_equal(pg_exec(pg, "SELECT pg_reload_conf()"), MU_OK);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&c.acknowledged), before + 1);
    assert_int_equal(count_messages(c.journal, 1, 0, INT64_MAX), before + 1);
    assert_int_equal(number(pg, "SELECT count(*) FROM message"), before + 1);
    assert_int_equal(number(pg, locks), 1);
    journal_close(c.journal);
    pg_close(pg);
}

/* --- deltas ---------------------------------------------------------------------------------------*/

enum { KEEP_MS = 4000, DELTAS = 300 };

static void commit_delta(struct journal *j)
{
    struct journal_batch *b = make_batch(j);

    journal_batch_delta(b, "delta", 5);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_OK);
    journal_batch_destroy(b);
}

static void old_deltas_are_dropped_unless_a_start_needs_them(void **state)
{
    struct postgres_journal_options options = { .shared = true, .clock_patience_s = -1, .delta_keep_ms = KEEP_MS };
    struct journal *j;
    char why[300] = "";
    int count = 0;

    (void)state;
    assert_int_equal(postgres_journal_open(&j, uri, &options, why, sizeof(why)), MU_OK);
    for (int i = 0; i < DELTAS; i++) {
        journal_keep_deltas(j); /* however long all of them take */
        commit_delta(j);
    }
    poll(NULL, 0, KEEP_MS + 100);
    journal_keep_deltas(j);
    commit_delta(j);
    assert_int_equal(journal_deltas(j, journal_boot(j).number, 0, count_delta, &count), MU_OK);
    assert_int_equal(count, DELTAS + 1);
    poll(NULL, 0, KEEP_MS + 100);
    commit_delta(j);
    assert_int_equal(journal_deltas(j, journal_boot(j).number, 0, count_delta, &count), MU_E_NOT_FOUND);
    count = 0;
    assert_int_equal(journal_deltas(j, journal_boot(j).number, DELTAS + 1, count_delta, &count), MU_OK);
    assert_int_equal(count, 1);
    journal_close(j);
}

/* --- what a commit and a page are ------------------------------------------------------------------*/

static void a_commit_is_synced_although_the_database_is_set_otherwise(void **state)
{
    (void)state;
    struct pg *pg = open_pg(uri);

    pg_fixture_sql(uri, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit TO off', "
                        "current_database()); END $$;"
                        "CREATE TABLE public.seen (value text);"
                        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen "
                        "VALUES (current_setting(''synchronous_commit'')); RETURN NULL; END';"
                        "CREATE TRIGGER see AFTER UPDATE ON journal.boot FOR EACH ROW WHEN (NEW.batch <> OLD.batch) "
                        "EXECUTE FUNCTION see()");
    struct journal *j = open_postgres(uri);
    assert_int_equal(commit_one(j, 1), MU_OK);
    assert_int_equal(number(pg, "SELECT count(*) FROM public.seen WHERE value = 'on'"), 1);
    journal_close(j);
    pg_close(pg);
}

static enum mu_err count_row(void *ctx, const struct journal_message *m)
{
    (void)m;
    ++*(int *)ctx;
    return MU_OK;
}

/* A server process tells what it has read when it ends. */
static int64_t rows_read(void)
{
    struct pg *pg = open_pg(uri);

    while (number(pg, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                      "backend_type = 'client backend' AND pid <> pg_backend_pid()"))
        poll(NULL, 0, 10);
    int64_t rows = number(pg, "SELECT sum(idx_tup_read + coalesce(s.seq_tup_read, 0))::bigint "
                              "FROM pg_stat_user_indexes JOIN pg_stat_user_tables AS s USING (relid) "
                              "WHERE s.relname LIKE 'message%'");
    pg_close(pg);
    return rows;
}

static void a_deep_page_does_not_read_what_it_skips(void **state)
{
    enum { RECORDS = 50000 };
    (void)state;
    struct journal *j = open_postgres(uri);
    struct journal_batch *b = make_batch(j);
    uint64_t total;

    /* One record a second, every thousandth decoded. */
    for (uint64_t n = 1; n <= RECORDS; n++) {
        struct journal_message m = {
            .ts_us = DAY_ZERO + (int64_t)n * SECOND, .decoded = n % 1000 == 0, .number = n, .decoded_number = n / 1000
        };
        journal_batch_message(b, 1, &m);
    }
    commit(j, b);
    journal_batch_destroy(b);
    pg_fixture_sql(uri, "ANALYZE");
    for (int order = 0; order < 4; order++) {
        struct journal_window w = {
            .to_us = INT64_MAX, .newest_first = order & 1, .decoded_only = order & 2, .limit = 2
        };
        w.skip = w.decoded_only ? RECORDS / 1000 / 2 : RECORDS / 2;
        journal_close(j); /* then the server counts what it did */
        int64_t before = rows_read();
        int rows = 0;
        j = open_postgres(uri);
        assert_int_equal(journal_messages(j, 1, &w, count_row, &rows, &total), MU_OK);
        assert_int_equal(rows, 2);
        journal_close(j);
        int64_t read = rows_read() - before;
        assert_in_range(read, 2, 4000); /* of 25,000 */
        j = open_postgres(uri);
    }
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DATABASE(a_second_node_finds_the_journal_in_use),
        IN_DATABASE(a_journal_that_was_closed_is_free_at_once),
        IN_DATABASE(a_database_without_the_tables_is_refused_with_what_to_do),
        IN_DATABASE(a_start_that_was_taken_over_commits_nothing_more),
        IN_DATABASE(a_connection_that_the_server_ended_comes_back_with_the_lock),
        IN_DATABASE(after_the_server_was_killed_what_was_acknowledged_is_there_and_commits_go_on),
        IN_DATABASE(a_batch_whose_commit_was_cut_off_is_not_there_and_is_not_acknowledged),
        IN_DATABASE(a_batch_that_was_committed_unheard_is_found_and_is_there_once),
        IN_DATABASE(old_deltas_are_dropped_unless_a_start_needs_them),
        IN_DATABASE(a_commit_is_synced_although_the_database_is_set_otherwise),
        IN_DATABASE(a_deep_page_does_not_read_what_it_skips),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
