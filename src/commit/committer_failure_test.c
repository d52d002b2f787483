#include "base/unit_test.h"

#include <poll.h>

#include "base/clock.h"
#include "commit/committer_fixture.h"

/* Commits that fail, and the end of the program. */

/* Waits until commits end so. */
static void wait_failing(enum mu_err err)
{
    while (committer_failing(c) != err)
        usleep(100);
}

static void on_a_full_disk_reports_and_logins_are_refused_and_ends_are_kept(void **state)
{
    (void)state;
    struct committer_figures figures;
    const uint8_t control[] = { 0, 0, 0, 3, 3, 0, 0, 0x90 };

    login(3, 11, T0, false);
    settle();
    fake_journal_fail(j, MU_E_FULL);
    size_t told = sink.count;
    report_state(3, T0, 1, 1, 1, 1);
    wait_told(&sink, told + 1);
    assert_int_equal(committer_failing(c), MU_E_FULL);
    end(3, 11, T0 + 5000000, END_TCP_CLOSED);
    login_told(4, 12, T0 + 6000000);
    report_state(4, T0, 0, 0, 0, 0);
    committer_control(c, &(struct commit_item){ .sink = &sink.sink, .tag = 5, .device = 4, .ts_us = T0 }, 1, 1, control,
                      sizeof(control));
    end(4, 12, T0 + 7000000, END_FORCE);
    report_state(4, T0, 0, 0, 0, 0);
    wait_told(&sink, told + 5);
    for (size_t i = told; i < told + 5; i++)
        assert_int_equal(sink.told[i].err, MU_E_FULL);
    struct fleet_device d = device(3);
    assert_true(d.is_online && !d.is_faulty); /* only what is durable is shown */
    committer_get_figures(c, &figures);
    assert_int_equal(figures.dropped_disk_full, 4);
    assert_int_equal(figures.dropped_io, 0);
    assert_int_equal(figures.messages, 1);
    assert_in_range(figures.commit_failures, 1, SIZE_MAX);

    fake_journal_fail(j, MU_OK);
    wait_failing(MU_OK);
    settle();
    assert_false(device(3).is_online);
    assert_false(device(4).is_online);
    assert_int_equal(device(4).activated_at, 0);
    stop();
    assert_int_equal(records()->sessions.count, 2); /* and no end without its login */
    assert_int_equal(records()->sessions.at[1].device, 3);
    assert_true(session(1).end);
    assert_int_equal(records()->messages.count, 2);
}

static void a_full_disk_that_has_room_again_is_noticed_by_itself(void **state)
{
    (void)state;
    fake_journal_fail(j, MU_E_FULL);
    report_state(3, T0, 0, 0, 0, 0);
    wait_failing(MU_E_FULL);
    fake_journal_fail(j, MU_OK);
    wait_failing(MU_OK); /* nothing is handed over meanwhile */
}

static void an_error_of_the_disk_is_no_full_disk(void **state)
{
    (void)state;
    struct committer_figures figures;

    fake_journal_fail(j, MU_E_IO);
    report_state(3, T0, 0, 0, 0, 0);
    wait_told(&sink, 1);
    assert_int_equal(sink.told[0].err, MU_E_IO);
    assert_int_equal(committer_failing(c), MU_E_IO);
    committer_get_figures(c, &figures);
    assert_int_equal(figures.dropped_io, 1);
    fake_journal_fail(j, MU_OK);
}

