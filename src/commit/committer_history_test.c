#include "base/unit_test.h"

#include <string.h>

#include "commit/committer_fixture.h"

/* What the operator tells of a device's past, together with what the device does itself. */

static void tell(uint32_t device, const struct commit_history *h, const int32_t *days, size_t count)
{
    size_t before = sink.count;

    committer_history(c,
                      &(struct commit_item){ .sink = &sink.sink, .owner = device, .tag = ++next_tag, .device = device },
                      h, days, count);
    wait_told(&sink, before + 1);
}

static void the_past_is_kept_and_shown(void **state)
{
    (void)state;
    const int32_t days[] = { 17000, 17001, 17003 };
    struct commit_history h = { .activated_at = 1000, .online_latest = 2000, .last_report = 1500 };
    int32_t found[10];

    strcpy(h.versions.text[VERSION_WIFI_SOFT], "1.0");
    tell(2, &h, days, 3);
    restart();
    struct fleet_device d = device(2);
    assert_int_equal(d.activated_at, 1000);
    assert_int_equal(d.online_latest, 2000);
    assert_int_equal(d.last_report, 1500);
    assert_string_equal(d.versions.text[VERSION_WIFI_SOFT], "1.0");
    assert_false(d.is_online);
    assert_int_equal(fleet_active_days(f, 2, found, 10), 3);
    assert_memory_equal(found, days, sizeof(days));
    assert_int_equal(fleet_active_days(f, 2, found, 2), 2);
    assert_int_equal(fleet_active_days(f, 3, found, 10), 0);
}

static void what_the_device_shows_is_not_taken_back(void **state)
{
    (void)state;
    struct commit_history late = { .activated_at = T0 / 1000000 + 500, .online_latest = 5, .last_report = 5 };
    struct journal_versions own = { 0 };

    login(2, 1, T0, false);
    report_state(2, T0 + 1000000, 0, 0, 0, 0);
    strcpy(own.text[VERSION_WIFI_SOFT], "2.0");
    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .owner = 2, .tag = ++next_tag, .device = 2 },
                       &own);
    settle();
    strcpy(late.versions.text[VERSION_WIFI_SOFT], "1.0");
    strcpy(late.versions.text[VERSION_MCU_SOFT], "7");
    tell(2, &late, NULL, 0);
    struct fleet_device d = device(2);
    assert_int_equal(d.activated_at, T0 / 1000000);
    assert_int_equal(d.online_latest, T0 / 1000000);
    assert_int_equal(d.last_report, T0 / 1000000 + 1);
    assert_string_equal(d.versions.text[VERSION_WIFI_SOFT], "2.0");
    assert_string_equal(d.versions.text[VERSION_MCU_SOFT], "7");
    assert_true(d.is_online);
    tell(2, &(struct commit_history){ .activated_at = 1000 }, NULL, 0);
    assert_int_equal(device(2).activated_at, 1000);
}

static void the_same_again_writes_nothing(void **state)
{
    (void)state;
    const int32_t days[] = { 17000, 17001 };
    const struct commit_history h = { .activated_at = 1000, .online_latest = 2000, .last_report = 1500 };

    tell(2, &h, days, 2);
    size_t active = records()->active.count, states = records()->states.count;
    tell(2, &h, days, 2);
    assert_int_equal(records()->active.count, active);
    assert_int_equal(records()->states.count, states);
}

static void a_report_on_a_day_that_was_told_finds_it_noted(void **state)
{
    (void)state;
    const int32_t today = calendar_day(calendar, T0 / 1000000);

    tell(2, &(struct commit_history){ 0 }, &today, 1);
    size_t active = records()->active.count, told = sink.count;
    report_state(2, T0, 0, 0, 0, 0);
    wait_told(&sink, told + 1);
    assert_int_equal(records()->active.count, active);
}

static void a_device_that_is_gone_is_told_so(void **state)
{
    (void)state;
    tell(FIXTURE_DEVICES + 7, &(struct commit_history){ .activated_at = 1 }, NULL, 0);
    assert_int_equal(sink.told[sink.count - 1].err, MU_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(the_past_is_kept_and_shown),
        COMMITTER_TEST(what_the_device_shows_is_not_taken_back),
        COMMITTER_TEST(the_same_again_writes_nothing),
        COMMITTER_TEST(a_report_on_a_day_that_was_told_finds_it_noted),
        COMMITTER_TEST(a_device_that_is_gone_is_told_so),
    };
    return cmocka_run_group_tests_name("committer_history", tests, NULL, NULL);
}
