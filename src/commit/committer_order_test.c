#include "base/unit_test.h"

#include "commit/committer_fixture.h"

/* Order, room and batches; the registry, the clock and the start. */

/* --- order and room -------------------------------------------------------------------------- */

static void answers_come_in_the_order_of_handing_over(void **state)
{
    (void)state;
    uint64_t first = next_tag + 1;

    for (int i = 0; i < 10000; i++) {
        uint32_t no = 1 + (uint32_t)i * 7 % FIXTURE_DEVICES;
        if (i % 3 == 0)
            report(no, T0, "junk", 4);
        else
            report_state(no, T0, 1, (uint8_t)(i % 200), 0, 0);
        if (i % 1000 == 0)
            committer_report(c, &(struct commit_item){ .device = no, .ts_us = T0 }, (const uint8_t *)"",
                             0); /* nobody is to be told */
    }
    wait_told(&sink, 10000);
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(sink.told[i].tag, first + i);
    assert_in_range(sink.flushes, 1, 10000);
}

static void a_sender_without_room_is_told_when_there_is_room(void **state)
{
    (void)state;
    static const uint8_t junk[200];
    struct committer_figures figures;
    struct test_sink *other = malloc(sizeof(*other));
    size_t handed = 0;

    sink_init(other);
    fake_journal_hold(j);
    report_state(1, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    while (committer_has_room(c, &other->sink)) {
        committer_report(c, &(struct commit_item){ .device = 1 + (uint32_t)(handed % FIXTURE_DEVICES), .ts_us = T0 },
                         junk, sizeof(junk));
        handed++;
    }
    assert_in_range(handed, LIMIT_INTAKE / 300, LIMIT_INTAKE / 200);
    committer_get_figures(c, &figures);
    assert_in_range(figures.waiting_bytes, LIMIT_INTAKE, LIMIT_INTAKE + 1000);
    login(2, 1, T0, false); /* always accepted */
    assert_int_equal(other->flushes, 0);
    fake_journal_release(j);
    pthread_mutex_lock(&other->lock);
    while (!other->flushes)
        pthread_cond_wait(&other->changed, &other->lock);
    pthread_mutex_unlock(&other->lock);
    assert_true(committer_has_room(c, &other->sink));
    stop();
    assert_int_equal(other->count, 0);
    assert_int_equal(records()->messages.count, handed + 1);
    assert_int_equal(records()->sessions.count, 1);
    /* The size of a batch is limited, and this was more than fits into one. */
    assert_in_range(fake_journal_counts(j).commits, LIMIT_INTAKE / 300 * 240 / LIMIT_BATCH, SIZE_MAX);
    free(other);
}

/* --- the registry, the clock, the start ------------------------------------------------------ */

static void a_caller_reads_his_own_registry_writes(void **state)
{
    (void)state;
    struct fleet_device d;
    struct device_row row = fake_device(50, 1);

    fake_put_device(reg, &row);
    assert_false(fleet_device_by_no(f, 50, &d));
    assert_int_equal(committer_follow_registry(c), MU_OK);
    assert_true(fleet_device_by_no(f, 50, &d));
    report_state(50, T0, 0, 0, 0, 0);
    wait_told(&sink, 1);
    assert_int_equal(sink.told[0].err, MU_OK);

    fake_registry_fail(reg, MU_E_IO);
    fake_delete(reg, KIND_DEVICE, 50);
    assert_int_equal(committer_follow_registry(c), MU_E_IO);
    fake_registry_fail(reg, MU_OK);
    while (fleet_device_by_no(f, 50, &d)) /* it looks again by itself */
        usleep(100);
    assert_int_equal(committer_follow_registry(c), MU_OK);
}

static void a_committer_that_has_fallen_too_far_behind_visits_everything(void **state)
{
    (void)state;
    struct fleet_counts counts;
    struct product_row product = fake_product(1);
    struct device_row row = fake_device(2, 1);

    fake_registry_clear(reg);
    fake_put_product(reg, &product);
    fake_put_device(reg, &row);
    assert_int_equal(committer_follow_registry(c), MU_OK);
    fleet_count(f, &counts);
    assert_int_equal(counts.devices, 1);
    assert_int_equal(counts.products, 1);
}

static void a_restart_shows_everything_but_presence(void **state)
{
    (void)state;
    struct journal_versions versions = { { "1", "2", "3", "4" } };

    login(3, 11, T0, false);
    report_state(3, T0, 1, 9, 1, 1);
    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .tag = 1, .device = 3 }, &versions);
    wait_told(&sink, 2);
    struct fleet_device before = device(3);
    assert_true(before.is_online);
    restart();
    struct fleet_device after = device(3);
    assert_false(after.is_online);
    assert_true(after.is_alert && after.is_faulty);
    assert_int_equal(after.activated_at, before.activated_at);
    assert_int_equal(after.last_report, before.last_report);
    assert_string_equal(after.versions.text[2], "3");
    report_state(3, T0, 1, 9, 1, 1);
    wait_told(&sink, 3);
    stop();
    assert_int_equal(message(1).number, 2); /* numbering goes on */
    assert_int_equal(message(1).ts_us, T0 + 1);
    assert_int_equal(records()->active.count, 0); /* that day had its entry, now folded */
    assert_int_equal(records()->active_sets.count, 1);
}