static void a_message_too_large_for_the_journal_is_refused_alone(void **state)
{
    (void)state;
    static const uint8_t huge[LIMIT_MQTT_PACKET + 1];
    struct committer_figures figures;

    fake_journal_hold(j);
    report_state(1, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    report_state(2, T0, 0, 0, 0, 0);
    report(3, T0, huge, sizeof(huge));
    report_state(3, T0, 0, 0, 0, 0);
    fake_journal_release(j);
    wait_told(&sink, 4);
    assert_int_equal(sink.told[1].err, MU_OK);
    assert_int_equal(sink.told[2].err, MU_E_LIMIT);
    assert_int_equal(sink.told[3].err, MU_OK);
    committer_get_figures(c, &figures);
    assert_int_equal(figures.messages, 3);
    assert_int_equal(figures.commit_failures, 0);
    stop();
    assert_int_equal(records()->messages.count, 3);
    assert_int_equal(message(2).number, 1); /* of its device */
}

/* A process may be stopped in the middle of a commit that goes through. */
static void a_commit_that_took_long_was_a_sign_of_life_when_it_began(void **state)
{
    (void)state;
    fake_journal_hold(j);
    report_state(1, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    int64_t held_ms = clock_mono_ms();
    poll(NULL, 0, 50);
    fake_journal_release(j);
    wait_told(&sink, 1);
    assert_true(committer_committed_ms(c) <= held_ms);
}

static void what_only_passes_comes_in_its_turn_and_cannot_fail(void **state)
{
    (void)state;
    fake_journal_hold(j);
    report_state(1, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    report_state(2, T0, 0, 0, 0, 0);
    committer_pass(c, &(struct commit_item){ .sink = &sink.sink, .owner = 77, .tag = 7 });
    report_state(3, T0, 0, 0, 0, 0);
    fake_journal_fail(j, MU_E_FULL);
    fake_journal_release(j);
    wait_told(&sink, 4);
    assert_int_equal(sink.told[1].err, MU_E_FULL);
    assert_int_equal(sink.told[2].owner, 77);
    assert_int_equal(sink.told[2].tag, 7);
    assert_int_equal(sink.told[2].err, MU_OK);
    assert_int_equal(sink.told[3].err, MU_E_FULL);
    committer_pass(
        c, &(struct commit_item){ .sink = &sink.sink, .owner = 78, .tag = 8 }); /* not even tried while commits fail */
    wait_told(&sink, 5);
    assert_int_equal(sink.told[4].err, MU_OK);
    fake_journal_fail(j, MU_OK);
}

static void what_waits_is_committed_before_the_committer_ends(void **state)
{
    (void)state;
    fake_journal_hold(j);
    report_state(1, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    for (int i = 0; i < 1000; i++)
        report_state(2, T0 + i, 0, 0, 0, 0);
    login(3, 1, T0, false);
    fake_journal_release(j);
    stop();
    assert_int_equal(records()->messages.count, 1001);
    assert_int_equal(records()->sessions.count, 1);
    assert_int_equal(sink.count, 1001);
    assert_int_equal(sink.flushed_at, 1001);
}

static void a_kept_end_comes_before_the_next_login(void **state)
{
    (void)state;
    login(3, 1, T0, false);
    settle();
    fake_journal_fail(j, MU_E_IO);
    end(3, 1, T0 + 1, END_FORCE);
    login_told(3, 2, T0 + 1);
    wait_told(&sink, 2);
    assert_int_equal(sink.told[1].err, MU_E_IO);
    assert_true(device(3).is_online); /* by what is on record */
    fake_journal_fail(j, MU_OK);
    for (size_t n = 3; sink.told[n - 2].err != MU_OK; n++) {
        login_told(3, n, T0 + 2);
        wait_told(&sink, n);
    }
    assert_true(device(3).is_online);
    stop();
    assert_int_equal(records()->sessions.count, 3);
    assert_int_equal(session(1).reason, END_FORCE);
    assert_false(session(2).end);
}

static void a_kept_end_gets_a_last_try_at_the_end(void **state)
{
    (void)state;
    login(3, 1, T0, false);
    settle();
    fake_journal_fail(j, MU_E_FULL);
    end(3, 1, T0 + 1, END_FORCE);
    report_state(3, T0, 0, 0, 0, 0);
    wait_told(&sink, 2);
    fake_journal_fail(j, MU_OK);
    stop();
    assert_int_equal(records()->sessions.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(on_a_full_disk_reports_and_logins_are_refused_and_ends_are_kept),
        COMMITTER_TEST(a_full_disk_that_has_room_again_is_noticed_by_itself),
        COMMITTER_TEST(an_error_of_the_disk_is_no_full_disk),
        COMMITTER_TEST(a_message_too_large_for_the_journal_is_refused_alone),
        COMMITTER_TEST(a_commit_that_took_long_was_a_sign_of_life_when_it_began),
        COMMITTER_TEST(what_only_passes_comes_in_its_turn_and_cannot_fail),
        COMMITTER_TEST(what_waits_is_committed_before_the_committer_ends),
        COMMITTER_TEST(a_kept_end_comes_before_the_next_login),
        COMMITTER_TEST(a_kept_end_gets_a_last_try_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
