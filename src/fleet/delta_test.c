#include "base/unit_test.h"

#include <string.h>

#include "fleet/delta.h"
#include "registry/fake_registry.h"

/* The deltas of other nodes: their layout, and what the index makes of them. */

enum { THEIRS = 7, DAY = 19000 };
static const int64_t NOW_US = 1700000000000000;

static struct fleet *f;
static struct registry *reg;

static int setup(void **state)
{
    uint64_t seq = 0;

    (void)state;
    reg = fake_registry_new();
    assert_int_equal(fleet_create(&f), MU_OK);
    struct product_row product = fake_product(1);
    fake_put_product(reg, &product);
    for (uint32_t no = 1; no <= 3; no++) {
        struct device_row device = fake_device(no, 1);
        fake_put_device(reg, &device);
    }
    struct registry_visitor v = fleet_registry_visitor(f);
    return registry_visit_changes(reg, &v, &seq) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fleet_destroy(f);
    fake_registry_free(reg);
    return 0;
}

static struct delta_entry login(uint32_t device, uint64_t sessions, uint64_t boot)
{
    return (struct delta_entry){
        .device = device,
        .parts = DELTA_SESSION,
        .online = true,
        .progress = { .sessions = sessions,
                      .session_boot = boot,
                      .last_session_us = NOW_US,
                      .online_latest = NOW_US / 1000000,
                      .activated_at = NOW_US / 1000000 },
    };
}

static void apply(const struct delta_entry *e)
{
    fleet_apply_begin(f);
    fleet_apply_delta(f, e);
    fleet_apply_end(f);
}

static struct fleet_device device(uint32_t no)
{
    struct fleet_device d;
    assert_true(fleet_device_by_no(f, no, &d));
    return d;
}

/* Not as bytes: between its numbers is room that means nothing. */
static void assert_same_progress(const struct fleet_progress *a, const struct fleet_progress *b)
{
    assert_true(a->messages == b->messages && a->sessions == b->sessions);
    assert_true(a->last_ts_us == b->last_ts_us && a->last_session_us == b->last_session_us);
    assert_true(a->activated_at == b->activated_at && a->online_latest == b->online_latest);
    assert_true(a->last_report == b->last_report && a->active_day == b->active_day);
    assert_true(a->session_boot == b->session_boot && a->numbers_reports == b->numbers_reports);
}

static void an_entry_is_read_as_it_was_written(void **state)
{
    struct delta_head head = { .moment_us = NOW_US, .registry = 12345678901 }, read_head;
    struct delta_entry all = login(4000000000, 70000, THEIRS), plain = { .device = 1 }, read;
    struct buf b;

    (void)state;
    all.parts = DELTA_REPORT | DELTA_SESSION | DELTA_DAY | DELTA_VERSIONS | DELTA_EVENTS;
    all.faulty = all.alert = all.progress.numbers_reports = true;
    all.progress.messages = UINT64_C(1) << 35;
    all.progress.last_ts_us = NOW_US - 5;
    all.progress.last_report = NOW_US / 1000000 - 1000;
    all.progress.active_day = -3;
    buf_init(&b, 4096);
    delta_put_head(&b, &head);
    delta_put(&b, &head, &all);
    delta_put(&b, &head, &plain);
    struct bytes in = bytes_of(b.data, b.len);
    assert_int_equal(delta_get_head(&in, &read_head), MU_OK);
    assert_memory_equal(&read_head, &head, sizeof(head));
    assert_true(delta_get(&in, &head, &read));
    assert_same_progress(&read.progress, &all.progress);
    assert_true(read.device == all.device && read.parts == all.parts && read.online && read.faulty && read.alert);
    assert_true(delta_get(&in, &head, &read));
    assert_true(read.device == 1 && !read.parts && !read.online);
    assert_false(delta_get(&in, &head, &read));
    assert_false(in.bad);

    /* cut anywhere, it is either bad or ends between two entries */
    for (size_t len = 0; len < b.len; len++) {
        size_t entries = 0;
        in = bytes_of(b.data, len);
        if (delta_get_head(&in, &read_head) == MU_OK)
            while (delta_get(&in, &read_head, &read))
                entries++;
        assert_true(in.bad || entries <= 1);
    }
    buf_free(&b);
}

