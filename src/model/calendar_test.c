#include "base/unit_test.h"

#include <stdlib.h>
#include <time.h>

#include "model/calendar.h"

/* Days of time zones: changes of summer time, days that a zone left out, and the ends of the table. */

static struct calendar *open_zone(const char *zone)
{
    struct calendar *cal;
    assert_int_equal(calendar_open(&cal, zone), MU_OK);
    return cal;
}

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute };
    return timegm(&tm);
}

static int32_t civil(int year, int month, int day)
{
    return (int32_t)(utc(year, month, day, 0, 0) / 86400);
}

static void a_day_ends_at_the_midnight_of_its_zone(void **state)
{
    (void)state;
    struct calendar *shanghai = open_zone("Asia/Shanghai"), *world = open_zone("UTC");
    static const int ends[][3] = { { 2024, 2, 29 }, { 2023, 2, 28 }, { 2023, 12, 31 }, { 2024, 4, 30 } };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        int32_t day = civil(ends[i][0], ends[i][1], ends[i][2]);
        int64_t end = utc(ends[i][0], ends[i][1], ends[i][2], 16, 0);
        assert_int_equal(calendar_day(shanghai, end - 1), day);
        assert_int_equal(calendar_day(shanghai, end), day + 1);
        assert_int_equal(calendar_day_start(shanghai, day + 1), end);
        assert_int_equal(calendar_day(world, end + 8 * 3600 - 1), day);
        assert_int_equal(calendar_day(world, end + 8 * 3600), day + 1);
        assert_int_equal(calendar_day_start(world, day + 1), end + 8 * 3600);
    }
    assert_int_equal(calendar_day(world, -1), -1);
    assert_int_equal(calendar_day(world, -86400), -1);
    assert_int_equal(calendar_day(shanghai, utc(2150, 1, 1, 15, 59)), civil(2150, 1, 1));
    assert_int_equal(calendar_day(shanghai, utc(2150, 1, 1, 16, 0)), civil(2150, 1, 2));
    calendar_free(shanghai);
    calendar_free(world);
}

static void days_of_summer_time_changes_have_23_and_25_hours(void **state)
{
    (void)state;
    struct calendar *cal = open_zone("America/New_York");
    static const int years[] = { 2007, 2024, 2099 };
    static const int spring[] = { 11, 10, 8 }, autumn[] = { 4, 3, 1 };

    for (size_t i = 0; i < 3; i++) {
        int32_t in = civil(years[i], 3, spring[i]), out = civil(years[i], 11, autumn[i]);
        assert_int_equal(calendar_day_start(cal, in), utc(years[i], 3, spring[i], 5, 0));
        assert_int_equal(calendar_day_start(cal, in + 1) - calendar_day_start(cal, in), 23 * 3600);
        assert_int_equal(calendar_day_start(cal, out), utc(years[i], 11, autumn[i], 4, 0));
        assert_int_equal(calendar_day_start(cal, out + 1) - calendar_day_start(cal, out), 25 * 3600);
    }
    calendar_free(cal);
}

static void a_day_without_a_midnight_starts_when_its_clock_does(void **state)
{
    (void)state;
    /* Brazil went from 2018-11-03 23:59:59 (-03) to 2018-11-04 01:00 (-02). */
    struct calendar *cal = open_zone("America/Sao_Paulo");
    int32_t day = civil(2018, 11, 4);
    assert_int_equal(calendar_day_start(cal, day), utc(2018, 11, 4, 3, 0));
    assert_int_equal(calendar_day(cal, utc(2018, 11, 4, 3, 0)), day);
    assert_int_equal(calendar_day(cal, utc(2018, 11, 4, 3, 0) - 1), day - 1);
    calendar_free(cal);

    /* Samoa left 2011-12-30 out. */
    cal = open_zone("Pacific/Apia");
    day = civil(2011, 12, 30);
    assert_int_equal(calendar_day_start(cal, day), utc(2011, 12, 30, 10, 0));
    assert_int_equal(calendar_day_start(cal, day + 1), utc(2011, 12, 30, 10, 0));
    assert_int_equal(calendar_day(cal, utc(2011, 12, 30, 10, 0)), day + 1);
    calendar_free(cal);
}

static void every_day_starts_at_its_first_second(void **state)
{
    (void)state;
    static const char *const zones[] = { "Asia/Shanghai",       "America/New_York",   "UTC",        "Asia/Kathmandu",
                                         "Australia/Lord_Howe", "Pacific/Kiritimati", "Asia/Beirut" };
    for (size_t z = 0; z < sizeof(zones) / sizeof(*zones); z++) {
        struct calendar *cal = open_zone(zones[z]);
        for (int32_t day = civil(1996, 1, 1); day < civil(2050, 1, 1); day++) {
            int64_t start = calendar_day_start(cal, day);
            assert_int_equal(calendar_day(cal, start), day);
            assert_int_equal(calendar_day(cal, start - 1), day - 1);
        }
        calendar_free(cal);
    }
}

static void the_table_agrees_with_the_c_library(void **state)
{
    (void)state;
    static const char *const zones[] = {
        "America/New_York",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
    };
    setenv("TZ", "Asia/Tokyo", 1);
    for (size_t z = 0; z < sizeof(zones) / sizeof(*zones); z++) {
        struct calendar *cal = open_zone(zones[z]);
        assert_string_equal(getenv("TZ"), "Asia/Tokyo");
        setenv("TZ", zones[z], 1);
        tzset();
        for (int64_t t = 0; t < utc(2100, 1, 1, 0, 0); t += 86400 * 3 + 3571) {
            time_t when = t;
            struct tm tm;
            localtime_r(&when, &tm);
            assert_int_equal(calendar_day(cal, t), civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
            assert_int_equal(calendar_local(cal, t), t + tm.tm_gmtoff);
        }
        setenv("TZ", "Asia/Tokyo", 1);
        calendar_free(cal);
    }
    unsetenv("TZ");
    tzset();
    calendar_free(open_zone("Asia/Shanghai"));
    assert_null(getenv("TZ"));
}

static void unknown_zones_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Mars/Olympus",
        "/usr/share/zoneinfo/Asia/Shanghai",
        "../zoneinfo/Asia/Shanghai",
        "Asia/../Asia/Shanghai",
        "Asia",
        "Asia/",
        "tzdata.zi",
        "zone.tab",
        "UTC0",
        ":Asia/Shanghai",
        "Asia/Shanghai\n",
        "<+08>-8",
    };
    struct calendar *cal;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(calendar_open(&cal, bad[i]), MU_E_NOT_FOUND);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_ends_at_the_midnight_of_its_zone),
        cmocka_unit_test(days_of_summer_time_changes_have_23_and_25_hours),
        cmocka_unit_test(a_day_without_a_midnight_starts_when_its_clock_does),
        cmocka_unit_test(every_day_starts_at_its_first_second),
        cmocka_unit_test(the_table_agrees_with_the_c_library),
        cmocka_unit_test(unknown_zones_are_refused),
    };
    return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
