/* A journal whose tables Citus spreads over servers, as far as a PostgreSQL that only looks like it can tell
 * (install_citus): how it is read, and what is done until a commit is known to be on all servers. */
#include "journal/postgres_fixture.h"

#include <poll.h>
#include <pthread.h>

#include "journal/journal_nodes.h"
#include "journal/postgres_internal.h"

enum { NEVER = 1000000 };

static char spread[PG_FIXTURE_URI];
static uint32_t device; /* of this test */

static struct journal *open_node(void)
{
    struct postgres_journal_options options = { .retention_days = 7, .clock_patience_s = -1, .shared = true };
    return open_postgres_with(uri, &options);
}

static int64_t recoveries(struct pg *pg)
{
    return number(pg, "SELECT count(*) FROM stub_recovery");
}

static void wait_for(struct pg *pg, const char *what)
{
    for (int i = 0; i < 2000 && !number(pg, what); i++)
        poll(NULL, 0, 10);
    assert_true(number(pg, what));
}

/* The next recoveries fail, and the next commits do not reach a worker. */
static void trouble(struct pg *pg, int64_t of_recoveries, int64_t of_commits)
{
    assert_int_equal(pg_run(pg, "UPDATE stub_trouble SET recoveries = $1, commits = $2",
                            PG_VALUES(pg_int(of_recoveries), pg_int(of_commits)), NULL),
                     MU_OK);
}

/* One database for all tests, since making one takes longer than any of them; each has a device of its own. */
static int start(void **state)
{
    pg_fixture_start(state);
    make_spread_database(state);
    snprintf(spread, sizeof(spread), "%s", uri);
    pg_fixture_sql(uri, "CREATE FUNCTION public.warn() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                        " UPDATE stub_trouble SET commits = commits - 1 WHERE commits > 0;"
                        " IF FOUND THEN RAISE WARNING 'failed to commit on worker:5432'; END IF; RETURN NULL; END$$;"
                        "CREATE CONSTRAINT TRIGGER warn AFTER UPDATE ON journal.boot DEFERRABLE INITIALLY DEFERRED"
                        " FOR EACH ROW WHEN (NEW.batch > OLD.batch) EXECUTE FUNCTION public.warn()");
    return 0;
}

static int next_device(void **state)
{
    (void)state;
    snprintf(uri, sizeof(uri), "%s", spread);
    device++;
    return 0;
}

#define IN_SPREAD(test) cmocka_unit_test_setup(test, next_device)

static enum mu_err commit_one(struct journal *j, uint64_t n)
{
    struct journal_batch *b = make_batch(j);

    put_message(b, device, DAY_ZERO + (int64_t)n * SECOND, n);
    journal_batch_state(b, device, &(struct journal_state){ .messages = n });
    if (journal_is_shared(j))
        journal_batch_delta(b, "delta", 5);
    enum mu_err err = journal_commit(j, b, DAY_ZERO);
    journal_batch_destroy(b);
    return err;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static void expect_plans(struct journal *j, const char *mode)
{
    struct pg *pg = postgres_take(postgres_of(j));
    char sql[100];

    snprintf(sql, sizeof(sql), "SELECT (current_setting('plan_cache_mode') = '%s')::int4", mode);
    assert_int_equal(number(pg, sql), 1);
    postgres_give_back(postgres_of(j), pg);
    journal_close(j);
}

static struct journal *open_to_read(void)
{
    struct journal *j;
    char why[300] = "";

