#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "access/held.h"
#include "access/pace.h"
#include "access/qos2.h"

/* When a paced device may be sent what. The test is the clock. */

static const uint8_t control[] = { 0, 0, 0, 3, 4, 0, 0, 0x90, 1 };
static const uint8_t echo[] = { 0, 0, 0, 3, 3, 0, 0, 0x91 };
static const uint8_t report[] = { 0, 0, 0, 3, 5, 0, 0, 0x91, 4, 0 };
static const uint8_t control_with_ack[] = { 0, 0, 0, 3, 8, 0, 0, 0x93, 0, 0, 0, 7, 1 };
static const uint8_t ack[] = { 0, 0, 0, 3, 7, 0, 0, 0x94, 0, 0, 0, 7 };
static const uint8_t other_ack[] = { 0, 0, 0, 3, 7, 0, 0, 0x94, 0, 0, 0, 8 };

static void nothing_follows_a_publish_until_its_echo(void **state)
{
    (void)state;
    struct pace p = { 0 };

    assert_true(pace_allows_next(&p, 5000));
    pace_publish_sent(&p, control, sizeof(control), 5000);
    assert_false(pace_allows_packet(&p, 5000));
    assert_false(pace_allows_next(&p, 5900));
    assert_false(pace_answered(&p, report, sizeof(report)));
    assert_false(pace_answered(&p, ack, sizeof(ack)));
    assert_false(pace_answered(&p, echo, 4));
    assert_true(pace_answered(&p, echo, sizeof(echo)));
    assert_true(pace_allows_packet(&p, 5001));
    assert_true(pace_allows_next(&p, 5001));
    assert_false(pace_answered(&p, echo, sizeof(echo)));
}

static void a_control_with_a_serial_number_waits_for_the_ack_of_just_that(void **state)
{
    (void)state;
    struct pace p = { 0 };

    pace_publish_sent(&p, control_with_ack, sizeof(control_with_ack), 5000);
    assert_false(pace_answered(&p, echo, sizeof(echo)));
    assert_false(pace_answered(&p, other_ack, sizeof(other_ack)));
    assert_true(pace_answered(&p, ack, sizeof(ack)));
}

static void a_device_that_does_not_answer_is_written_to_after_a_second(void **state)
{
    (void)state;
    struct pace p = { 0 };

    pace_publish_sent(&p, control, sizeof(control), 5000);
    assert_false(pace_gave_up(&p, 5999));
    assert_int_equal(pace_next_ms(&p), 6000);
    assert_true(pace_gave_up(&p, 6000));
    assert_false(pace_gave_up(&p, 6001));
    assert_true(pace_allows_next(&p, 6001));
}

static void what_has_no_answer_is_waited_for_all_the_same(void **state)
{
    (void)state;
    static const uint8_t app_count[] = { 0, 0, 0, 3, 0x02, 0x10, 0, 0 };
    struct pace p = { 0 };

    pace_publish_sent(&p, app_count, sizeof(app_count), 5000);
    assert_false(pace_answered(&p, echo, sizeof(echo)));
    assert_false(pace_allows_next(&p, 5999));
    assert_true(pace_allows_next(&p, 6000));
}

static void a_publish_keeps_its_distance_from_the_packet_before(void **state)
{
    (void)state;
    struct pace p = { 0 };

    pace_packet_sent(&p, 5000);
    assert_true(pace_allows_packet(&p, 5000));
    assert_false(pace_allows_next(&p, 5099));
    assert_true(pace_allows_next(&p, 5100));
}

static void what_was_held_back_goes_one_by_one(void **state)
{
    (void)state;
    struct pace p = { 0 };

    pace_held_sent(&p, 5000);
    assert_false(pace_allows_packet(&p, 5099));
    assert_false(pace_allows_next(&p, 5099));
    assert_true(pace_allows_packet(&p, 5100));
    assert_true(pace_allows_next(&p, 5100));
}

/* --- what is held back ------------------------------------------------------------------------*/

static const uint8_t pong[] = { 0xd0, 0 }, puback[] = { 0x40, 2, 0, 7 };

