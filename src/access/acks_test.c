#include "access/session_fixture.h"

#include <time.h>
#include <unistd.h>

/* Which acknowledgements reach a client, in which order, and how many writes they take. */

/* --- acknowledgements -------------------------------------------------------------------------*/

static void a_puback_comes_after_the_commit_and_not_before(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc"));
    struct fake_commit_event e = fake_event(1);
    assert_int_equal(e.kind, EVENT_REPORT);
    assert_string_equal(e.payload, "abc");
    SAY(fd, PING);
    HEAR(fd, PONG);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x40\2\0\7");
    close(fd);
}

static void a_qos_2_message_is_recorded_once(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_2(DID_1, "\7", "abc"));
    struct fake_commit_event e = fake_event(1);
    SAY(fd, REPORT_2(DID_1, "\7", "abc") PING);
    HEAR(fd, PONG);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x50\2\0\7");
    SAY(fd, REPORT_2(DID_1, "\7", "abc"));
    HEAR(fd, "\x50\2\0\7");
    SAY(fd, "\x62\2\0\7");
    HEAR(fd, "\x70\2\0\7");
    assert_int_equal(fake_event_count(), 2);
    SAY(fd, REPORT_2(DID_1, "\7", "new"));
    e = fake_event(2);
    assert_string_equal(e.payload, "new");
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x50\2\0\7");
    close(fd);
}

static void a_failed_commit_ends_the_session_without_an_acknowledgement(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc"));
    struct fake_commit_event e = fake_event(1);
    fake_commit(&e, MU_E_FULL);
    hear_the_end(fd);
    assert_int_equal(fake_event(2).kind, EVENT_END);
    assert_int_equal(fake_event(2).reason, END_EXCEPTION);
}

static void a_late_commit_acknowledges_nothing_in_a_later_session(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc"));
    struct fake_commit_event e = fake_event(1);
    SAY(fd, "\xe0\0");
    hear_the_end(fd);
    assert_int_equal(fake_event(2).reason, END_MQTT_DISCONNECT);

    fd = LOG_IN(CONNECT_311(DID_1)); /* in the slot that has become free */
    fake_commit(&e, MU_OK);
    SAY(fd, PING);
    HEAR(fd, PONG);
    SAY(fd, REPORT_1(DID_1, "\7", "def"));
    e = fake_event(4);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x40\2\0\7");
    close(fd);
}

static void acknowledgements_of_a_batch_come_in_order(void **state)
{
    (void)state;
    int one = LOG_IN(CONNECT_311(DID_1)), two = LOG_IN(CONNECT_311(DID_2));

    SAY(one, REPORT_1(DID_1, "\1", "abc"));
    fake_event(2);
    SAY(two, REPORT_1(DID_2, "\1", "abc"));
    fake_event(3);
    SAY(one, REPORT_1(DID_1, "\2", "abc") REPORT_2(DID_1, "\3", "abc"));
    fake_event(5);
    for (unsigned i = 2; i <= 5; i++) {
        struct fake_commit_event e = fake_event(i);
        e.sink->done(e.sink, e.owner, e.tag, MU_OK);
    }
    fake_event(5).sink->flush(fake_event(5).sink);
    HEAR(one, "\x40\2\0\1"
              "\x40\2\0\2"
              "\x50\2\0\3");
    HEAR(two, "\x40\2\0\1");
    close(one);
    close(two);
}

static void a_numbered_report_is_answered_by_its_frame_when_it_is_committed(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, SUBSCRIBE(DID_1, "\0") NUMBERED_0(DID_1) PING);
    HEAR(fd, "\x90\3\0\1\0" PONG);
    struct fake_commit_event e = fake_event(1);
    fake_commit(&e, MU_OK);
    HEAR(fd, FRAME_ACKED(DID_1));
    SAY(fd, NUMBERED_1(DID_1, "\7"));
    e = fake_event(2);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x40\2\0\7" FRAME_ACKED(DID_1));
    close(fd);
}

static void a_numbered_report_is_not_answered_to_whom_does_not_listen(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, NUMBERED_1(DID_1, "\7"));
    struct fake_commit_event e = fake_event(1);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x40\2\0\7");
    SAY(fd, PING);
    HEAR(fd, PONG);
    close(fd);
}

/* It goes by itself, and its device sends what has no answer again. */
static void a_numbered_report_that_is_not_committed_has_no_answer_and_the_session_goes_on(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, SUBSCRIBE(DID_1, "\0") NUMBERED_0(DID_1));
    struct fake_commit_event e = fake_event(1);
    fake_commit(&e, MU_E_IO);
    HEAR(fd, "\x90\3\0\1\0");
    SAY(fd, PING);
    HEAR(fd, PONG);
    close(fd);
}

static void a_paced_device_gets_the_answer_of_a_report_by_itself(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_31(DID_1));
    struct timespec before, after;

    SAY(fd, SUBSCRIBE(DID_1, "\0"));
    HEAR(fd, "\x90\3\0\1\0");
    SAY(fd, NUMBERED_1(DID_1, "\7"));
    struct fake_commit_event e = fake_event(1);
    clock_gettime(CLOCK_MONOTONIC, &before);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x40\2\0\7");
    SAY(fd, PING); /* waits behind it */
    HEAR(fd, FRAME_ACKED(DID_1) PONG);
    clock_gettime(CLOCK_MONOTONIC, &after);
    /* A tenth of a second after the PUBACK, and so much before the PINGRESP. */
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 190);
    close(fd);
}