    assert_int_equal(postgres_journal_open_unchanged(&j, uri, why, sizeof(why)), MU_OK);
    return j;
}

static void plans_are_made_for_the_values(void **state)
{
    (void)state;
    expect_plans(open_node(), "auto");
    expect_plans(open_to_read(), "auto");
}

static void citus_that_was_installed_later_has_spread_nothing(void **state)
{
    (void)state;
    pg_fixture_database(uri);
    make_schema(uri);
    install_citus(uri);
    expect_plans(open_node(), "force_generic_plan");
    expect_plans(open_to_read(), "force_generic_plan");

    struct pg *pg = open_pg(uri);
    assert_int_equal(recoveries(pg), 0);
    pg_close(pg);
}

static enum mu_err on_state(void *ctx, uint32_t of, const struct journal_state *s)
{
    (void)ctx;
    (void)of;
    (void)s;
    return MU_OK;
}

static void check_state(void *ctx, uint32_t of, const struct journal_state *s)
{
    (void)on_state(ctx, of, s);
}

static void ignore_message_of(void *ctx, uint32_t of, const struct journal_message *m)
{
    (void)of;
    (void)ignore_message(ctx, m);
}

static enum mu_err ignore_since(void *ctx, uint32_t of, const struct journal_message *m)
{
    (void)of;
    return ignore_message(ctx, m);
}

static enum mu_err ignore_event(void *ctx, uint32_t of, const struct journal_event *e)
{
    (void)ctx;
    (void)of;
    (void)e;
    return MU_OK;
}

/* Everything that reads all of a table. */
static void read_all(struct journal *j)
{
    const struct journal_visitor visitor = { .state = on_state };
    const struct journal_reader reader = { .state = check_state, .message = ignore_message_of };
    const struct journal_since since = { .device = device };
    bool empty;

    assert_int_equal(journal_visit(j, &visitor), MU_OK);
    assert_int_equal(journal_events(j, 0, INT64_MAX, ignore_event, NULL), MU_OK);
    assert_int_equal(journal_messages_since(j, &since, 1, INT64_MAX, ignore_since, NULL), MU_OK);
    assert_int_equal(journal_check(j, &reader, &no_mistakes), MU_OK);
    assert_int_equal(postgres_journal_is_empty(j, &empty), MU_OK);
    assert_false(empty);
}

struct said_by {
    int pid;
    bool unlimited;
    struct said_by *next;
};

/* The first FETCH on a coordinator waits until all rows are there. And Citus cannot fetch rows without columns. */
static void what_reads_all_of_a_table_has_no_time_limit_and_names_columns(void **state)
{
    char path[PG_FIXTURE_URI + 10], line[2000];
    struct said_by *all = NULL, *s;
    struct journal *j = open_node();
    int cursors = 0;

    (void)state;
    assert_int_equal(commit_one(j, 1), MU_OK);
    pg_fixture_sql(uri,
                   "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET log_statement = %L', current_database(), 'all'); "
                   "END$$");
    read_all(j);
    journal_close(j);

    snprintf(path, sizeof(path), "%s/said", strstr(uri, "host=") + 5);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        const char *at = strchr(line, '[');
        int pid = at ? atoi(at + 1) : 0;
        for (s = all; s && s->pid != pid; s = s->next)
            ;
        if (!s) {
            s = malloc(sizeof(*s));
            *s = (struct said_by){ pid, false, all };
            all = s;
        }
        if (strstr(line, ": BEGIN"))
            s->unlimited = false;
        if (strstr(line, ": SET LOCAL statement_timeout TO 0"))
            s->unlimited = true;
        if (strstr(line, ": DECLARE big")) {
            cursors++;
            if (!s->unlimited)
                fail_msg("it has a time limit: %s", line);
        }
        if (strstr(line, "(SELECT FROM"))
            fail_msg("it has no columns: %s", line);
    }
    fclose(f);
    while ((s = all)) {
        all = s->next;
        free(s);
    }
    assert_true(cursors >= 10);
}

/* --- commits ------------------------------------------------------------------------------------------- */

static void commits_of_earlier_starts_are_finished_before_a_start_reads(void **state)
{
    struct postgres_journal_options options = { .wait_s = -1, .shared = true };
    struct pg *pg = open_pg(uri);
    struct journal *j = NULL;
    char why[300] = "";

    (void)state;
    trouble(pg, 1, 0);
    assert_int_equal(postgres_journal_open(&j, uri, &options, why, sizeof(why)), MU_E_CLOSED);
    assert_null(j);
    assert_int_equal(number(pg, "SELECT count(*) FROM boot WHERE over IS NULL"), 0);
    trouble(pg, 0, 0); /* what the stub noted was undone with the transaction */
    int64_t before = recoveries(pg);
    journal_close(open_node());
    assert_int_equal(recoveries(pg), before + 1);
    pg_close(pg);
}

