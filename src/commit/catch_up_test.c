#include "base/unit_test.h"

#include "commit/committer_fixture.h"
#include "commit/lagging.h"

/* The state of a device that reports often is written only now and then; a start makes up for it. */

static const int64_t SECOND = 1000000;

/* A start after a crash: nothing was written at the end. */
static void crash(void)
{
    fake_journal_fail(j, MU_E_IO);
    stop();
    fake_journal_fail(j, MU_OK);
    fleet_destroy(f);
    assert_int_equal(fleet_create(&f), MU_OK);
    start();
}

/* Sends report number i. They come every second, each with a commit of its own. */
static void report_at(uint32_t device, int i, uint8_t level, uint8_t alert, uint8_t fault)
{
    size_t told = sink.count;

    report_state(device, T0 + i * SECOND, 1, level, alert, fault);
    wait_told(&sink, told + 1);
}

static void report_times(uint32_t device, int count)
{
    for (int i = 0; i < count; i++)
        report_at(device, i, (uint8_t)(10 + i), 0, 0);
}

static void expect_level(uint32_t device, uint8_t level)
{
    struct buf out;
    const struct fleet_definition *definition;
    struct point_value values[4];

    buf_init(&out, 1000);
    fleet_device_state(f, device, &definition, &out);
    assert_non_null(definition);
    datapoint_state_values(definition->plan, out.data, values);
    buf_free(&out);
    assert_true(values[1].set);
    assert_int_equal(values[1].x, level);
}

static void messages_after_the_second_are_not_counted_in_its_state_at_once(void **state)
{
    (void)state;
    report_times(3, 10);
    assert_int_equal(state_of(3).messages, 2);
    assert_true(state_of(3).followed);
    assert_int_equal(records()->messages.count, 10);
    stop();
    assert_int_equal(state_of(3).messages, 10);
    assert_false(state_of(3).followed);
}

static void a_device_that_reports_seldom_has_its_state_written_each_time(void **state)
{
    (void)state;
    report_at(3, 0, 1, 0, 0);
    report_at(3, (int)(LAG_LONGEST_US / SECOND) + 1, 2, 0, 0);
    assert_int_equal(state_of(3).messages, 2);
    assert_false(state_of(3).followed);
}

static void a_start_reads_what_the_state_does_not_count(void **state)
{
    (void)state;
    report_times(3, 10);
    report_at(3, 10, 99, 1, 0);
    crash();
    expect_level(3, 99);
    struct fleet_device d = device(3);
    assert_true(d.is_alert && !d.is_faulty);
    assert_int_equal(d.last_report, T0 / SECOND + 10);
    report_at(3, 11, 1, 0, 0);
    assert_int_equal(message(11).number, 12);
    assert_int_equal(message(11).decoded_number, 12);
}

static void a_start_writes_what_it_has_read(void **state)
{
    (void)state;
    report_times(3, 10);
    crash();
    assert_int_equal(state_of(3).messages, 10);
    assert_false(state_of(3).followed);
    report_at(3, 11, 1, 0, 0);
    report_at(3, 12, 2, 0, 0);
    crash();
    expect_level(3, 2);
    report_at(3, 13, 1, 0, 0);
    assert_int_equal(message(12).number, 13);
}

static void a_state_that_nothing_followed_is_looked_at_once(void **state)
{
    (void)state;
    report_times(3, 2);
    assert_true(state_of(3).followed);
    crash();
    assert_false(state_of(3).followed);
    assert_int_equal(state_of(3).messages, 2);
}

static void what_is_no_report_counts_and_tells_nothing(void **state)
{
    (void)state;
    report_times(3, 5);
    report(3, T0 + 5 * SECOND, "hello", 5);
    committer_control(c,
                      &(struct commit_item){
                          .sink = &sink.sink, .owner = 3, .tag = ++next_tag, .device = 3, .ts_us = T0 + 6 * SECOND },
                      1, 1, (const uint8_t *)"\0\0\0\3\3\0\0\x90", 8);
    wait_told(&sink, 7);
    crash();
    expect_level(3, 14);
    assert_int_equal(device(3).last_report, T0 / SECOND + 4);
    report_at(3, 8, 1, 0, 0);
    assert_int_equal(message(7).number, 8);
    assert_int_equal(message(7).decoded_number, 6);
}

static void faults_that_came_and_went_are_told_once(void **state)
{
    (void)state;
    report_times(3, 3);
    report_at(3, 3, 1, 0, 1);
    report_at(3, 4, 1, 0, 0);
    report_at(3, 5, 1, 0, 1);
    crash();
    assert_int_equal(records()->events.count, 2);
    assert_true(device(3).is_faulty);
    report_at(3, 6, 1, 0, 0);
    assert_int_equal(records()->events.count, 2);
    assert_int_equal(records()->events.at[1].e.resolved_us, T0 + 6 * SECOND);
}

/* Damage has removed the event, but not the message that told of it. */
static void a_fault_without_its_event_gets_one(void **state)
{
    (void)state;
    report_times(3, 3);
    report_at(3, 3, 1, 0, 1);
    fake_journal_records(j)->events.count = 0;
    crash();
    assert_int_equal(records()->events.count, 1);
    assert_int_equal(records()->events.at[0].e.opened_us, T0 + 3 * SECOND);
    assert_int_equal(records()->events.at[0].e.resolved_us, 0);
}

/* Damage has removed the messages, but not the event that one of them told of. */
static void a_fault_without_its_message_ends(void **state)
{
    (void)state;
    report_times(3, 3);
    report_at(3, 3, 1, 0, 1);
    struct fake_records *r = fake_journal_records(j);
    while (r->messages.count > 2)
        free(r->messages.at[--r->messages.count].payload);
    crash();
    assert_int_equal(records()->events.count, 1);
    assert_int_equal(records()->events.at[0].e.resolved_us, T0 + 3 * SECOND);
    assert_false(device(3).is_faulty);
}

