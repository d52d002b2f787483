/* What two nodes do together: following each other, keeping house, controls, quotas. */
#include "commit/retention.h"
#include "fleet/fleet_parts.h"
#include "nodes/nodes_member_fixture.h"

/* --- following --------------------------------------------------------------------------------------*/

static void what_one_node_commits_the_other_shows(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_online);
    assert_true(device(&b, 1).open_boot == a.boot && device(&b, 1).activated_at == device(&a, 1).activated_at);
    assert_int_equal(report(&a, 1, 50, 1, 0), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_alert);
    struct fleet_device at_a = device(&a, 1), at_b = device(&b, 1);
    assert_true(at_b.last_report == at_a.last_report && at_b.last_message_us == at_a.last_message_us &&
                !at_b.is_faulty);
    assert_true(fleet_was_active(b.f, (int32_t)(at_a.last_report / 86400), 1));
    struct fleet_event event;
    assert_int_equal(fleet_open_events(b.f, 1, &event, 1), 1);
    assert_int_equal(report(&a, 1, 50, 0, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_faulty && !device(&b, 1).is_alert);
    assert_int_equal(fleet_open_events(b.f, 1, &event, 1), 1);
    end(&a, 1, END_TCP_CLOSED);
    WAIT_UNTIL(!device(&b, 1).is_online);
}

static void a_node_that_joins_later_shows_what_was_before(void **state)
{
    struct member late;

    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(login(&b, 2), MU_OK);
    assert_int_equal(report(&b, 2, 50, 1, 0), MU_OK);
    start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    assert_true(device(&late, 1).is_online && device(&late, 2).is_online && device(&late, 2).is_alert);
    assert_int_equal(login(&a, 3), MU_OK);
    WAIT_UNTIL(device(&late, 3).is_online);
    assert_int_equal(login(&late, 4), MU_OK);
    WAIT_UNTIL(device(&a, 4).is_online && device(&b, 4).is_online);
    end(&late, 4, END_TCP_CLOSED);
    stop(&late);
    WAIT_UNTIL(!device(&a, 4).is_online);
}

static void what_is_registered_through_one_node_is_known_to_all_when_it_is_answered(void **state)
{
    struct fleet_device d;
    char did[DID_LEN + 1];

    (void)state;
    for (uint32_t no = NODES_DEVICES; no < NODES_DEVICES + 100; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
        assert_int_equal(committer_follow_registry(a.c), MU_OK);
        fake_did(did, no);
        assert_true(fleet_device_by_did(b.f, str_of(did), &d));
    }
}

/* --- keeping house ----------------------------------------------------------------------------------*/

enum { KEEP_DAYS = 400 };
static const int64_t DAY_US = INT64_C(86400) * 1000000;

static enum mu_err count_entry(void *ctx, int32_t day, uint32_t no)
{
    (void)day;
    (void)no;
    ++*(unsigned *)ctx;
    return MU_OK;
}

static unsigned single_entries(void)
{
    unsigned count = 0;
    struct journal_visitor v = { .ctx = &count, .active = count_entry };

    assert_int_equal(journal_visit(a.j, &v), MU_OK);
    return count;
}

/* A node folds what is on record, whether or not it has followed it: the one that folds here follows nobody. */
static void a_finished_day_is_folded_with_what_all_nodes_have_written(void **state)
{
    struct member late;
    int32_t today;

    (void)state;
    be_silent(&b);
    for (uint32_t no = 1; no <= 3; no++) {
        assert_int_equal(login(&a, no), MU_OK);
        assert_int_equal(report(&a, no, 1, 0, 0), MU_OK);
        today = (int32_t)(device(&a, no).last_report / 86400);
        assert_int_equal(retention_keep_days(b.j, today, KEEP_DAYS), MU_OK);
        assert_int_equal(single_entries(), 1);
        assert_int_equal(retention_keep_days(b.j, today + 1, KEEP_DAYS), MU_OK);
        assert_int_equal(single_entries(), 0);
    }
    be_heard(&b);
    start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    for (uint32_t no = 1; no <= 3; no++)
        assert_true(fleet_was_active(late.f, today, no));
    assert_false(fleet_was_active(late.f, today, 4));
    stop(&late);

    assert_int_equal(retention_keep_days(b.j, today + KEEP_DAYS, KEEP_DAYS), MU_OK);
    start(&late, FIRST_START + 3, open_next(FIRST_START + 3));
    assert_false(fleet_was_active(late.f, today, 1));
    stop(&late);
}