static void a_new_connection_commits_nothing_before_the_last_commits_are_finished(void **state)
{
    struct pg *pg = open_pg(uri);
    struct journal *j = open_node();

    (void)state;
    assert_int_equal(commit_one(j, 1), MU_OK);
    assert_int_equal(commit_one(j, 2), MU_OK);
    int64_t before = recoveries(pg);
    number(
        pg,
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE 'muster _%'");
    trouble(pg, 1, 0);
    assert_int_equal(commit_one(j, 3), MU_E_IO);
    assert_int_equal(recoveries(pg), before + 1);
    assert_int_equal(commit_one(j, 3), MU_OK);
    assert_int_equal(commit_one(j, 4), MU_OK);
    assert_int_equal(recoveries(pg), before + 2); /* and not for each batch */
    journal_close(j);
    pg_close(pg);
}

static void a_new_connection_reads_nothing_before_the_last_commits_are_finished(void **state)
{
    struct pg *pg = open_pg(uri);
    struct journal *j = open_node();

    (void)state;
    assert_int_equal(commit_one(j, 1), MU_OK);
    int64_t before = recoveries(pg);
    assert_int_equal(count_messages(j, device, 0, INT64_MAX), 1);
    assert_int_equal(recoveries(pg), before + 1);
    number(pg,
           "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'muster' AND "
           "pid <> pg_backend_pid()");
    assert_int_equal(count_messages(j, device, 0, INT64_MAX), 1);
    assert_int_equal(count_messages(j, device, 0, INT64_MAX), 1);
    assert_int_equal(recoveries(pg), before + 2);
    journal_close(j);
    pg_close(pg);
}

static void after_a_batch_that_failed_commits_are_finished_first(void **state)
{
    struct pg *pg = open_pg(uri);
    struct journal *j = open_node();

    (void)state;
    assert_int_equal(commit_one(j, 1), MU_OK);
    int64_t before = recoveries(pg);
    pg_fixture_sql(uri, "ALTER TABLE journal.state RENAME TO gone");
    assert_int_not_equal(commit_one(j, 2), MU_OK);
    pg_fixture_sql(uri, "ALTER TABLE journal.gone RENAME TO state");
    assert_int_equal(commit_one(j, 2), MU_OK);
    assert_int_equal(recoveries(pg), before + 1);
    journal_close(j);
    pg_close(pg);
}

static void a_commit_that_did_not_reach_a_worker_is_acknowledged_when_it_is_finished(void **state)
{
    struct pg *pg = open_pg(uri);
    struct journal *j = open_node();

    (void)state;
    assert_int_equal(commit_one(j, 1), MU_OK);
    int64_t before = recoveries(pg);
    trouble(pg, 2, 1);
    assert_int_equal(commit_one(j, 2), MU_OK);
    assert_int_equal(recoveries(pg), before + 3);
    assert_int_equal(commit_one(j, 3), MU_OK);
    assert_int_equal(recoveries(pg), before + 3);
    assert_int_equal(count_messages(j, device, 0, INT64_MAX), 3);
    assert_int_equal(number(pg, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 1);
    journal_close(j);
    pg_close(pg);
}

/* --- several nodes --------------------------------------------------------------------------------------- */

struct thread {
    struct journal *j;
    struct journal_batch *b;
    uint64_t messages; /* of the state that the claim was told */
    enum mu_err err;
    pthread_t thread;
};

static void *commit_two(void *ctx)
{
    struct thread *t = ctx;

    t->err = commit_one(t->j, 2);
    return NULL;
}

static enum mu_err on_claimed(void *ctx, uint32_t of, const struct journal_state *s)
{
    struct thread *t = ctx;

    (void)of;
    t->messages = s ? s->messages : 0;
    return MU_OK;
}

static void *claim(void *ctx)
{
    struct thread *t = ctx;

    t->err = journal_batch_claim(t->b, &device, 1, &(struct journal_claimant){ .ctx = t, .claimed = on_claimed });
    return NULL;
}

static void *visit(void *ctx)
{
    struct thread *t = ctx;
    const struct journal_visitor visitor = { .ctx = t, .state = on_state };

    t->err = journal_visit(t->j, &visitor);
    return NULL;
}

static void begin(struct thread *t, void *(*what)(void *ctx))
{
    assert_int_equal(pthread_create(&t->thread, NULL, what, t), 0);
}

static void end(struct thread *t)
{
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    assert_int_equal(t->err, MU_OK);
}

static void nobody_reads_on_from_a_commit_that_is_not_finished(void **state)
{
    struct pg *pg = open_pg(uri);
    struct thread a = { .j = open_node() }, b = { .j = open_node() }, c = { .j = b.j };
    uint64_t boot = journal_boot(a.j).number;
    int count = 0;

    (void)state;
    assert_int_equal(commit_one(a.j, 1), MU_OK);
    assert_int_equal(journal_deltas(b.j, boot, 0, count_delta, &count), MU_OK);
    assert_int_equal(count, 1);
    trouble(pg, NEVER, 1);
    begin(&a, commit_two);
    wait_for(pg, "SELECT (commits = 0)::int4 FROM stub_trouble");
    assert_int_equal(journal_deltas(b.j, boot, 1, count_delta, &count), MU_E_IO);
    b.b = make_batch(b.j);
    begin(&b, claim);
    begin(&c, visit);
    wait_for(pg, "SELECT (count(*) = 2)::int4 FROM pg_stat_activity WHERE wait_event = 'advisory'");
    trouble(pg, 0, 0);
    end(&a);
    end(&b);
    end(&c);
    assert_int_equal(b.messages, 2);
    journal_batch_clear(b.b);
    journal_batch_destroy(b.b);
    count = 0;
    assert_int_equal(journal_deltas(b.j, boot, 1, count_delta, &count), MU_OK);
    assert_int_equal(count, 1);
    journal_close(b.j);
    journal_close(a.j);
    pg_close(pg);
}

static void a_start_is_declared_over_when_its_commits_are_finished(void **state)
{
    struct pg *pg = open_pg(uri);
    struct journal *a = open_node(), *b = open_node();
    uint64_t boot = journal_boot(a).number;
    int64_t alive_us, over_us;

    (void)state;
    assert_int_equal(commit_one(a, 1), MU_OK);
    assert_int_equal(pg_get(pg, "SELECT (extract(epoch FROM alive) * 1000000)::bigint FROM boot WHERE number = $1",
                            PG_VALUES(pg_int((int64_t)boot)), pg_read_int, &alive_us, NULL),
                     MU_OK);
    assert_false(journal_boot_is_over(b, boot, &over_us)); /* by the connection that will be used */
    trouble(pg, 1, 0);
    assert_int_equal(journal_end_boot(b, boot, alive_us), MU_E_IO);
    assert_false(journal_boot_is_over(b, boot, &over_us));
    trouble(pg, 0, 0);
    assert_int_equal(journal_end_boot(b, boot, alive_us), MU_OK);
    assert_true(journal_boot_is_over(b, boot, &over_us));
    assert_int_equal(commit_one(a, 2), MU_E_OVER);
    journal_close(a);
    journal_close(b);
    pg_close(pg);
}

static void a_role_that_may_not_finish_commits_is_refused_with_what_to_do(void **state)
{
    struct postgres_journal_options options = { .shared = true };
    struct journal *j;
    char why[400] = "", as_other[PG_FIXTURE_URI + 10];

    (void)state;
    pg_fixture_sql(
        uri, "CREATE ROLE other LOGIN; GRANT ALL ON SCHEMA journal TO other;"
             "GRANT ALL ON ALL TABLES IN SCHEMA journal TO other; GRANT ALL ON stub_recovery, stub_trouble TO other");
    snprintf(as_other, sizeof(as_other), "postgresql://other%s", strchr(uri, '@'));
    assert_int_equal(postgres_journal_open(&j, as_other, &options, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "GRANT EXECUTE"));
    assert_int_equal(postgres_journal_open_unchanged(&j, as_other, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "GRANT EXECUTE"));
    pg_fixture_sql(uri, "GRANT EXECUTE ON FUNCTION recover_prepared_transactions() TO other");
    if (postgres_journal_open(&j, as_other, &options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SPREAD(plans_are_made_for_the_values),
        IN_SPREAD(citus_that_was_installed_later_has_spread_nothing),
        IN_SPREAD(what_reads_all_of_a_table_has_no_time_limit_and_names_columns),
        IN_SPREAD(commits_of_earlier_starts_are_finished_before_a_start_reads),
        IN_SPREAD(a_new_connection_commits_nothing_before_the_last_commits_are_finished),
        IN_SPREAD(a_new_connection_reads_nothing_before_the_last_commits_are_finished),
        IN_SPREAD(after_a_batch_that_failed_commits_are_finished_first),
        IN_SPREAD(a_commit_that_did_not_reach_a_worker_is_acknowledged_when_it_is_finished),
        IN_SPREAD(nobody_reads_on_from_a_commit_that_is_not_finished),
        IN_SPREAD(a_start_is_declared_over_when_its_commits_are_finished),
        IN_SPREAD(a_role_that_may_not_finish_commits_is_refused_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, start, pg_fixture_stop);
}