static void an_idle_committer_notes_that_it_is_alive(void **state)
{
    (void)state;
    stop();
    struct committer_options options = {
        .fleet = f, .registry = reg, .journal = j, .calendar = calendar, .alive_ms = 1
    };
    size_t before = fake_journal_counts(j).commits;
    assert_int_equal(committer_start(&c, &options), MU_OK);
    while (fake_journal_counts(j).empty_commits < before + 3)
        usleep(100);
    assert_in_range(fake_journal_alive_us(j), T0, INT64_MAX);
    assert_in_range(fake_journal_counts(j).rolls, 2, 3); /* at each start; a day may begin meanwhile */
    struct committer_figures figures;
    committer_get_figures(c, &figures);
    assert_int_equal(figures.commits, 0); /* no batch held records */
}

/* --- four senders at once -------------------------------------------------------------------- */

enum { SENDERS = 4, EACH = 3000 };

struct sender {
    struct test_sink sink;
    uint32_t device;
    pthread_t thread;
};

static void *send_reports(void *arg)
{
    struct sender *s = arg;
    const uint8_t frame[] = { 0, 0, 0, 3, 8, 0, 0, 0x91, 4, 1, 7, 0, 0 };
    struct fleet_device d;

    for (uint64_t i = 1; i <= EACH; i++) {
        while (!committer_has_room(c, &s->sink.sink))
            usleep(100);
        if (i % 100 == 1)
            committer_login(c, &(struct commit_item){ .device = s->device, .ts_us = T0 },
                            &(struct commit_login){ .session = i, .takeover = i > 1, .keep_alive = 125 });
        committer_report(c,
                         &(struct commit_item){
                             .sink = &s->sink.sink, .owner = s->device, .tag = i, .device = s->device, .ts_us = T0 },
                         frame, sizeof(frame));
        /* cmocka's assertions end a test only on its own thread. */
        if (i % 500 == 0 && (committer_follow_registry(c) != MU_OK || !fleet_device_by_no(f, s->device, &d)))
            abort();
    }
    committer_end(c, &(struct commit_end){ .device = s->device, .session = EACH - 99, .ts_us = T0 });
    return NULL;
}

static void each_of_four_senders_gets_its_answers_in_order(void **state)
{
    (void)state;
    static struct sender senders[SENDERS];
    uint64_t total;
    static struct fleet_device rows[FIXTURE_DEVICES];
    struct fleet_filter online = {
        .product = fleet_product_by_no(f, 1), .online = FLEET_YES, .faulty = FLEET_ANY, .alert = FLEET_ANY
    };

    for (uint32_t i = 0; i < SENDERS; i++) {
        sink_init(&senders[i].sink);
        senders[i].device = i + 1;
        pthread_create(&senders[i].thread, NULL, send_reports, &senders[i]);
    }
    for (int i = 0; i < 200; i++)
        assert_in_range(fleet_search(f, &online, 0, FIXTURE_DEVICES, rows, &total), 0, SENDERS);
    for (uint32_t i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
        wait_told(&senders[i].sink, EACH);
        for (uint64_t k = 0; k < EACH; k++) {
            assert_int_equal(senders[i].sink.told[k].tag, k + 1);
            assert_int_equal(senders[i].sink.told[k].err, MU_OK);
        }
    }
    settle();
    fleet_search(f, &online, 0, FIXTURE_DEVICES, rows, &total);
    assert_int_equal(total, 0);
    stop();
    assert_int_equal(records()->messages.count, SENDERS * EACH + 1);
    for (uint32_t i = 0; i < SENDERS; i++) {
        assert_int_equal(state_of(i + 1).messages, EACH + (i == 0));
        assert_int_equal(state_of(i + 1).sessions, EACH / 100 + 1);
    }
}

/* --- between two batches --------------------------------------------------------------------- */

struct seen_in_pause {
    _Atomic bool ran;
    size_t messages;
    bool told;
};

static void look_around(void *ctx)
{
    struct seen_in_pause *seen = ctx;

    seen->messages = fake_journal_records(j)->messages.count;
    seen->told = sink.flushed_at == seen->messages; /* this thread wrote both, so no lock */
    seen->ran = true;
}

static void *pause_committer(void *seen)
{
    committer_pause(c, look_around, seen);
    return NULL;
}

static void a_pause_comes_between_two_batches_and_never_within_one(void **state)
{
    (void)state;
    struct seen_in_pause seen[3] = { 0 };
    pthread_t threads[3];

    fake_journal_hold(j);
    report_state(1, T0, 1, 0, 0, 0);
    fake_journal_wait_held(j);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pause_committer, &seen[i]), 0);
    report_state(2, T0, 1, 0, 0, 0);
    for (int i = 0; i < 3; i++)
        assert_false(seen[i].ran);
    fake_journal_release(j);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_true(seen[i].ran);
        assert_in_range(seen[i].messages, 1, 2);
        assert_true(seen[i].told);
    }
    wait_told(&sink, 2);
    pause_committer(&seen[0]); /* the committer sleeps and is woken */
    assert_int_equal(seen[0].messages, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(answers_come_in_the_order_of_handing_over),
        COMMITTER_TEST(a_sender_without_room_is_told_when_there_is_room),
        COMMITTER_TEST(a_caller_reads_his_own_registry_writes),
        COMMITTER_TEST(a_committer_that_has_fallen_too_far_behind_visits_everything),
        COMMITTER_TEST(a_restart_shows_everything_but_presence),
        COMMITTER_TEST(an_idle_committer_notes_that_it_is_alive),
        COMMITTER_TEST(a_pause_comes_between_two_batches_and_never_within_one),
        COMMITTER_TEST(each_of_four_senders_gets_its_answers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