static void a_report_of_a_busy_device_takes_a_dozen_bytes(void **state)
{
    struct delta_head head = { .moment_us = NOW_US };
    struct delta_entry e = { .device = 900000, .parts = DELTA_REPORT, .online = true };
    struct buf b;

    (void)state;
    e.progress = (struct fleet_progress){
        .messages = 100000, .sessions = 20, .last_ts_us = NOW_US - 3000, .last_report = (NOW_US - 3000) / 1000000
    };
    buf_init(&b, 4096);
    delta_put(&b, &head, &e);
    assert_in_range(b.len, 1, 13);
    buf_free(&b);
}

static void a_login_elsewhere_is_online_until_its_end_or_the_end_of_its_node(void **state)
{
    struct delta_entry in = login(1, 1, THEIRS), second = login(2, 1, THEIRS), out = in;
    struct fleet_counts counts;

    (void)state;
    apply(&in);
    apply(&second);
    assert_true(device(1).is_online && device(1).open_boot == THEIRS && device(1).activated_at == NOW_US / 1000000);
    fleet_count(f, &counts);
    assert_int_equal(counts.online, 2);
    out.online = false;
    out.progress.session_boot = 0;
    out.progress.sessions = 2;
    apply(&out);
    assert_true(!device(1).is_online && !device(1).open_boot);
    fleet_boot_is_over(f, THEIRS + 1);
    assert_true(device(2).is_online);
    fleet_boot_is_over(f, THEIRS);
    assert_true(!device(2).is_online && device(2).open_boot == THEIRS);
    fleet_boot_lives(f, THEIRS);
    assert_true(device(2).is_online);
    assert_false(device(1).is_online);
}

static void an_older_entry_changes_nothing_and_the_same_one_may_come_twice(void **state)
{
    struct delta_entry e = { .device = 1, .parts = DELTA_REPORT, .faulty = true }, old = e;

    (void)state;
    e.progress = (struct fleet_progress){ .messages = 9, .last_ts_us = NOW_US, .last_report = NOW_US / 1000000 };
    old.faulty = false;
    old.progress.messages = 8;
    apply(&e);
    apply(&old);
    apply(&e);
    assert_true(device(1).is_faulty);
    assert_int_equal(device(1).last_message_us, NOW_US);
}

static void what_this_node_holds_is_not_changed_by_others_but_by_what_they_heard_of_its_past(void **state)
{
    struct fleet_change mine = { .no = 1,
                                 .progress = { .sessions = 5,
                                               .session = (uint64_t)NOW_US,
                                               .session_boot = THEIRS,
                                               .activated_at = 1000,
                                               .online_latest = 2000,
                                               .last_report = 3000 } };
    struct delta_entry other = login(1, 6, THEIRS + 1), past = { .device = 1 };

    (void)state;
    fleet_apply_begin(f);
    fleet_apply(f, &mine);
    fleet_apply_end(f);
    apply(&other);
    assert_int_equal(device(1).open_boot, THEIRS);
    past.parts = DELTA_MERGE | DELTA_SESSION | DELTA_REPORT | DELTA_DAY;
    past.progress = (struct fleet_progress){
        .activated_at = 500, .online_latest = 1500, .last_ts_us = 0, .last_report = 4000, .active_day = DAY
    };
    apply(&past);
    struct fleet_device d = device(1);
    assert_true(d.is_online && d.activated_at == 500 && d.online_latest == 2000 && d.last_report == 4000);
    assert_true(fleet_was_active(f, DAY, 1));
    past.progress.activated_at = 600;
    past.progress.last_report = 3999;
    apply(&past);
    assert_true(device(1).activated_at == 500 && device(1).last_report == 4000);
}

