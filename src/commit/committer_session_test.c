#include "base/unit_test.h"

#include "commit/committer_fixture.h"

/* What the online log says of logins and ends. */

static void a_login_activates_and_its_end_puts_the_device_offline(void **state)
{
    (void)state;
    struct fleet_counts counts;

    login(3, 11, T0, false);
    settle();
    struct fleet_device d = device(3);
    assert_true(d.is_online);
    assert_int_equal(d.activated_at, T0 / 1000000);
    assert_int_equal(d.online_latest, T0 / 1000000);
    fleet_count(f, &counts);
    assert_int_equal(counts.online, 1);
    end(3, 11, T0 + 60000000, END_NO_HEARTBEAT);
    login(3, 12, T0 + 90000000, false);
    end(3, 12, T0 + 91000000, END_TCP_CLOSED);
    settle();
    d = device(3);
    assert_false(d.is_online);
    assert_int_equal(d.activated_at, T0 / 1000000); /* the first one */
    assert_int_equal(d.online_latest, T0 / 1000000 + 90);
    stop();
    assert_int_equal(records()->sessions.count, 4);
    struct journal_session s = session(0);
    assert_true(!s.end && !s.again);
    assert_int_equal(s.keep_alive, 125);
    assert_int_equal(s.boot, BOOT);
    assert_int_equal(s.number, 1);
    s = session(1);
    assert_true(s.end);
    assert_int_equal(s.duration, 42);
    assert_int_equal(s.reason, END_NO_HEARTBEAT);
    assert_int_equal(s.heartbeat.count, 3);
    assert_int_equal(s.number, 2);
    assert_int_equal(state_of(3).session_boot, 0);
    assert_int_equal(state_of(3).sessions, 4);
    assert_int_equal(records()->active.count, 1); /* of the report that settle sent, from device 1 */
}

static void of_a_take_over_the_newest_record_is_the_login(void **state)
{
    (void)state;
    login(3, 11, T0, false);
    settle();
    end(3, 11, T0 + 1000, END_FORCE);
    login(3, 12, T0 + 1000, true);
    settle();
    assert_true(device(3).is_online);
    end(3, 12, T0 + 2000, END_MQTT_DISCONNECT);
    settle();
    assert_false(device(3).is_online);
    stop();
    assert_int_equal(records()->sessions.count, 4);
    assert_int_equal(session(1).reason, END_FORCE);
    assert_true(!session(2).end && session(2).again);
    assert_true(session(2).ts_us > session(1).ts_us);
    assert_int_equal(session(3).reason, END_MQTT_DISCONNECT);
}

static void a_login_is_answered_when_the_fleet_shows_it(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 200; i++) {
        login_told(3, i, T0 + (int64_t)i * 10);
        wait_told(&sink, i);
        assert_int_equal(sink.told[i - 1].err, MU_OK);
        assert_true(device(3).is_online);
        end(3, i, T0 + (int64_t)i * 10 + 5, END_TCP_CLOSED);
    }
}

static void a_session_that_a_crash_left_open_is_ended_before_the_next_login(void **state)
{
    (void)state;
    login(3, 11, T0, false);
    login(4, 12, T0, false);
    end(4, 12, T0 + 1, END_TCP_CLOSED);
    login(5, 13, T0, false);
    report_state(5, T0 + 900000000, 0, 0, 0, 0); /* later than the moment that the start noted as alive */
    wait_told(&sink, 1);
    stop();
    fake_journal_set_alive(j, BOOT, T0 + 600500000);
    struct journal *crashed = j;
    j = fake_journal_new(BOOT + 1);
    *fake_journal_records(j) = *fake_journal_records(crashed);
    *fake_journal_records(crashed) = (struct fake_records){ 0 };
    fake_journal_free(crashed);
    fake_journal_set_alive(j, BOOT, T0 + 600500000);
    fleet_destroy(f);
    assert_int_equal(fleet_create(&f), MU_OK);
    start();

    assert_false(device(3).is_online); /* at the start nobody is */
    assert_int_equal(device(3).online_latest, T0 / 1000000);
    login(3, 1, T0 + 700000000, false);
    login(4, 2, T0 + 700000000, false);
    login(5, 3, T0 + 950000000, false);
    end(3, 1, T0 + 800000000, END_FORCE);
    login(3, 4, T0 + 800000000, true);
    settle();
    assert_true(device(3).is_online);
    stop();
    assert_int_equal(records()->sessions.count, 4 + 7);
    struct journal_session s = session(4);
    assert_true(s.end);
    assert_int_equal(s.reason, END_EXCEPTION);
    assert_int_equal(s.ts_us, T0 + 600500000);
    assert_int_equal(s.duration, 600);
    assert_int_equal(s.heartbeat.count, 0);
    assert_int_equal(s.number, 2);
    assert_false(session(5).end);
    assert_int_equal(session(5).boot, BOOT + 1);
    assert_int_equal(session(5).number, 3);
    assert_int_equal(records()->sessions.at[6].device, 4); /* it had ended: just the login */
    assert_false(session(6).end);
    assert_int_equal(session(7).reason, END_EXCEPTION);
    assert_int_equal(session(7).ts_us, T0 + 900000000); /* its last message is the later sign of life */
    assert_false(session(8).end);
    assert_int_equal(session(9).reason, END_FORCE); /* no second end for a session of this start */
    assert_true(!session(10).end && session(10).again);
}

/* The start's clock was far ahead. The device sends nothing before it logs in by the right clock. */
static void a_start_that_lived_by_a_wrong_clock_tells_no_end(void **state)
{
    (void)state;
    login(3, 11, T0, false);
    settle();
    stop();
    struct journal *crashed = j;
    j = fake_journal_new(BOOT + 1);
    *fake_journal_records(j) = *fake_journal_records(crashed);
    *fake_journal_records(crashed) = (struct fake_records){ 0 };
    fake_journal_free(crashed);
    fake_journal_set_alive(j, BOOT, T0 + INT64_C(400) * 86400 * 1000000);
    fleet_destroy(f);
    assert_int_equal(fleet_create(&f), MU_OK);
    start();
    login(3, 1, T0 + 700000000, false);
    settle();
    stop();
    assert_true(session(1).end);
    assert_int_equal(session(1).ts_us, T0 + 1);
    assert_int_equal(session(2).ts_us, T0 + 700000000);
    assert_int_equal(records()->turns.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(a_login_activates_and_its_end_puts_the_device_offline),
        COMMITTER_TEST(of_a_take_over_the_newest_record_is_the_login),
        COMMITTER_TEST(a_login_is_answered_when_the_fleet_shows_it),
        COMMITTER_TEST(a_session_that_a_crash_left_open_is_ended_before_the_next_login),
        COMMITTER_TEST(a_start_that_lived_by_a_wrong_clock_tells_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
