#include "api/api_fixture.h"

#include <time.h>

#include "api/report_period.h"

/* Days, weeks and months of reports, compared with the C library, and the ranges that callers ask for. */

/* The day number of a date, computed by the C library. */
static int32_t day_of(int year, int month, int day)
{
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };

    return (int32_t)(timegm(&tm) / 86400 - (timegm(&tm) % 86400 < 0));
}

static int32_t parsed(enum cycle cycle, const char *text)
{
    int32_t period;

    if (!period_parse(cycle, str_of(text), &period))
        fail_msg("%s is refused", text);
    return period;
}

static void assert_days(enum cycle cycle, const char *text, int32_t first, int32_t last)
{
    int32_t period = parsed(cycle, text);

    assert_int_equal(period_first_day(cycle, period), first);
    assert_int_equal(period_last_day(cycle, period), last);
}

/* --- days, weeks, months --------------------------------------------------------------------------*/
static void a_month_ends_on_its_last_day(void **state)
{
    (void)state;
    assert_days(CYCLE_MONTH, "2017-12", day_of(2017, 12, 1), day_of(2017, 12, 31));
    assert_days(CYCLE_MONTH, "2016-02", day_of(2016, 2, 1), day_of(2016, 2, 29));
    assert_days(CYCLE_MONTH, "2017-02", day_of(2017, 2, 1), day_of(2017, 2, 28));
    assert_days(CYCLE_MONTH, "2000-02", day_of(2000, 2, 1), day_of(2000, 2, 29));
    assert_days(CYCLE_MONTH, "2100-02", day_of(2100, 2, 1), day_of(2100, 2, 28));
    assert_days(CYCLE_MONTH, "1969-12", -31, -1);
}

static void a_week_runs_from_monday_to_sunday(void **state)
{
    (void)state;
    assert_days(CYCLE_WEEK, "2016-51", day_of(2016, 12, 19), day_of(2016, 12, 25));
}

static void the_weeks_around_new_year_belong_to_the_year_of_their_thursday(void **state)
{
    (void)state;
    assert_days(CYCLE_WEEK, "2015-01", day_of(2014, 12, 29), day_of(2015, 1, 4));
    assert_days(CYCLE_WEEK, "2015-53", day_of(2015, 12, 28), day_of(2016, 1, 3));
    assert_days(CYCLE_WEEK, "2016-01", day_of(2016, 1, 4), day_of(2016, 1, 10));
    assert_days(CYCLE_WEEK, "2020-53", day_of(2020, 12, 28), day_of(2021, 1, 3));
    assert_days(CYCLE_WEEK, "2026-01", day_of(2025, 12, 29), day_of(2026, 1, 4));
}

static void a_date_is_its_day(void **state)
{
    (void)state;
    assert_days(CYCLE_DATE, "1970-01-01", 0, 0);
    assert_days(CYCLE_DATE, "2016-02-29", day_of(2016, 2, 29), day_of(2016, 2, 29));
    assert_days(CYCLE_DATE, "0001-01-01", -719162, -719162);
}

/* From 1895 to 2105: compares every day with strftime. */
static void every_day_is_in_the_periods_that_the_c_library_says(void **state)
{
    (void)state;
    static const char *const formats[] = { "%Y-%m-%d", "%G-%V", "%Y-%m" };

    for (int32_t day = -27400; day < 49400; day++) {
        time_t t = (time_t)day * 86400;
        struct tm tm;
        gmtime_r(&t, &tm);
        for (int cycle = CYCLE_DATE; cycle <= CYCLE_MONTH; cycle++) {
            char expected[PERIOD_TEXT_MAX], text[PERIOD_TEXT_MAX];
            int32_t period = period_of_day((enum cycle)cycle, day);
            strftime(expected, sizeof(expected), formats[cycle], &tm);
            period_text((enum cycle)cycle, period, text);
            assert_string_equal(text, expected);
            assert_int_equal(parsed((enum cycle)cycle, text), period);
            assert_in_range(day - period_first_day((enum cycle)cycle, period), 0, 30);
            assert_in_range(period_last_day((enum cycle)cycle, period) - day, 0, 30);
        }
    }
}