static void a_session_is_told_at_once_and_what_comes_before_it_is_counted(void **state)
{
    (void)state;
    report_times(3, 5);
    login(3, 1, T0 + 5 * SECOND, false);
    report_at(3, 6, 50, 0, 0);
    struct journal_state s = state_of(3);
    assert_int_equal(s.sessions, 1);
    assert_in_range(s.messages, 5, 6);
    assert_true(s.followed);
    report_at(3, 7, 51, 0, 0);
    crash();
    expect_level(3, 51);
    assert_int_equal(device(3).online_latest, T0 / SECOND + 5);
}

static void a_new_definition_is_told_at_once_and_older_reports_are_read_by_theirs(void **state)
{
    (void)state;
    report_times(3, 5);
    struct product_row product = fake_product(1);
    product.definition = 2;
    fake_put_definition(reg, 1, 2, fake_definition_2);
    fake_put_product(reg, &product);
    crash(); /* before a report came under it */
    assert_int_equal(device(3).last_report, T0 / SECOND + 4);
    stop();
    assert_int_equal(state_of(3).definition, 1);
    assert_int_equal(state_of(3).decoded, 5);
}

static void after_a_clock_that_was_set_back_only_newer_numbers_are_read(void **state)
{
    (void)state;
    report_times(3, 5);
    report_at(3, -3600, 60, 0, 0);
    report_at(3, -3599, 61, 0, 0);
    assert_int_equal(state_of(3).messages, 6);
    crash();
    expect_level(3, 61);
    report_at(3, -3598, 62, 0, 0);
    assert_int_equal(message(7).number, 8);
}

/* Messages ahead of the clock may be all messages of a year. */
static void a_start_does_not_read_what_lies_ahead(void **state)
{
    (void)state;
    report_times(3, 5);
    report_times(4, 5);
    assert_int_equal(records()->followed_until_us, T0 + 4 * SECOND);
    report_at(3, -3600, 60, 0, 0); /* device 4 may be followed by messages ahead of the clock */
    assert_int_equal(records()->followed_until_us, T0 + 4 * SECOND);
    restart();
    report_at(3, -3599, 61, 0, 0);
    report_at(3, -3598, 62, 0, 0);
    assert_int_equal(records()->followed_until_us, T0 - 3598 * SECOND);
    crash();
    expect_level(3, 62);
}

static void what_comes_later_than_any_state_may_lag_is_not_read(void **state)
{
    (void)state;
    report_times(3, 5);
    fake_journal_records(j)->followed_until_us = T0 + 3 * SECOND;
    crash();
    expect_level(3, 13);
}

static void a_commit_that_fails_leaves_the_line_as_it_was(void **state)
{
    (void)state;
    report_times(3, 1);
    fake_journal_fail(j, MU_E_IO);
    report_at(3, 1, 50, 0, 0);
    assert_int_equal(sink.told[1].err, MU_E_IO);
    fake_journal_fail(j, MU_OK);
    do {
        login(3, 1, T0 + 2 * SECOND, false);
        report_at(3, 2, 51, 0, 0);
    } while (sink.told[sink.count - 1].err != MU_OK);
    report_at(3, 4, 52, 0, 0);
    crash();
    expect_level(3, 52);
}

static void a_device_that_is_deleted_while_it_lags_leaves_nothing(void **state)
{
    (void)state;
    report_times(3, 5);
    report_times(4, 5);
    fake_delete(reg, KIND_DEVICE, 3);
    assert_int_equal(committer_follow_registry(c), MU_OK);
    crash();
    expect_level(4, 14);
    stop();
    for (size_t i = 0; i < records()->states.count; i++)
        assert_int_not_equal(records()->states.at[i].device, 3);
}

static void the_first_report_of_a_day_counts_as_activity_once(void **state)
{
    (void)state;
    report_times(3, 3);
    report_at(3, 64800, 1, 0, 0); /* the next day in Shanghai */
    report_at(3, 64801, 1, 0, 0);
    assert_int_equal(records()->active.count, 2);
    crash(); /* the start folds these: both days are over */
    report_at(3, 64802, 1, 0, 0);
    assert_int_equal(records()->active.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(messages_after_the_second_are_not_counted_in_its_state_at_once),
        COMMITTER_TEST(a_device_that_reports_seldom_has_its_state_written_each_time),
        COMMITTER_TEST(a_start_reads_what_the_state_does_not_count),
        COMMITTER_TEST(a_start_writes_what_it_has_read),
        COMMITTER_TEST(a_state_that_nothing_followed_is_looked_at_once),
        COMMITTER_TEST(what_is_no_report_counts_and_tells_nothing),
        COMMITTER_TEST(faults_that_came_and_went_are_told_once),
        COMMITTER_TEST(a_fault_without_its_event_gets_one),
        COMMITTER_TEST(a_fault_without_its_message_ends),
        COMMITTER_TEST(a_session_is_told_at_once_and_what_comes_before_it_is_counted),
        COMMITTER_TEST(a_new_definition_is_told_at_once_and_older_reports_are_read_by_theirs),
        COMMITTER_TEST(after_a_clock_that_was_set_back_only_newer_numbers_are_read),
        COMMITTER_TEST(a_start_does_not_read_what_lies_ahead),
        COMMITTER_TEST(what_comes_later_than_any_state_may_lag_is_not_read),
        COMMITTER_TEST(a_commit_that_fails_leaves_the_line_as_it_was),
        COMMITTER_TEST(a_device_that_is_deleted_while_it_lags_leaves_nothing),
        COMMITTER_TEST(the_first_report_of_a_day_counts_as_activity_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
