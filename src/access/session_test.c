#include "access/session_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What ends a session, and what is recorded then. */

static void a_second_login_ends_the_first_as_offline_force(void **state)
{
    (void)state;
    int one = open_client();
    uint8_t connack[128];

    SAY(one, CONNECT_5(DID_1));
    assert_true(recv(one, connack, sizeof(connack), 0) > 4);
    SAY(one, "\x30\x24\0\x1e"
             "dev2app/" DID_1 "\0"
             "abc");
    int two = LOG_IN(CONNECT_311(DID_1));
    HEAR(one, "\xe0\1\x8e");
    hear_the_end(one);

    assert_string_equal(fake_event(1).payload, "abc");
    assert_int_equal(fake_event(2).kind, EVENT_END);
    assert_int_equal(fake_event(2).session, fake_event(0).session);
    assert_int_equal(fake_event(2).reason, END_FORCE);
    assert_int_equal(fake_event(3).kind, EVENT_LOGIN);
    assert_true(fake_event(3).takeover);
    assert_true(fake_event(3).session > fake_event(0).session);
    SAY(two, PING);
    HEAR(two, PONG);
    assert_true(access_control_port(fixture_access).is_connected(fixture_access, 1));
    close(two);
    assert_int_equal(fake_event(4).reason, END_TCP_CLOSED);
    assert_false(access_control_port(fixture_access).is_connected(fixture_access, 1));
}

static void a_disabled_device_is_put_out(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    fake_disable(2); /* that has no session */
    fake_disable(1);
    hear_the_end(fd);
    assert_int_equal(fake_event(1).kind, EVENT_END);
    assert_int_equal(fake_event(1).device, 1);
    assert_int_equal(fake_event(1).reason, END_RESET);
}

static void messages_are_handed_over_before_the_end_and_the_will_behind_them(void **state)
{
    (void)state;
    int fd = LOG_IN(WILL_311(DID_1));

    SAY(fd, REPORT_0(DID_1, "abc"));
    close(fd);
    assert_string_equal(fake_event(1).payload, "abc");
    assert_string_equal(fake_event(2).payload, "farewl");
    assert_int_equal(fake_event(3).kind, EVENT_END);
    assert_int_equal(fake_event(3).reason, END_TCP_CLOSED);
}

static void a_will_is_forgotten_with_a_disconnect(void **state)
{
    (void)state;
    int fd = LOG_IN(WILL_311(DID_1));

    SAY(fd, "\xe0\0");
    hear_the_end(fd);
    assert_int_equal(fake_event(1).kind, EVENT_END);
    assert_int_equal(fake_event(1).reason, END_MQTT_DISCONNECT);
}

static void a_full_disk_refuses_logins(void **state)
{
    (void)state;
    int fd = open_client();

    fake_set_disk_full(true);
    SAY(fd, CONNECT_311(DID_1));
    HEAR(fd, "\x20\2\0\3");
    hear_the_end(fd);
    assert_int_equal(fake_event_count(), 0);
}

static void a_shutdown_ends_every_session_and_refuses_new_ones(void **state)
{
    (void)state;
    int one = LOG_IN(CONNECT_311(DID_1)), two = LOG_IN(CONNECT_311(DID_2)), three = open_client();

    access_shutdown(fixture_access, END_EXCEPTION);
    assert_int_equal(fake_event_count(), 4);
    assert_int_equal(fake_event(2).reason, END_EXCEPTION);
    assert_int_equal(fake_event(3).reason, END_EXCEPTION);
    hear_the_end(one);
    hear_the_end(two);
    hear_the_end(three);
    hear_the_end(open_client());
}

static void a_packet_has_a_limit_whatever_the_options_say(void **state)
{
    (void)state;
    static const uint8_t told[] = { 0x27, LIMIT_MQTT_PACKET >> 24, LIMIT_MQTT_PACKET >> 16 & 0xff,
                                    LIMIT_MQTT_PACKET >> 8 & 0xff, LIMIT_MQTT_PACKET & 0xff };
    uint8_t connack[128];
    int fd = open_client();

    SAY(fd, CONNECT_5(DID_1));
    ssize_t n = recv(fd, connack, sizeof(connack), 0);
    assert_true(n > 0);
    assert_non_null(memmem(connack, (size_t)n, told, sizeof(told)));
    SAY(fd, "\x30\xff\xff\x7f"); /* the head of one of 2 MiB */
    HEAR(fd, "\xe0\1\x95");
    hear_the_end(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_login_ends_the_first_as_offline_force),
        TEST(a_disabled_device_is_put_out),
        TEST(messages_are_handed_over_before_the_end_and_the_will_behind_them),
        TEST(a_will_is_forgotten_with_a_disconnect),
        TEST(a_full_disk_refuses_logins),
        cmocka_unit_test_setup_teardown(a_packet_has_a_limit_whatever_the_options_say, fixture_setup_without_limits,
                                        fixture_teardown),
        TEST(a_shutdown_ends_every_session_and_refuses_new_ones),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
