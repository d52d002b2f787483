/* Claims of several nodes over one database: what one does while another one is in the middle of a batch. */
#include "journal/postgres_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "journal/journal_nodes.h"
#include "journal/postgres_internal.h"

enum { MANY = 2000, READERS = 8 };

struct claimer {
    struct journal *j;
    struct journal_batch *b;
    uint64_t boot;
    /* what the last claim has told, by device */
    uint32_t claimed, held;
    uint64_t holder[MANY + 1], login[MANY + 1];
    bool has_state;
    enum mu_err err;
    pthread_t thread;
};

static struct claimer a, b;

static struct journal *open_shared(void)
{
    struct postgres_journal_options options = { .retention_days = 7, .clock_patience_s = -1, .shared = true };
    struct journal *j;
    char why[300] = "";

    if (postgres_journal_open(&j, uri, &options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

static void start(struct claimer *n)
{
    memset(n, 0, sizeof(*n));
    n->j = open_shared();
    n->b = make_batch(n->j);
    n->boot = journal_boot(n->j).number;
}

static void stop(struct claimer *n)
{
    journal_batch_destroy(n->b);
    journal_close(n->j);
}

static int two(void **state)
{
    make_database(state);
    start(&a);
    start(&b);
    return 0;
}

static int none(void **state)
{
    (void)state;
    stop(&a);
    stop(&b);
    return 0;
}

/* --- claiming ---------------------------------------------------------------------------------------*/

static enum mu_err on_claimed(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct claimer *n = ctx;

    n->claimed++;
    n->holder[device] = n->boot;
    n->has_state = s != NULL;
    return MU_OK;
}

static enum mu_err on_held(void *ctx, uint32_t device, uint64_t boot, uint64_t login)
{
    struct claimer *n = ctx;

    n->held++;
    n->holder[device] = boot;
    n->login[device] = login;
    return MU_OK;
}

static enum mu_err claim(struct claimer *n, const uint32_t *devices, size_t count)
{
    n->claimed = n->held = 0;
    return journal_batch_claim(n->b, devices, count,
                               &(struct journal_claimant){ .ctx = n, .claimed = on_claimed, .held = on_held });
}

/* The start that holds the device, as the claim tells it; UINT64_MAX: none was told. */
static uint64_t claim_one(struct claimer *n, uint32_t device)
{
    n->holder[device] = UINT64_MAX;
    assert_int_equal(claim(n, &device, 1), MU_OK);
    return n->holder[device];
}

static void put(struct claimer *n, uint32_t device, uint64_t records, bool open)
{
    struct journal_state s = { .sessions = records, .session_boot = open ? n->boot : 0 };
    journal_batch_state(n->b, device, &s);
}

/* The device's session begins there. */
static void log_in(struct claimer *n, uint32_t device)
{
    assert_int_equal(claim_one(n, device), n->boot);
    put(n, device, 1, true);
    commit(n->j, n->b);
}

static void *commit_on_thread(void *ctx)
{
    struct claimer *n = ctx;
    n->err = journal_commit(n->j, n->b, DAY_ZERO);
    return NULL;
}

static void begin(struct claimer *n, void *(*what)(void *ctx))
{
    assert_int_equal(pthread_create(&n->thread, NULL, what, n), 0);
}

static enum mu_err outcome(const struct claimer *n)
{
    assert_int_equal(pthread_join(n->thread, NULL), 0);
    return n->err;
}

/* --- tests ------------------------------------------------------------------------------------------*/

static void nodes_that_claim_what_the_other_holds_both_commit_whoever_is_first(void **state)
{
    (void)state;
    log_in(&a, 1);
    log_in(&b, 2);
    for (uint64_t n = 2; n < 6; n++) {
        struct claimer *first = n % 2 ? &a : &b, *second = n % 2 ? &b : &a;
        assert_int_equal(claim_one(first, first == &a ? 2 : 1), second->boot);
        assert_int_equal(claim_one(second, first == &a ? 1 : 2), first->boot);
        put(&a, 1, n, true);
        put(&b, 2, n, true);
        begin(first, commit_on_thread);
        poll(NULL, 0, n < 4 ? 50 : 0);
        begin(second, commit_on_thread);
        assert_int_equal(outcome(first), MU_OK);
        assert_int_equal(outcome(second), MU_OK);
    }
}

static void a_node_that_stands_still_in_a_claim_does_not_stop_the_holder(void **state)
{
    (void)state;
    log_in(&a, 1);
    assert_int_equal(claim_one(&b, 1), a.boot);
    assert_int_equal(b.login[1], 1);
    put(&a, 1, 2, false);
    commit(a.j, a.b); /* while b is in the middle of its batch */
    journal_batch_clear(b.b);
    assert_int_equal(claim_one(&b, 1), b.boot);
}

static int64_t seen_us;

static enum mu_err find_a(void *ctx, const struct journal_node *node)
{
    (void)ctx;
    seen_us = node->boot == a.boot ? node->alive_us : seen_us;
    return MU_OK;
}

/* What b says to that. */
static enum mu_err end_a(void)
{
    assert_int_equal(journal_nodes(b.j, find_a, NULL), MU_OK);
    return journal_end_boot(b.j, a.boot, seen_us);
}

/* No time limit of the server ends a COPY whose sender says nothing more. */
static void what_a_start_that_is_over_was_writing_keeps_no_device(void **state)
{
    (void)state;
    log_in(&a, 2);
    assert_int_equal(claim_one(&a, 1), a.boot);
    assert_int_equal(
        pg_copy_begin(postgres_of(a.j)->writer, "COPY message (device, ts, record) FROM STDIN (FORMAT binary)"), MU_OK);
    assert_int_equal(claim_one(&b, 1), 0);
    journal_batch_clear(b.b);
    assert_int_equal(end_a(), MU_OK);
    while (claim_one(&b, 1) != b.boot) {
        journal_batch_clear(b.b);
        poll(NULL, 0, 10);
    }
    commit(b.j, b.b);
    journal_batch_clear(a.b);
    assert_int_equal(journal_commit(a.j, a.b, DAY_ZERO), MU_E_OVER);
}

static void a_start_whose_commit_waits_for_a_lock_is_not_over(void **state)
{
    struct pg *pg = open_pg(uri), *looking = open_pg(uri);

    (void)state;
    commit(a.j, a.b);
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_exec(pg, "LOCK TABLE state IN SHARE MODE"), MU_OK);
    put(&a, 1, 1, true);
    begin(&a, commit_on_thread);
    while (!number(looking, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
        poll(NULL, 0, 10);
    assert_int_equal(end_a(), MU_E_EXISTS);
    pg_rollback(pg);
    assert_int_equal(outcome(&a), MU_OK);
    pg_close(looking);
    pg_close(pg);
}

static void of_two_that_claim_a_free_device_the_second_is_told_at_once(void **state)
{
    const uint32_t both[] = { 1, 2 };

    (void)state;
    log_in(&a, 2);
    put(&a, 2, 2, false);
    commit(a.j, a.b);
    for (uint32_t device = 2; device <= 3; device++) { /* one that was here, and a new one */
        assert_int_equal(claim_one(&a, device), a.boot);
        assert_int_equal(a.has_state, device == 2);
        assert_int_equal(claim(&b, (const uint32_t[]){ 1, device }, 2), MU_OK);
        assert_true(b.claimed == 1 && b.held == 1 && b.holder[1] == b.boot && b.holder[device] == 0);
        journal_batch_clear(b.b);
        put(&a, device, 3, true);
        commit(a.j, a.b);
        assert_int_equal(claim_one(&b, device), a.boot);
        assert_int_equal(b.login[device], 3);
        journal_batch_clear(b.b);
    }
    assert_int_equal(claim_one(&a, 1), a.boot);
    journal_batch_clear(a.b); /* not committed */
    assert_int_equal(claim(&b, both, 2), MU_OK);
    assert_true(b.claimed == 1 && b.holder[1] == b.boot && b.holder[2] == a.boot);
}

static void many_devices_are_claimed_by_one_node_each(void **state)
{
    uint32_t devices[MANY];

    (void)state;
    for (uint32_t i = 0; i < MANY; i++)
        devices[i] = i + 1;
    assert_int_equal(claim(&a, devices, MANY / 2), MU_OK);
    assert_int_equal(a.claimed, MANY / 2);
    assert_int_equal(claim(&b, devices, MANY), MU_OK);
    assert_int_equal(b.claimed + b.held, MANY);
    for (uint32_t i = 0; i < MANY / 2; i++)
        assert_int_equal(b.holder[devices[i]], 0);
    journal_batch_clear(a.b);
    journal_batch_clear(b.b);
    assert_int_equal(claim(&b, devices, MANY), MU_OK);
    assert_int_equal(b.claimed, MANY);
}

/* The rows of a deleted device, which another node may still write. */
static void what_deletes_the_rows_of_others_gives_up_and_is_tried_again(void **state)
{
    struct pg *pg = open_pg(uri);

    (void)state;
    log_in(&a, 1);
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_exec(pg, "UPDATE state SET record = record"), MU_OK);
    journal_batch_forget_device(b.b, 1);
    assert_int_equal(journal_commit(b.j, b.b, DAY_ZERO), MU_E_IO);
    pg_rollback(pg);
    journal_batch_forget_device(b.b, 1);
    commit(b.j, b.b);
    assert_int_equal(claim_one(&b, 1), b.boot);
    assert_false(b.has_state);
    pg_close(pg);
}

/* A server process tells what it has read when it ends. */
static int64_t looks_at_starts(void)
{
    struct pg *pg = open_pg(uri);

    while (number(pg, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                      "backend_type = 'client backend' AND pid <> pg_backend_pid()"))
        poll(NULL, 0, 10);
    int64_t looks =
        number(pg, "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'boot'");
    pg_close(pg);
    return looks;
}

static void a_start_is_asked_for_once_however_many_devices_it_holds(void **state)
{
    uint32_t devices[MANY];

    for (uint32_t i = 0; i < MANY; i++)
        devices[i] = i + 1;
    assert_int_equal(claim(&b, devices, MANY), MU_OK);
    assert_int_equal(b.claimed, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        put(&b, devices[i], 1, true);
    commit(b.j, b.b);
    assert_int_equal(claim(&a, devices, MANY), MU_OK);
    assert_int_equal(a.held, MANY);
    none(state);
    assert_in_range(looks_at_starts(), 1, 100);
    start(&a);
    start(&b);
}

static sem_t go_on;
static atomic_int reading;

static enum mu_err read_slowly(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    (void)m;
    atomic_fetch_add(&reading, 1);
    sem_wait(&go_on);
    return MU_OK;
}

static void *read_one(void *ctx)
{
    struct journal_window w = { .to_us = INT64_MAX, .limit = 1 };
    struct claimer *n = ctx;
    uint64_t total;

    n->err = journal_messages(n->j, 1, &w, read_slowly, NULL, &total);
    return NULL;
}

static enum mu_err count_message(void *ctx, uint32_t device, const struct journal_message *m)
{
    (void)device;
    (void)m;
    ++*(int *)ctx;
    return MU_OK;
}

static void claiming_does_not_wait_for_those_who_read(void **state)
{
    struct claimer readers[READERS];
    int64_t since_us;
    int messages = 0;

    (void)state;
    log_in(&b, 2);
    put_message(a.b, 1, DAY_ZERO, 1);
    commit(a.j, a.b);
    sem_init(&go_on, 0, 0);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct claimer){ .j = a.j };
        begin(&readers[i], read_one);
    }
    while (atomic_load(&reading) < READERS)
        poll(NULL, 0, 5);
    assert_int_equal(claim_one(&a, 2), b.boot);
    assert_int_equal(
        journal_messages_since(a.j, &(struct journal_since){ .device = 1 }, 1, INT64_MAX, count_message, &messages),
        MU_OK);
    assert_int_equal(messages, 1);
    assert_false(journal_boot_is_over(a.j, b.boot, &since_us));
    commit(a.j, a.b);
    for (int i = 0; i < READERS; i++)
        sem_post(&go_on);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(outcome(&readers[i]), MU_OK);
    sem_destroy(&go_on);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, two, none)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_that_claim_what_the_other_holds_both_commit_whoever_is_first),
        TEST(a_node_that_stands_still_in_a_claim_does_not_stop_the_holder),
        TEST(what_a_start_that_is_over_was_writing_keeps_no_device),
        TEST(a_start_whose_commit_waits_for_a_lock_is_not_over),
        TEST(of_two_that_claim_a_free_device_the_second_is_told_at_once),
        TEST(many_devices_are_claimed_by_one_node_each),
        TEST(what_deletes_the_rows_of_others_gives_up_and_is_tried_again),
        TEST(a_start_is_asked_for_once_however_many_devices_it_holds),
        TEST(claiming_does_not_wait_for_those_who_read),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