static void held_packets_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct held *h = NULL;
    size_t len;

    assert_true(held_add(&h, puback, sizeof(puback)));
    assert_true(held_add(&h, pong, sizeof(pong)));
    assert_false(held_has_turn(h));
    held_give_turn(h);
    assert_true(held_add(&h, puback, sizeof(puback)));
    const uint8_t *next = held_next(h, &len);
    assert_int_equal(len, sizeof(puback));
    assert_memory_equal(next, puback, len);
    held_gone(&h, len);
    assert_true(held_has_turn(h));
    next = held_next(h, &len);
    assert_int_equal(len, sizeof(pong));
    assert_memory_equal(next, pong, len);
    held_gone(&h, len);
    assert_false(held_has_turn(h));
    held_next(h, &len);
    held_gone(&h, len);
    assert_null(h);
}

static void a_client_with_much_to_come_gets_it_together(void **state)
{
    (void)state;
    struct held *h = NULL;
    size_t len, added = 0;

    while (held_add(&h, puback, sizeof(puback)))
        added += sizeof(puback);
    held_next(h, &len);
    assert_int_equal(len, added);
    held_gone(&h, len);
    assert_null(h);
}

/* --- QoS 2 ------------------------------------------------------------------------------------*/

static void a_message_sent_again_is_not_new(void **state)
{
    (void)state;
    struct qos2 *q = NULL;

    assert_int_equal(qos2_receive(&q, 9, 4), QOS2_NEW);
    assert_int_equal(qos2_receive(&q, 9, 4), QOS2_PENDING);
    qos2_record(q, 9);
    assert_int_equal(qos2_receive(&q, 9, 4), QOS2_RECORDED);
    assert_true(qos2_release(q, 9));
    assert_false(qos2_release(q, 9));
    assert_int_equal(qos2_receive(&q, 9, 4), QOS2_NEW);
    assert_int_equal(qos2_receive(&q, 9, 4), QOS2_PENDING);
    free(q);
}

static void a_client_that_releases_nothing_runs_into_the_limit(void **state)
{
    (void)state;
    struct qos2 *q = NULL;

    for (uint16_t id = 1; id <= 4; id++)
        assert_int_equal(qos2_receive(&q, id, 4), QOS2_NEW);
    assert_int_equal(qos2_receive(&q, 1, 4), QOS2_PENDING);
    assert_int_equal(qos2_receive(&q, 5, 4), QOS2_FULL);
    assert_true(qos2_release(q, 3));
    assert_int_equal(qos2_receive(&q, 5, 4), QOS2_NEW);
    free(q);
}

static void thousands_may_be_open_at_once(void **state)
{
    (void)state;
    struct qos2 *q = NULL;

    for (unsigned id = 1; id <= 5000; id++)
        assert_int_equal(qos2_receive(&q, (uint16_t)id, UINT16_MAX), QOS2_NEW);
    qos2_record(q, 100);
    assert_true(qos2_release(q, 50));
    assert_int_equal(qos2_receive(&q, 50, UINT16_MAX), QOS2_NEW);
    assert_int_equal(qos2_receive(&q, 50, UINT16_MAX), QOS2_PENDING);
    assert_int_equal(qos2_receive(&q, 100, UINT16_MAX), QOS2_RECORDED);
    assert_int_equal(qos2_receive(&q, 101, UINT16_MAX), QOS2_PENDING);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_follows_a_publish_until_its_echo),
        cmocka_unit_test(a_control_with_a_serial_number_waits_for_the_ack_of_just_that),
        cmocka_unit_test(a_device_that_does_not_answer_is_written_to_after_a_second),
        cmocka_unit_test(what_has_no_answer_is_waited_for_all_the_same),
        cmocka_unit_test(a_publish_keeps_its_distance_from_the_packet_before),
        cmocka_unit_test(what_was_held_back_goes_one_by_one),
        cmocka_unit_test(held_packets_come_out_as_they_went_in),
        cmocka_unit_test(a_client_with_much_to_come_gets_it_together),
        cmocka_unit_test(a_message_sent_again_is_not_new),
        cmocka_unit_test(a_client_that_releases_nothing_runs_into_the_limit),
        cmocka_unit_test(thousands_may_be_open_at_once),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
