#include "api/api_fixture.h"
#include "api/window.h"

/* The window of a device's logs: defaults, limits, and the edges at now and at seven days. */

enum { NOW = 1517384124, DAY = 86400, NONE = -1 };

static int64_t from_us, to_us;

static const char *resolve(int64_t start_s, int64_t end_s)
{
    return window_resolve(start_s, end_s, NOW, &from_us, &to_us);
}

/* Asserts that the window goes from one second to another and includes the whole last second. */
static void assert_window(int64_t start_s, int64_t end_s)
{
    assert_int_equal(from_us, start_s * 1000000);
    assert_int_equal(to_us, end_s * 1000000 + 999999);
}

/* Asserts that the window goes from that second to the newest record. */
static void assert_window_to_now(int64_t start_s)
{
    assert_int_equal(from_us, start_s * 1000000);
    assert_int_equal(to_us, (NOW + 60) * INT64_C(1000000) + 999999); /* base/clock.h */
}

static void by_default_it_is_the_last_two_days(void **state)
{
    (void)state;
    assert_null(resolve(NONE, NONE));
    assert_window_to_now(NOW - 2 * DAY);
}

static void one_end_alone_is_two_days_from_the_other(void **state)
{
    (void)state;
    assert_null(resolve(NOW - 5 * DAY, NONE));
    assert_window(NOW - 5 * DAY, NOW - 3 * DAY);
    assert_null(resolve(NONE, NOW - 3 * DAY));
    assert_window(NOW - 5 * DAY, NOW - 3 * DAY);
}

static void an_end_in_the_future_is_cut_to_now(void **state)
{
    (void)state;
    assert_null(resolve(NOW - DAY, NONE));
    assert_window_to_now(NOW - DAY);
    assert_null(resolve(NOW - 2 * DAY, NOW + 100 * DAY));
    assert_window_to_now(NOW - 2 * DAY);
    assert_null(resolve(NONE, NOW + 5 * DAY));
    assert_window_to_now(NOW - 2 * DAY);
}

static void two_days_are_the_most(void **state)
{
    (void)state;
    assert_null(resolve(NOW - 4 * DAY, NOW - 2 * DAY));
    assert_window(NOW - 4 * DAY, NOW - 2 * DAY);
    assert_non_null(resolve(NOW - 4 * DAY, NOW - 2 * DAY + 1));
}

static void seven_days_are_the_farthest_with_a_minute_of_grace(void **state)
{
    (void)state;
    assert_null(resolve(NOW - 7 * DAY - 60, NOW - 6 * DAY));
    assert_window(NOW - 7 * DAY - 60, NOW - 6 * DAY);
    assert_non_null(resolve(NOW - 7 * DAY - 61, NOW - 6 * DAY));
    assert_non_null(resolve(0, NONE));
    assert_non_null(resolve(0, 0));
}

static void an_end_alone_has_its_start_cut_at_seven_days(void **state)
{
    (void)state;
    assert_null(resolve(NONE, NOW - 5 * DAY - 1));
    assert_window(NOW - 7 * DAY, NOW - 5 * DAY - 1);
    assert_null(resolve(NONE, NOW - 6 * DAY));
    assert_window(NOW - 7 * DAY, NOW - 6 * DAY);
    assert_null(resolve(NONE, NOW - 7 * DAY));
    assert_window(NOW - 7 * DAY, NOW - 7 * DAY);
    assert_null(resolve(NONE, NOW - 7 * DAY - 60));
    assert_window(NOW - 7 * DAY - 60, NOW - 7 * DAY - 60);
    assert_non_null(resolve(NONE, NOW - 7 * DAY - 61));
    assert_non_null(resolve(NONE, 0));
}

static void a_window_runs_forwards_and_begins_before_now(void **state)
{
    (void)state;
    assert_null(resolve(NOW, NOW));
    assert_window_to_now(NOW);
    assert_non_null(resolve(NOW - 10, NOW - 11));
    assert_non_null(resolve(NOW + 1, NONE));
    assert_non_null(resolve(NOW + 1, NOW + 2));
    assert_non_null(resolve(INT64_MAX, INT64_MAX));
    assert_non_null(resolve(INT64_MAX, NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_it_is_the_last_two_days),
        cmocka_unit_test(one_end_alone_is_two_days_from_the_other),
        cmocka_unit_test(an_end_in_the_future_is_cut_to_now),
        cmocka_unit_test(two_days_are_the_most),
        cmocka_unit_test(seven_days_are_the_farthest_with_a_minute_of_grace),
        cmocka_unit_test(an_end_alone_has_its_start_cut_at_seven_days),
        cmocka_unit_test(a_window_runs_forwards_and_begins_before_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
