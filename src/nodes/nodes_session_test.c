/* Devices that go from one node to another, and what a node reads of a device of another one. */
#include "commit/device_image.h"
#include "nodes/nodes_member_fixture.h"

struct seen {
    struct journal_session sessions[100];
    size_t session_count;
    uint64_t messages[100];
    size_t message_count;
};

static enum mu_err on_session(void *ctx, const struct journal_session *s)
{
    struct seen *seen = ctx;
    seen->sessions[seen->session_count++] = *s;
    return MU_OK;
}

static enum mu_err on_message(void *ctx, const struct journal_message *m)
{
    struct seen *seen = ctx;
    seen->messages[seen->message_count++] = m->number;
    return MU_OK;
}

static struct seen records(struct member *m, uint32_t no)
{
    struct journal_window all = { .to_us = INT64_MAX, .limit = 100 };
    struct seen seen = { .session_count = 0 };
    uint64_t total;

    assert_int_equal(journal_sessions(m->j, no, &all, on_session, &seen, &total), MU_OK);
    assert_int_equal(journal_messages(m->j, no, &all, on_message, &seen, &total), MU_OK);
    return seen;
}

static void a_device_moves_after_its_old_node_has_ended_its_session(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct member *from = i % 2 ? &b : &a, *to = i % 2 ? &a : &b;
        if (!i)
            assert_int_equal(login(from, 1), MU_OK);
        assert_int_equal(report(from, 1, (uint8_t)i, 0, 0), MU_OK);
        assert_int_equal(login(to, 1), MU_OK);
        assert_int_equal(from->session[1], 0);
        assert_true(device(to, 1).is_online && device(to, 1).open_boot == to->boot);
    }
    struct seen seen = records(&a, 1);
    assert_int_equal(seen.session_count, 41);
    for (size_t i = 0; i < seen.session_count; i++) {
        const struct journal_session *s = &seen.sessions[i];
        assert_true(s->number == i + 1 && s->end == (i % 2 == 1));
        assert_true(!s->end || s->reason == END_FORCE);
    }
    assert_int_equal(seen.message_count, 20);
    for (size_t i = 0; i < seen.message_count; i++)
        assert_int_equal(seen.messages[i], i + 1);
}

static void a_login_whose_connection_breaks_while_it_waits_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    atomic_store(&a.deaf, true);
    begin_login(&b, 1);
    WAIT_UNTIL(atomic_load(&a.asked) > 0);
    end(&b, 1, END_TCP_CLOSED);
    wait_for(&b.answers[1], 1);
    assert_int_equal(atomic_load(&b.answers[1].err), MU_E_CLOSED);
    assert_true(device(&a, 1).is_online);
    end(&a, 1, END_TCP_CLOSED);
    assert_int_equal(login(&b, 1), MU_OK);
    assert_int_equal(records(&b, 1).session_count, 3);
}

/* All at once, as after a network has come back: half of the devices go from one node to the other, half the other way. */
static void devices_that_go_both_ways_at_once_are_all_let_in(void **state)
{
    enum { HALF = NODES_DEVICES / 2 };

    (void)state;
    for (uint32_t no = 1; no < NODES_DEVICES; no++)
        assert_int_equal(login(no < HALF ? &a : &b, no), MU_OK);
    for (int round = 0; round < 40; round++) {
        for (uint32_t no = 1; no < NODES_DEVICES; no++)
            begin_login((no < HALF) == (round % 2 == 0) ? &b : &a, no);
        for (uint32_t no = 1; no < NODES_DEVICES; no++) {
            struct member *to = (no < HALF) == (round % 2 == 0) ? &b : &a;
            wait_for(&to->answers[no], round / 2 + 1 + (to == (no < HALF ? &a : &b)));
            assert_int_equal(atomic_load(&to->answers[no].err), MU_OK);
        }
    }
}

/* What the other node commits meanwhile is no reason to ask the store again. */
static void a_login_that_waits_asks_the_store_once_a_second(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    atomic_store(&a.deaf, true);
    int64_t began_ms = clock_mono_ms();
    begin_login(&b, 1);
    WAIT_UNTIL(atomic_load(&a.asked) > 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(login(&a, 2), MU_OK);
        end(&a, 2, END_TCP_CLOSED);
    }
    if (!in_postgres)
        assert_in_range(fake_journal_claims(b.j), 1, 2 + (clock_mono_ms() - began_ms) / 1000);
    end(&a, 1, END_TCP_CLOSED);
    wait_for(&b.answers[1], 1);
    assert_int_equal(atomic_load(&b.answers[1].err), MU_OK);
}

static void when_a_node_dies_its_devices_are_offline_and_can_log_in_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(login(&a, 2), MU_OK);
    WAIT_UNTIL(device(&b, 2).is_online);
    be_silent(&a);
    atomic_store(&a.deaf, true);
    assert_int_equal(login(&b, 1), MU_OK); /* it waits for the end of the lease */
    WAIT_UNTIL(!device(&b, 2).is_online);
    struct seen seen = records(&b, 1);
    assert_int_equal(seen.session_count, 3);
    assert_true(seen.sessions[1].end && seen.sessions[1].reason == END_EXCEPTION);
    assert_true(!seen.sessions[2].end && seen.sessions[2].number == 3);
    be_heard(&a);
    WAIT_UNTIL(atomic_load(&a.over));
    assert_int_equal(report(&a, 1, 9, 0, 0), MU_E_OVER);
}

/* --- reading a device of another node ----------------------------------------------------------------*/

/* The level that a control through this node starts from; -1: none. */
static int level_at(struct member *m, uint32_t no)
{
    struct point_value values[4];
    struct device_image image;
    struct fleet_device d = device(m, no);
    int level = -1;

    assert_int_equal(device_image_read(m->f, m->j, &d, &image), MU_OK);
    if (image.definition) {
        datapoint_state_values(image.definition->plan, image.bytes.data, values);
        level = values[1].set ? (int)values[1].x : -1;
    }
    device_image_free(&image);
    return level;
}

/* Its state is written only now and then, when it reports as often as here. */
static void what_was_acknowledged_through_one_node_is_read_through_another_at_once(void **state)
{
    (void)state;
    assert_int_equal(level_at(&b, 1), -1);
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(level_at(&b, 1), -1);
    for (uint8_t level = 1; level <= 50; level++) {
        assert_int_equal(report(&a, 1, level, 0, 0), MU_OK);
        assert_int_equal(level_at(&a, 1), level);
        assert_int_equal(level_at(&b, 1), level);
        assert_int_equal(records(&b, 1).message_count, level);
    }
    assert_int_equal(login(&b, 1), MU_OK);
    assert_int_equal(level_at(&b, 1), 50);
    assert_int_equal(report(&b, 1, 51, 0, 0), MU_OK);
    assert_int_equal(level_at(&a, 1), 51);
    assert_int_equal(level_at(&b, 1), 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_moves_after_its_old_node_has_ended_its_session),
        TEST(a_login_whose_connection_breaks_while_it_waits_leaves_nothing),
        TEST(devices_that_go_both_ways_at_once_are_all_let_in),
        TEST(a_login_that_waits_asks_the_store_once_a_second),
        TEST_SHORT_LEASE(when_a_node_dies_its_devices_are_offline_and_can_log_in_elsewhere),
        TEST(what_was_acknowledged_through_one_node_is_read_through_another_at_once),
    };
    return run_over_both(tests, sizeof(tests) / sizeof(*tests));
}
