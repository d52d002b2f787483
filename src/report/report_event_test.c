#include "base/unit_test.h"

#include "commit/committer_fixture.h"
#include "report/report.h"

/* Events of faults and alerts: when a report opens and ends one, and how they are counted. */

static uint64_t count(enum fleet_event_kind kind, unsigned counter)
{
    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    struct report r;
    assert_int_equal(report_events(f, &filter, kind, &r), MU_OK);
    uint64_t n = r.nodes[0].n[counter];
    report_free(&r);
    return n;
}

static void expect_events(enum fleet_event_kind kind, uint64_t total, uint64_t unresolved)
{
    assert_int_equal(count(kind, REPORT_TOTAL), total);
    assert_int_equal(count(kind, REPORT_UNRESOLVED), unresolved);
    assert_int_equal(count(kind, REPORT_RESOLVED), total - unresolved);
}

static const struct fake_event *event(size_t i)
{
    assert_in_range(i, 0, records()->events.count - 1);
    return &records()->events.at[i];
}

static void a_first_report_that_carries_a_1_opens_an_event(void **state)
{
    (void)state;
    report_state(3, T0, 0, 0, 0, 1);
    wait_told(&sink, 1);
    expect_events(EVENT_FAULT, 1, 1);
    expect_events(EVENT_ALERT, 0, 0);
    stop();
    assert_int_equal(records()->events.count, 1);
    assert_int_equal(event(0)->device, 3);
    assert_int_equal(event(0)->e.opened_us, T0);
    assert_int_equal(event(0)->e.resolved_us, 0);
    assert_int_equal(event(0)->e.definition, 1);
    assert_memory_equal(event(0)->name, "Fault_Broken", event(0)->e.name.len);
}

static void a_point_that_stays_1_is_one_event_until_it_is_0(void **state)
{
    (void)state;
    report_state(3, T0, 0, 0, 1, 0);
    report_state(3, T0 + 10, 0, 7, 1, 0);
    wait_told(&sink, 2);
    report_state(3, T0 + 20, 0, 8, 1, 0);
    wait_told(&sink, 3);
    expect_events(EVENT_ALERT, 1, 1);
    report_state(3, T0 + 30, 0, 8, 0, 0);
    wait_told(&sink, 4);
    expect_events(EVENT_ALERT, 1, 0);
    stop();
    assert_int_equal(records()->events.count, 1);
    assert_int_equal(event(0)->e.opened_us, T0);
    assert_int_equal(event(0)->e.resolved_us, T0 + 30);
}

static void an_event_that_a_clock_ahead_has_opened_is_not_resolved_before_that(void **state)
{
    static const int64_t ahead = T0 + INT64_C(86400) * 1000000;

    (void)state;
    report_state(3, ahead, 0, 0, 1, 0);
    wait_told(&sink, 1);
    report(3, T0 + 10, "\0\0\0\3\7\0\0\x91\4\1\7\0", 12); /* not decoded: it changes no event */
    wait_told(&sink, 2);
    expect_events(EVENT_ALERT, 1, 1);
    report_state(3, T0 + 20, 0, 0, 0, 0);
    wait_told(&sink, 3);
    expect_events(EVENT_ALERT, 1, 0);
    stop();
    assert_int_equal(records()->events.count, 1);
    assert_int_equal(event(0)->e.opened_us, ahead);
    assert_int_equal(event(0)->e.resolved_us, ahead);
}