/* All events of a device that a node's index counts. */
static uint32_t events_at(const struct member *m, uint32_t no)
{
    const struct events *events = &catalog_product(m->f, 1)->events;
    uint32_t count = 0;

    fleet_read_lock(m->f);
    for (uint32_t i = 1; i < events->count; i++)
        count += events->at[i].device == no ? events->at[i].total : 0;
    fleet_unlock(m->f);
    return count;
}

static void run_retention(void *ctx)
{
    const struct member *m = ctx;
    struct retention r = { .fleet = m->f,
                           .journal = m->j,
                           .today = (int32_t)(now_us() / DAY_US),
                           .now_us = now_us() + (KEEP_DAYS + 1) * DAY_US,
                           .keep_days = KEEP_DAYS,
                           .nodes = nodes_for_committer(m->nodes) };

    assert_int_equal(journal_batch_create(&r.writes, m->j), MU_OK);
    assert_int_equal(retention_run(&r), MU_OK);
    journal_batch_destroy(r.writes);
}

static void one_node_drops_old_events_and_all_forget_them(void **state)
{
    (void)state;
    assert_true(nodes_keeps_house(a.nodes) && !nodes_keeps_house(b.nodes));
    for (uint32_t no = 1; no <= 2; no++) {
        struct member *m = no == 1 ? &a : &b;
        assert_int_equal(login(m, no), MU_OK);
        assert_int_equal(report(m, no, 1, 1, 1), MU_OK);
        assert_int_equal(report(m, no, 1, 0, 1), MU_OK);
        WAIT_UNTIL(events_at(&a, no) == 2 && events_at(&b, no) == 2 && !device(&a, no).is_alert);
    }
    committer_pause(b.c, run_retention, &b);
    assert_int_equal(events_at(&b, 2), 2);
    committer_pause(a.c, run_retention, &a);
    for (uint32_t no = 1; no <= 2; no++) {
        WAIT_UNTIL(events_at(&a, no) == 1 && events_at(&b, no) == 1); /* the fault is open */
    }
    assert_int_equal(report(&b, 2, 1, 1, 0), MU_OK);
    WAIT_UNTIL(events_at(&a, 2) == 2);
    assert_int_equal(events_at(&b, 2), 2);
}

/* --- controls ---------------------------------------------------------------------------------------*/

struct control {
    struct control_request req;
    _Atomic int done;
    enum mu_err err;
};

static void on_control_done(struct control_request *req, enum mu_err err)
{
    struct control *c = (struct control *)req;

    c->err = err;
    atomic_store(&c->done, 1);
}

static enum mu_err control(struct member *m, uint32_t device_no)
{
    struct control_port port = nodes_control_port(m->nodes);
    struct control c = { .req = { .device = device_no,
                                  .enterprise = 5,
                                  .request = 6,
                                  .frame = (const uint8_t *)"abc",
                                  .frame_len = 3,
                                  .done = on_control_done } };

    port.send(port.ctx, &c.req);
    WAIT_UNTIL(atomic_load(&c.done));
    return c.err;
}

static void a_control_reaches_a_device_of_another_node_and_its_outcome_comes_back(void **state)
{
    struct control_port port = nodes_control_port(b.nodes);

    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_online);
    assert_true(port.is_connected(port.ctx, 1));
    assert_false(port.is_connected(port.ctx, 2));
    assert_int_equal(control(&b, 1), MU_OK);
    assert_int_equal(control(&a, 1), MU_OK);
    assert_int_equal(control(&b, 2), MU_E_OFFLINE);
    atomic_store(&a.control_err, MU_E_LIMIT);
    assert_int_equal(control(&b, 1), MU_E_LIMIT);
}

