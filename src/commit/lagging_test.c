#include "base/unit_test.h"

#include "commit/lagging.h"

/* The line of devices whose states lag: who joins, who is due, who leaves. */

static struct lagging l;

static int setup(void **state)
{
    (void)state;
    return lagging_init(&l) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    lagging_free(&l);
    return 0;
}

static void enter(uint32_t device)
{
    assert_true(lagging_may_enter(&l, device, 0));
    lagging_enter(&l, device, 1);
}

static void a_device_is_in_line_until_its_turn(void **state)
{
    (void)state;
    assert_false(lagging_has(&l, 7));
    enter(7);
    enter(64000);
    assert_true(lagging_has(&l, 7) && lagging_has(&l, 64000));
    assert_false(lagging_has(&l, 6) || lagging_has(&l, 8) || lagging_has(&l, 1000000));
    assert_int_equal(lagging_peek(&l, 1)->device, 64000);
    lagging_committed(&l, 1, 0, 5);
    assert_false(lagging_has(&l, 7));
    assert_true(lagging_has(&l, 64000));
    assert_int_equal(lagging_peek(&l, 0)->device, 64000);
}

static void it_is_due_when_so_many_messages_have_come_since(void **state)
{
    (void)state;
    enter(1);
    lagging_committed(&l, 0, 100, 1);
    enter(2);
    assert_int_equal(lagging_due(&l, LAG_MESSAGES - 101, 1), 0);
    assert_int_equal(lagging_due(&l, LAG_MESSAGES - 100, 1), 1);
    assert_int_equal(lagging_due(&l, LAG_MESSAGES, 1), 2);
}

static void it_is_due_when_its_time_is_over(void **state)
{
    (void)state;
    lagging_committed(&l, 0, 0, 1000);
    enter(1);
    assert_int_equal(lagging_due(&l, 0, 999 + LAG_LONGEST_US), 0);
    assert_int_equal(lagging_due(&l, 0, 1000 + LAG_LONGEST_US), 1);
}

static void not_all_are_due_in_one_commit(void **state)
{
    (void)state;
    for (uint32_t device = 1; device <= LAG_AT_ONCE + 1; device++)
        enter(device);
    assert_int_equal(lagging_due(&l, LAG_MESSAGES, 0), LAG_AT_ONCE);
    lagging_committed(&l, LAG_AT_ONCE, LAG_MESSAGES, 0);
    assert_int_equal(lagging_due(&l, 0, 0), 1);
}

static void the_line_has_an_end(void **state)
{
    (void)state;
    assert_true(lagging_may_enter(&l, 1, LAG_DEVICES - 1));
    assert_false(lagging_may_enter(&l, 1, LAG_DEVICES));
    for (uint32_t device = 1; device <= LAG_DEVICES; device++)
        enter(device);
    assert_false(lagging_may_enter(&l, LAG_DEVICES + 1, 0));
    lagging_committed(&l, 3, 0, 0);
    for (uint32_t device = 1; device <= 3; device++)
        enter(device); /* past the end of the ring */
    assert_int_equal(lagging_peek(&l, 0)->device, 4);
    assert_int_equal(lagging_peek(&l, LAG_DEVICES - 1)->device, 3);
}

/* At a thousand messages a second, then at ten thousand. */
static void the_span_is_the_time_of_the_last_messages(void **state)
{
    (void)state;
    int64_t now_us = 1;

    assert_int_equal(lagging_span_us(&l), LAG_LONGEST_US);
    for (int i = 0; i < LAG_MESSAGES / 1000 * 5 / 4; i++)
        lagging_committed(&l, 0, 1000, now_us += 1000000);
    assert_in_range(lagging_span_us(&l), LAG_MESSAGES / 1000 * 800000, LAG_MESSAGES / 1000 * 1000000);
    for (int i = 0; i < LAG_MESSAGES / 10000 * 2; i++)
        lagging_committed(&l, 0, 10000, now_us += 1000000);
    assert_in_range(lagging_span_us(&l), LAG_MESSAGES / 10000 * 800000, LAG_MESSAGES / 10000 * 1100000);
    lagging_committed(&l, 0, 0, now_us += LAG_LONGEST_US);
    assert_int_equal(lagging_span_us(&l), LAG_LONGEST_US);
}

#define LAGGING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAGGING_TEST(a_device_is_in_line_until_its_turn),
        LAGGING_TEST(it_is_due_when_so_many_messages_have_come_since),
        LAGGING_TEST(it_is_due_when_its_time_is_over),
        LAGGING_TEST(not_all_are_due_in_one_commit),
        LAGGING_TEST(the_line_has_an_end),
        LAGGING_TEST(the_span_is_the_time_of_the_last_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