/* A start reads on from a state that lags: then it knows messages of a session that it does not know. */
static void a_later_session_counts_before_messages_that_were_read_ahead(void **state)
{
    struct fleet_change read = { .no = 1, .progress = { .messages = 9, .sessions = 2, .session_boot = THEIRS } };
    struct delta_entry older = login(1, 1, THEIRS - 1), later = login(1, 4, THEIRS + 1);

    (void)state;
    fleet_apply_begin(f);
    fleet_apply(f, &read);
    fleet_apply_end(f);
    later.progress.messages = 7;
    apply(&later);
    assert_true(device(1).is_online && device(1).open_boot == THEIRS + 1);
    older.progress.messages = 20;
    apply(&older);
    assert_int_equal(device(1).open_boot, THEIRS + 1);
}

static void a_holder_that_has_not_heard_of_the_past_does_not_undo_it(void **state)
{
    struct delta_entry past = { .device = 1, .parts = DELTA_MERGE | DELTA_SESSION | DELTA_REPORT };
    struct delta_entry holder = login(1, 1, THEIRS);
    int64_t now = NOW_US / 1000000;

    (void)state;
    past.progress =
        (struct fleet_progress){ .activated_at = now - 9, .online_latest = now - 8, .last_report = now - 7 };
    holder.parts |= DELTA_REPORT;
    holder.progress.online_latest = now - 20;
    apply(&past);
    apply(&holder);
    struct fleet_device d = device(1);
    assert_true(d.activated_at == now - 9 && d.online_latest == now - 8 && d.last_report == now - 7);

    /* but its clock may have been set back */
    holder.progress.sessions++;
    holder.progress.last_session_us -= 30000000;
    apply(&holder);
    assert_int_equal(device(1).online_latest, now - 20);
}

static bool same_mark(struct fleet_mark a, struct fleet_mark b)
{
    return a.messages == b.messages && a.events == b.events && a.versions == b.versions;
}

static void a_mark_changes_with_messages_events_and_versions(void **state)
{
    struct journal_event event = { .opened_us = NOW_US, .name = STR("Fault_Broken") };
    struct delta_entry e = { .device = 1, .parts = DELTA_REPORT, .progress = { .messages = 1 } };
    struct fleet_mark before = fleet_mark(f, 1), now;

    (void)state;
    assert_true(same_mark(fleet_mark(f, 99), (struct fleet_mark){ 0 }));
    apply(&e);
    now = fleet_mark(f, 1);
    assert_false(same_mark(now, before));
    fleet_apply_begin(f);
    fleet_replace_events(f, 1, &event, 1);
    fleet_apply_end(f);
    before = fleet_mark(f, 1);
    assert_false(same_mark(now, before));
    fleet_apply_begin(f);
    fleet_replace_events(f, 1, &event, 1);
    fleet_apply_end(f);
    assert_true(same_mark(fleet_mark(f, 1), before));
    fleet_apply_begin(f);
    fleet_apply_versions(f, 1, &(struct journal_versions){ .text = { "1.0" } });
    fleet_apply_end(f);
    assert_false(same_mark(fleet_mark(f, 1), before));
}

static void asking_for_the_end_of_a_session_changes_nothing_by_itself(void **state)
{
    struct delta_entry held = login(1, 6, THEIRS), wanted = { .device = 1 };

    (void)state;
    held.progress.activated_at = 1000;
    held.progress.online_latest = 2000;
    apply(&held);
    wanted.parts = DELTA_MERGE | DELTA_SESSION | DELTA_WANTED;
    wanted.progress.session_boot = THEIRS;
    apply(&wanted);
    struct fleet_device d = device(1);
    assert_true(d.is_online && d.open_boot == THEIRS && d.activated_at == 1000 && d.online_latest == 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_read_as_it_was_written),
        cmocka_unit_test(a_report_of_a_busy_device_takes_a_dozen_bytes),
        cmocka_unit_test_setup_teardown(a_login_elsewhere_is_online_until_its_end_or_the_end_of_its_node, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_older_entry_changes_nothing_and_the_same_one_may_come_twice, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_this_node_holds_is_not_changed_by_others_but_by_what_they_heard_of_its_past, setup, teardown),
        cmocka_unit_test_setup_teardown(asking_for_the_end_of_a_session_changes_nothing_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_session_counts_before_messages_that_were_read_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(a_holder_that_has_not_heard_of_the_past_does_not_undo_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mark_changes_with_messages_events_and_versions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