static void a_control_to_a_node_that_does_not_answer_fails(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_online);
    atomic_store(&a.deaf, true);
    be_silent(&a);
    assert_int_equal(control(&b, 1), MU_E_CLOSED);
}

/* --- quotas -----------------------------------------------------------------------------------------*/

static enum quota_taken call(struct member *m, uint32_t limit)
{
    char id[ID_HEX_LEN + 1];
    struct quota_view v;
    bool ask;

    fake_hex(id, 1);
    struct fleet_enterprise *e = fleet_enterprise_by_id(m->f, str_of(id));
    assert_non_null(e);
    enum quota_taken taken = quota_take_shared(e->quota, &e->share, limit, clock_wall_s(), &v, &ask);
    if (ask)
        nodes_ask_quota(m->nodes);
    return taken;
}

static void a_quota_is_spent_over_all_nodes_and_not_more(void **state)
{
    enum { LIMIT = 3600 };
    struct enterprise_row row = fake_enterprise(1);
    uint32_t allowed = 0, refused = 0;

    (void)state;
    row.hourly_quota = LIMIT;
    fake_put_enterprise(reg, &row);
    assert_int_equal(committer_follow_registry(a.c), MU_OK);
    if (clock_wall_s() % 3600 >= 3540) /* the test is about one hour */
        sleep((unsigned)(3601 - clock_wall_s() % 3600));
    for (uint32_t i = 0; refused < 300 && i < 1000000; i++) {
        if (call(i % 4 ? &a : &b, LIMIT) == QUOTA_TAKEN) {
            allowed++;
            refused = 0;
        } else {
            refused++;
            usleep(10000); /* long enough for what an idle node gives back: three seconds in all */
        }
    }
    assert_in_range(allowed, LIMIT - LIMIT / 50, LIMIT);
}

/* What answers come late, or not at all, allows nobody more. */
static void a_quota_is_not_exceeded_while_nobody_grants(void **state)
{
    enum { LIMIT = 3600 };
    struct enterprise_row row = fake_enterprise(1);
    uint32_t allowed = 0;

    (void)state;
    row.hourly_quota = LIMIT;
    fake_put_enterprise(reg, &row);
    assert_int_equal(committer_follow_registry(a.c), MU_OK);
    if (clock_wall_s() % 3600 > 3590) /* the test is about one hour */
        sleep(11);
    for (uint32_t i = 0; allowed < LIMIT - 10; i++)
        if (call(i % 2 ? &a : &b, LIMIT) == QUOTA_TAKEN)
            allowed++;
        else
            usleep(1000);
    if (in_postgres)
        pg_fixture_sql(uri, "ALTER TABLE journal.calls RENAME TO away");
    else
        fake_journal_fail(a.j, MU_E_IO);
    for (uint32_t i = 0; i < 400; i++) {
        allowed += call(i % 2 ? &a : &b, LIMIT) == QUOTA_TAKEN;
        usleep(1000);
    }
    assert_in_range(allowed, LIMIT - 10, LIMIT);
    if (!in_postgres)
        fake_journal_fail(a.j, MU_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_one_node_commits_the_other_shows),
        TEST(a_node_that_joins_later_shows_what_was_before),
        TEST(what_is_registered_through_one_node_is_known_to_all_when_it_is_answered),
        TEST(a_finished_day_is_folded_with_what_all_nodes_have_written),
        TEST(one_node_drops_old_events_and_all_forget_them),
        TEST(a_control_reaches_a_device_of_another_node_and_its_outcome_comes_back),
        TEST(a_control_to_a_node_that_does_not_answer_fails),
        TEST(a_quota_is_spent_over_all_nodes_and_not_more),
        TEST(a_quota_is_not_exceeded_while_nobody_grants),
    };
    return run_over_both(tests, sizeof(tests) / sizeof(*tests));
}