static void a_request_is_acknowledged_in_its_turn(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REQUEST_1("\1", "abc")); /* nothing waits: at once */
    HEAR(fd, "\x40\2\0\1");
    SAY(fd, REPORT_1(DID_1, "\2", "abc") REQUEST_1("\3", "abc") REQUEST_2("\4", "abc") PING);
    HEAR(fd, PONG);
    struct fake_commit_event report = fake_event(1), one = fake_event(2), two = fake_event(3);
    assert_int_equal(report.kind, EVENT_REPORT);
    assert_int_equal(one.kind, EVENT_PASS);
    assert_int_equal(two.kind, EVENT_PASS);
    fake_commit(&report, MU_OK);
    HEAR(fd, "\x40\2\0\2");
    fake_commit(&one, MU_OK);
    fake_commit(&two, MU_OK);
    HEAR(fd, "\x40\2\0\3"
             "\x50\2\0\4");
    SAY(fd, REQUEST_1("\5", "abc"));
    HEAR(fd, "\x40\2\0\5");
    assert_int_equal(fake_event_count(), 4);
    close(fd);
}

/* --- room -------------------------------------------------------------------------------------*/

static void without_room_reading_stops_and_goes_on_when_there_is_some(void **state)
{
    (void)state;
    int one = LOG_IN(CONNECT_311(DID_1)), two = LOG_IN(CONNECT_311(DID_2));

    SAY(one, REPORT_1(DID_1, "\1", "abc"));
    struct fake_commit_event e = fake_event(2);
    fake_set_room(false);
    SAY(one, REPORT_0(DID_1, "def") REPORT_0(DID_1, "ghi") PING);
    SAY(two, PING REPORT_0(DID_2, "jkl"));
    HEAR(two, PONG);
    fake_commit(&e, MU_OK); /* a flush, but there is no room yet */
    HEAR(one, "\x40\2\0\1");
    SAY(two, PING); /* behind a message that waits */
    assert_int_equal(fake_event_count(), 3);
    fake_set_room(true);
    e.sink->flush(e.sink);
    HEAR(one, PONG);
    HEAR(two, PONG);
    assert_int_equal(fake_event_count(), 6);
    close(one);
    close(two);
}

static void a_session_that_ends_while_it_waits_for_room_is_over(void **state)
{
    (void)state;
    int one = LOG_IN(CONNECT_311(DID_1));

    SAY(one, REPORT_0(DID_1, "abc"));
    struct fake_commit_event e = fake_event(1);
    fake_set_room(false);
    SAY(one, REPORT_0(DID_1, "def"));
    int two = LOG_IN(CONNECT_311(DID_1));
    hear_the_end(one);
    assert_int_equal(fake_event(2).kind, EVENT_END);
    assert_int_equal(fake_event(3).kind, EVENT_LOGIN);
    SAY(two, REPORT_0(DID_1, "ghi"));
    fake_set_room(true);
    e.sink->flush(e.sink);
    assert_string_equal(fake_event(4).payload, "ghi");
    close(two);
}

/* --- who hurries the committer ------------------------------------------------------------------- */

static void let_time_pass(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
}

static void reports_that_come_in_one_round_right_after_another_packet_hurry_once(void **state)
{
    (void)state;
    int fd = open_client();

    SAY(fd, CONNECT_311(DID_1) REPORT_1(DID_1, "\7", "abc") REPORT_1(DID_1, "\x8", "def") PING);
    HEAR(fd, "\x20\2\0\0" PONG);
    SAY(fd, PING); /* a later round */
    HEAR(fd, PONG);
    assert_int_equal(fake_event_count(), 3);
    assert_int_equal(fake_hurries(), 1);
    close(fd);
}

static void a_report_now_and_then_and_one_that_nobody_waits_for_hurry_nobody(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_0(DID_1, "abc"));
    fake_event(1);
    let_time_pass();
    SAY(fd, REPORT_1(DID_1, "\7", "def"));
    fake_event(2);
    SAY(fd, PING);
    HEAR(fd, PONG);
    assert_int_equal(fake_hurries(), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_puback_comes_after_the_commit_and_not_before),
        TEST(a_qos_2_message_is_recorded_once),
        TEST(a_failed_commit_ends_the_session_without_an_acknowledgement),
        TEST(a_late_commit_acknowledges_nothing_in_a_later_session),
        TEST(acknowledgements_of_a_batch_come_in_order),
        TEST(a_numbered_report_is_answered_by_its_frame_when_it_is_committed),
        TEST(a_numbered_report_is_not_answered_to_whom_does_not_listen),
        TEST(a_numbered_report_that_is_not_committed_has_no_answer_and_the_session_goes_on),
        TEST(a_paced_device_gets_the_answer_of_a_report_by_itself),
        TEST(a_request_is_acknowledged_in_its_turn),
        TEST(without_room_reading_stops_and_goes_on_when_there_is_some),
        TEST(a_session_that_ends_while_it_waits_for_room_is_over),
        TEST(reports_that_come_in_one_round_right_after_another_packet_hurry_once),
        TEST(a_report_now_and_then_and_one_that_nobody_waits_for_hurry_nobody),
    };
    return cmocka_run_group_tests_name("acks", tests, NULL, NULL);
}