/* Reports that come during a held commit go into one batch. */
static void events_that_open_and_end_within_one_batch_are_all_kept(void **state)
{
    (void)state;
    fake_journal_hold(j);
    report_state(1, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    for (int i = 0; i < 5; i++)
        report_state(3, T0 + i, 0, 0, i % 2 == 0, 0);
    report_state(4, T0, 0, 0, 1, 0);
    report_state(4, T0 + 1, 0, 0, 0, 0);
    fake_journal_release(j);
    wait_told(&sink, 8);
    expect_events(EVENT_ALERT, 4, 1);
    restart();
    expect_events(EVENT_ALERT, 4, 1);
    report_state(3, T0 + 9, 0, 0, 0, 0);
    wait_told(&sink, 9);
    expect_events(EVENT_ALERT, 4, 0);
}

static void a_report_that_is_not_kept_opens_nothing(void **state)
{
    (void)state;
    fake_journal_fail(j, MU_E_IO);
    report_state(3, T0, 0, 0, 1, 1);
    wait_told(&sink, 1);
    fake_journal_fail(j, MU_OK);
    while (sink.told[sink.count - 1].err != MU_OK) {
        size_t told = sink.count;
        report_state(4, T0, 0, 0, 0, 0);
        wait_told(&sink, told + 1);
    }
    expect_events(EVENT_ALERT, 0, 0);
    size_t told = sink.count;
    report_state(3, T0 + 1, 0, 0, 1, 0);
    wait_told(&sink, told + 1);
    expect_events(EVENT_ALERT, 1, 1);
    expect_events(EVENT_FAULT, 0, 0);
}

static const char without_fault[] =
    "{\"name\":\"fake\",\"entities\":[{\"id\":0,\"display_name\":\"\",\"name\":\"entity0\",\"attrs\":["
    "{\"id\":0,\"name\":\"Alert_Hot\",\"display_name\":\"\",\"type\":\"alert\",\"data_type\":\"bool\","
    "\"position\":{\"byte_offset\":0,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}}]}],"
    "\"protocolType\":\"standard\",\"product_key\":\"0\",\"packetVersion\":\"0x00000004\"}";

static void an_event_outlives_its_definition_and_ends_when_its_point_is_gone(void **state)
{
    (void)state;
    struct product_row product = fake_product(1);
    const uint8_t hot[] = { 0, 0, 0, 3, 5, 0, 0, 0x91, 4, 1 };

    report_state(3, T0, 0, 0, 1, 1);
    report_state(4, T0, 0, 0, 0, 1);
    wait_told(&sink, 2);
    fake_put_definition(reg, 1, 2, without_fault);
    product.definition = 2;
    fake_put_product(reg, &product);
    assert_int_equal(committer_follow_registry(c), MU_OK);
    expect_events(EVENT_FAULT, 2, 2); /* nobody has reported under it yet */
    report(3, T0 + 10, hot, sizeof(hot));
    wait_told(&sink, 3);
    expect_events(EVENT_FAULT, 2, 1);
    expect_events(EVENT_ALERT, 1, 1); /* the same one */
    restart();
    expect_events(EVENT_FAULT, 2, 1);
    expect_events(EVENT_ALERT, 1, 1);

    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    struct report r;
    assert_int_equal(report_events(f, &filter, EVENT_FAULT, &r), MU_OK);
    assert_int_equal(r.nodes[0].point_count, 1);
    assert_true(str_eq(r.nodes[0].points[0].name, STR("Fault_Broken")));
    report_free(&r);
}

static void a_deleted_devices_events_are_gone(void **state)
{
    (void)state;
    report_state(3, T0, 0, 0, 1, 1);
    report_state(4, T0, 0, 0, 1, 0);
    wait_told(&sink, 2);
    fake_delete(reg, KIND_DEVICE, 3);
    assert_int_equal(committer_follow_registry(c), MU_OK);
    expect_events(EVENT_ALERT, 1, 1);
    expect_events(EVENT_FAULT, 0, 0);
    restart();
    expect_events(EVENT_ALERT, 1, 1);
    expect_events(EVENT_FAULT, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(a_first_report_that_carries_a_1_opens_an_event),
        COMMITTER_TEST(a_point_that_stays_1_is_one_event_until_it_is_0),
        COMMITTER_TEST(an_event_that_a_clock_ahead_has_opened_is_not_resolved_before_that),
        COMMITTER_TEST(events_that_open_and_end_within_one_batch_are_all_kept),
        COMMITTER_TEST(a_report_that_is_not_kept_opens_nothing),
        COMMITTER_TEST(an_event_outlives_its_definition_and_ends_when_its_point_is_gone),
        COMMITTER_TEST(a_deleted_devices_events_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
