#include "base/unit_test.h"

#include "commit/committer_fixture.h"
#include "report/report.h"
#include "commit/retention.h"

/* The fixture's committer never drops or folds anything while it runs: a day ends between two of its starts. */

enum { KEEP = 400 };
static const int64_t DAY_US = 86400LL * 1000000;

static int32_t day_of(int64_t us)
{
    return calendar_day(calendar, us / 1000000);
}

static uint64_t active(int64_t us)
{
    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    struct report r;
    assert_int_equal(report_active(f, &filter, day_of(us), day_of(us), &r), MU_OK);
    uint64_t n = r.nodes[0].n[REPORT_COUNT];
    report_free(&r);
    return n;
}

static uint64_t alerts(void)
{
    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    struct report r;
    assert_int_equal(report_events(f, &filter, EVENT_ALERT, &r), MU_OK);
    uint64_t n = r.nodes[0].n[REPORT_TOTAL];
    report_free(&r);
    return n;
}

/* Runs retention as the committer would at that moment. The committer stands still meanwhile. */
static enum mu_err run_at(int64_t now_us)
{
    struct journal_batch *writes;
    assert_int_equal(journal_batch_create(&writes, j), MU_OK);
    struct retention r = {
        .fleet = f, .journal = j, .writes = writes, .today = day_of(now_us), .now_us = now_us, .keep_days = KEEP
    };
    enum mu_err err = retention_run(&r);
    journal_batch_destroy(writes);
    return err;
}

static void report_some(void)
{
    report_state(3, T0, 0, 0, 1, 0); /* stays open */
    report_state(4, T0, 0, 0, 1, 0);
    report_state(4, T0 + 1, 0, 0, 0, 0);
    report_state(5, T0 + DAY_US, 0, 0, 1, 0);
    report_state(5, T0 + 2 * DAY_US, 0, 0, 0, 0);
    wait_told(&sink, 5);
    stop();
}

static void a_finished_day_is_folded_once_and_stays_as_it_was(void **state)
{
    (void)state;
    report_some();
    assert_int_equal(records()->active.count, 4);
    assert_int_equal(run_at(T0), MU_OK); /* today is not finished */
    assert_int_equal(records()->active_sets.count, 0);

    size_t commits = fake_journal_counts(j).commits;
    assert_int_equal(run_at(T0 + 2 * DAY_US), MU_OK);
    assert_int_equal(records()->active_sets.count, 2);
    assert_int_equal(records()->active.count, 1);
    assert_int_equal(run_at(T0 + 2 * DAY_US), MU_OK);
    assert_int_equal(fake_journal_counts(j).commits, commits + 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(active(T0), 2);
        assert_int_equal(active(T0 + DAY_US), 1);
        assert_int_equal(active(T0 + 2 * DAY_US), 1);
        restart();
        stop();
    }
}

static void a_late_entry_is_folded_into_the_set(void **state)
{
    (void)state;
    report_some();
    assert_int_equal(run_at(T0 + DAY_US), MU_OK);
    assert_int_equal(records()->active_sets.count, 1);
    start();                         /* folds the other days, too */
    report_state(6, T0, 0, 0, 0, 0); /* from a clock set back */
    wait_told(&sink, 6);
    stop();
    assert_int_equal(active(T0), 3);
    assert_int_equal(records()->active.count, 1);
    assert_int_equal(run_at(T0 + DAY_US), MU_OK);
    assert_int_equal(records()->active.count, 0);
    assert_int_equal(records()->active_sets.count, 3);
    restart();
    assert_int_equal(active(T0), 3);
}

static void a_fold_that_is_not_committed_is_tried_again(void **state)
{
    (void)state;
    report_some();
    fake_journal_fail(j, MU_E_FULL);
    assert_int_equal(run_at(T0 + DAY_US), MU_E_FULL);
    assert_int_equal(active(T0), 2);
    fake_journal_fail(j, MU_OK);
    assert_int_equal(run_at(T0 + DAY_US), MU_OK);
    assert_int_equal(records()->active_sets.count, 1);
    assert_int_equal(active(T0), 2);
}

static void what_is_past_is_forgotten_but_not_what_is_still_open(void **state)
{
    (void)state;
    int64_t late = T0 + KEEP * DAY_US;

    report_some();
    assert_int_equal(run_at(late - DAY_US), MU_OK);
    assert_int_equal(active(T0), 2);
    assert_int_equal(alerts(), 3);

    assert_int_equal(run_at(late + 2), MU_OK);
    assert_int_equal(active(T0), 0);
    assert_int_equal(active(T0 + DAY_US), 1);
    assert_int_equal(alerts(), 2);
    assert_int_equal(run_at(late + DAY_US), MU_OK);
    assert_int_equal(active(T0 + DAY_US), 0);
    assert_int_equal(alerts(), 2); /* it ended a day later than it began */
    assert_int_equal(run_at(late + 3 * DAY_US), MU_OK);
    assert_int_equal(alerts(), 1);
    restart();
    assert_int_equal(active(T0), 0);
    assert_int_equal(alerts(), 1);
    report_state(3, T0 + 5, 0, 0, 0, 0);
    wait_told(&sink, 6);
    stop();
    assert_int_equal(run_at(late + 3 * DAY_US), MU_OK);
    assert_int_equal(alerts(), 0);
}

static enum mu_err count_control(void *ctx, const struct journal_control *control)
{
    (void)control;
    (*(unsigned *)ctx)++;
    return MU_OK;
}

static void controls_are_kept_as_long_as_activity(void **state)
{
    (void)state;
    unsigned kept = 0;

    for (int day = 0; day < 3; day++)
        committer_refused_control(c, &(struct journal_control){ .ts_us = T0 + day * DAY_US, .request = 1 });
    settle();
    stop();
    assert_int_equal(run_at(T0 + (KEEP + 1) * DAY_US), MU_OK);
    assert_int_equal(journal_controls(j, 0, 0, INT64_MAX, count_control, &kept), MU_OK);
    assert_int_equal(kept, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(a_finished_day_is_folded_once_and_stays_as_it_was),
        COMMITTER_TEST(a_late_entry_is_folded_into_the_set),
        COMMITTER_TEST(a_fold_that_is_not_committed_is_tried_again),
        COMMITTER_TEST(controls_are_kept_as_long_as_activity),
        COMMITTER_TEST(what_is_past_is_forgotten_but_not_what_is_still_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
