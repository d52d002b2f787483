#include "base/unit_test.h"

#include <roaring/roaring.h>
#include <stdatomic.h>

#include "commit/committer_fixture.h"

/* Devices that are deleted: nothing of them stays, whatever crosses the deletion. */

static void delete_device(uint32_t no)
{
    fake_delete(reg, KIND_DEVICE, no);
    assert_int_equal(committer_follow_registry(c), MU_OK);
}

static void live(uint32_t no)
{
    struct journal_versions versions = { .text = { "1.0" } };
    size_t told = sink.count;

    login(no, 11, T0, false);
    report_state(no, T0, 1, 1, 1, 1);
    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .owner = no, .tag = ++next_tag, .device = no },
                       &versions);
    wait_told(&sink, told + 2);
}

static bool has_state(uint32_t no)
{
    for (size_t i = 0; i < records()->states.count; i++)
        if (records()->states.at[i].device == no)
            return true;
    return false;
}

static size_t kept_events(uint32_t no)
{
    size_t n = 0;

    for (size_t i = 0; i < records()->events.count; i++)
        n += records()->events.at[i].device == no && !records()->events.at[i].forgotten;
    return n;
}

static bool has_versions(uint32_t no)
{
    for (size_t i = 0; i < records()->versions.count; i++)
        if (records()->versions.at[i].device == no)
            return true;
    return false;
}

static void state_versions_and_events_of_a_deleted_device_go(void **state)
{
    (void)state;
    struct fleet_device d;

    live(3);
    live(4);
    delete_device(3);
    assert_false(fleet_device_by_no(f, 3, &d));
    stop();
    assert_false(has_state(3) || has_versions(3));
    assert_int_equal(kept_events(3), 0);
    assert_true(has_state(4) && has_versions(4));
    assert_int_equal(kept_events(4), 2);
}

static void a_device_goes_by_itself_while_nothing_else_happens(void **state)
{
    (void)state;
    live(3);
    size_t before = fake_journal_counts(j).commits;
    delete_device(3);
    while (fake_journal_counts(j).commits < before + 2) /* state and versions, then events */
        usleep(100);
}

static void what_a_crash_left_behind_goes_at_the_next_start(void **state)
{
    (void)state;
    live(3);
    live(4);
    stop();
    fleet_destroy(f);
    fake_delete(reg, KIND_DEVICE, 3); /* and nobody saw it */
    assert_int_equal(fleet_create(&f), MU_OK);
    start();
    stop();
    assert_false(has_state(3) || has_versions(3));
    assert_int_equal(kept_events(3), 0);
    assert_int_equal(kept_events(4), 2);
}

static void a_failed_sweep_is_tried_again(void **state)
{
    (void)state;
    live(3);
    fake_journal_fail(j, MU_E_IO);
    delete_device(3);
    while (fake_journal_counts(j).failures == 0)
        usleep(100);
    fake_journal_fail(j, MU_OK);
    settle();
    stop();
    assert_false(has_state(3));
    assert_int_equal(kept_events(3), 0);
}

static void what_comes_after_the_deletion_is_answered_and_leaves_nothing(void **state)
{
    (void)state;
    live(3);
    delete_device(3);
    size_t told = sink.count;
    report_state(3, T0 + 1, 0, 0, 0, 0);
    end(3, 11, T0 + 2, END_RESET);
    wait_told(&sink, told + 1);
    assert_int_equal(sink.told[told].err, MU_E_NOT_FOUND);
    stop();
    assert_false(has_state(3));
}

static _Atomic uint32_t refused;

static void on_refused(void *ctx, uint32_t device)
{
    (void)ctx;
    atomic_store(&refused, device);
}

static void the_session_of_a_deleted_device_is_ended_and_a_login_that_crosses_the_deletion_is_refused(void **state)
{
    (void)state;

    fleet_watch_disabled(f, on_refused, NULL);
    live(3);
    delete_device(3);
    assert_int_equal(atomic_exchange(&refused, 0), 3);
    delete_device(4);
    assert_int_equal(atomic_load(&refused), 0); /* it had no session */
    size_t told = sink.count;
    login_told(4, 12, T0);
    wait_told(&sink, told + 1);
    assert_int_equal(sink.told[told].err, MU_E_NOT_FOUND);
}

static void a_day_without_the_deleted_device_takes_the_place_of_the_day_with_it(void **state)
{
    (void)state;
    live(3);
    live(4);
    restart(); /* the start folds the day, which is long over */
    delete_device(3);
    restart();
    restart();
    const struct fake_active_set *set = &records()->active_sets.at[0];
    assert_int_equal(records()->active_sets.count, 1);
    roaring_bitmap_t *devices = roaring_bitmap_portable_deserialize_safe((const char *)set->bytes, set->len);
    assert_non_null(devices);
    assert_false(roaring_bitmap_contains(devices, 3));
    assert_true(roaring_bitmap_contains(devices, 4));
    roaring_bitmap_free(devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(state_versions_and_events_of_a_deleted_device_go),
        COMMITTER_TEST(a_device_goes_by_itself_while_nothing_else_happens),
        COMMITTER_TEST(what_a_crash_left_behind_goes_at_the_next_start),
        COMMITTER_TEST(a_failed_sweep_is_tried_again),
        COMMITTER_TEST(what_comes_after_the_deletion_is_answered_and_leaves_nothing),
        COMMITTER_TEST(the_session_of_a_deleted_device_is_ended_and_a_login_that_crosses_the_deletion_is_refused),
        COMMITTER_TEST(a_day_without_the_deleted_device_takes_the_place_of_the_day_with_it),
    };
    return cmocka_run_group_tests_name("committer_delete", tests, NULL, NULL);
}