static void what_is_no_period_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][3] = {
        [CYCLE_DATE] = { "2017-02-29", "2016-13-01", "2016-04-31" },
        [CYCLE_WEEK] = { "2016-00", "2016-53", "2015-54" },
        [CYCLE_MONTH] = { "2016-00", "2016-13", "2016-1" },
    };
    static const char *const never[] = {
        "",           "2016",       "2016-",    "-",           "0000-01",  "0000-01-01",       "2016-1-1",
        "2016-08-1",  "2016/08/01", "20160801", "2016-08-01 ", " 2016-08", "2016-08-01T00:00", "+016-08",
        "2016--8",    "2016-+8",    "2016-0x",  "2016-W51",    "12016-08", "２０１６-08",      "2016-08-00",
        "2016-08-32",
    };
    int32_t period;

    for (int cycle = CYCLE_DATE; cycle <= CYCLE_MONTH; cycle++) {
        for (size_t i = 0; i < 3; i++)
            assert_false(period_parse((enum cycle)cycle, str_of(bad[cycle][i]), &period));
        for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
            assert_false(period_parse((enum cycle)cycle, str_of(never[i]), &period));
    }
    assert_false(period_parse(CYCLE_DATE, STR("2016-08"), &period));
    assert_false(period_parse(CYCLE_WEEK, STR("2016-08-01"), &period));
    assert_false(period_parse(CYCLE_MONTH, STR("2016-08-01"), &period));
}

static void a_moment_is_written_as_the_clock_shows_it(void **state)
{
    (void)state;
    char text[LOCAL_TEXT_MAX];

    period_local_text(1512641565, text);
    assert_string_equal(text, "2017-12-07 10:12:45");
    period_local_text(-1, text);
    assert_string_equal(text, "1969-12-31 23:59:59");
    period_local_text(0, text);
    assert_string_equal(text, "1970-01-01 00:00:00");
}

/* --- ranges ---------------------------------------------------------------------------------------*/
static const char *read_range(enum cycle cycle, const char *start, const char *end)
{
    struct period_range range;

    const char *why = period_range_read(cycle, str_of(start), str_of(end), &range);
    return why ? why : period_range_too_long(cycle, &range);
}

static void a_range_has_both_its_ends(void **state)
{
    (void)state;
    struct period_range range;

    assert_null(period_range_read(CYCLE_WEEK, STR("2015-52"), STR("2016-02"), &range));
    assert_int_equal(range.last - range.first + 1, 4);
    assert_int_equal(period_first_day(CYCLE_WEEK, range.first), day_of(2015, 12, 21));
    assert_null(period_range_read(CYCLE_DATE, STR("2016-02-29"), STR("2016-02-29"), &range));
    assert_int_equal(range.first, range.last);
}

static void a_range_has_a_longest_length_that_is_allowed(void **state)
{
    (void)state;
    assert_null(read_range(CYCLE_DATE, "2016-02-10", "2016-03-10"));
    assert_string_equal(read_range(CYCLE_DATE, "2016-02-09", "2016-03-10"), "start, end: more than 30 days");
    assert_null(read_range(CYCLE_WEEK, "2015-01", "2015-53"));
    assert_string_equal(read_range(CYCLE_WEEK, "2015-01", "2016-01"), "start, end: more than 53 weeks");
    assert_null(read_range(CYCLE_MONTH, "2016-04", "2017-03"));
    assert_string_equal(read_range(CYCLE_MONTH, "2016-04", "2017-04"), "start, end: more than 12 months");
    assert_non_null(read_range(CYCLE_DATE, "0001-01-01", "9999-12-31"));
}

static void a_range_begins_before_it_ends(void **state)
{
    (void)state;
    assert_string_equal(read_range(CYCLE_DATE, "2016-03-11", "2016-03-10"), "start: after end");
    assert_string_equal(read_range(CYCLE_WEEK, "2016-01", "2015-53"), "start: after end");
    assert_string_equal(read_range(CYCLE_MONTH, "2016-01", "2015-12"), "start: after end");
}

static void a_range_names_the_end_that_is_wrong(void **state)
{
    (void)state;
    assert_string_equal(read_range(CYCLE_DATE, "2016-12", "x"), "start: not a date such as 2016-08-01");
    assert_string_equal(read_range(CYCLE_WEEK, "2016-12", "x"), "end: not a week such as 2016-51");
    assert_string_equal(read_range(CYCLE_MONTH, "2016-12", ""), "end: not a month such as 2016-12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_ends_on_its_last_day),
        cmocka_unit_test(a_week_runs_from_monday_to_sunday),
        cmocka_unit_test(the_weeks_around_new_year_belong_to_the_year_of_their_thursday),
        cmocka_unit_test(a_date_is_its_day),
        cmocka_unit_test(every_day_is_in_the_periods_that_the_c_library_says),
        cmocka_unit_test(what_is_no_period_is_refused),
        cmocka_unit_test(a_moment_is_written_as_the_clock_shows_it),
        cmocka_unit_test(a_range_has_both_its_ends),
        cmocka_unit_test(a_range_has_a_longest_length_that_is_allowed),
        cmocka_unit_test(a_range_begins_before_it_ends),
        cmocka_unit_test(a_range_names_the_end_that_is_wrong),
    };
    return cmocka_run_group_tests_name("report_period", tests, NULL, NULL);
}
