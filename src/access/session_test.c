#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "access/access.h"
#include "access/fake_commit.h"
#include "base/log.h"

/* Sessions over a real loop and real sockets, before a committer that does what the test says. What
 * must not come yet is proved by what has come instead: a PINGRESP, asked for later, and first. */

enum { PATIENCE_S = 10 };

static struct loop *loop;
static struct access *access_;
static struct listener *listener;
static struct net_address address;

static int setup(void **state)
{
    (void)state;
    char why[200];
    struct access_options options = { .loops = &loop, .loop_count = 1, .mqtt_packet_max = 1024 };

    log_set_level(LOG_ERROR);
    fake_reset();
    if (net_address_parse(STR("127.0.0.1:0"), &address) != MU_OK || loop_create(&loop, 0) != MU_OK ||
        access_create(&access_, &options, why, sizeof(why)) != MU_OK ||
        listener_open(&listener, &address, &loop, 1, NULL, access_mqtt_accept, access_, why,
                      sizeof(why)) != MU_OK)
        return -1;
    return loop_start(loop) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    access_shutdown(access_, END_EXCEPTION);
    loop_stop(loop);
    loop_join(loop);
    listener_close(listener);
    access_destroy(access_);
    loop_destroy(loop);
    return 0;
}

/* --- a client ---------------------------------------------------------------------------------*/

static int open_client(void)
{
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address.sa, address.len), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}
#define SAY(fd, literal) say(fd, literal, sizeof(literal) - 1)

static void hear(int fd, const void *expected, size_t len)
{
    uint8_t bytes[256];
    size_t got = 0;

    while (got < len) {
        ssize_t n = recv(fd, bytes + got, len - got, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(bytes, expected, len);
}
#define HEAR(fd, literal) hear(fd, literal, sizeof(literal) - 1)

static void hear_the_end(int fd)
{
    uint8_t byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    close(fd);
}

#define PING "\xc0\0"
#define PONG "\xd0\0"
#define CONNECT_311(did) "\x10\x2e\0\4MQTT\4\xc2\0\0" "\0\2id" "\0\x16" did "\0\6secret"
#define CONNECT_31(did) "\x10\x30\0\6MQIsdp\3\xc2\0\0" "\0\2id" "\0\x16" did "\0\6secret"
#define CONNECT_5(did) "\x10\x2f\0\4MQTT\5\xc2\0\0" "\0" "\0\2id" "\0\x16" did "\0\6secret"
#define WILL_311(did) "\x10\x56\0\4MQTT\4\xc6\0\0" "\0\2id" "\0\x1e" "dev2app/" did "\0\6farewl" \
                      "\0\x16" did "\0\6secret"

static int log_in(const char *connect, size_t len)
{
    int fd = open_client();
    say(fd, connect, len);
    HEAR(fd, "\x20\2\0\0");
    return fd;
}
#define LOG_IN(literal) log_in(literal, sizeof(literal) - 1)

/* A report of three bytes. */
#define REPORT_1(did, id, text) "\x32\x25\0\x1e" "dev2app/" did "\0" id text
#define REPORT_2(did, id, text) "\x34\x25\0\x1e" "dev2app/" did "\0" id text
#define REPORT_0(did, text) "\x30\x23\0\x1e" "dev2app/" did text

/* --- acknowledgements -------------------------------------------------------------------------*/

static void a_puback_comes_after_the_commit_and_not_before(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc"));
    struct event e = fake_event(1);
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
    struct event e = fake_event(1);
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
    assert_string_equal(fake_event(2).payload, "new");
    close(fd);
}

static void a_failed_commit_ends_the_session_without_an_acknowledgement(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc"));
    struct event e = fake_event(1);
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
    struct event e = fake_event(1);
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
        struct event e = fake_event(i);
        e.sink->done(e.sink, e.owner, e.tag, MU_OK);
    }
    fake_event(5).sink->flush(fake_event(5).sink);
    HEAR(one, "\x40\2\0\1" "\x40\2\0\2" "\x50\2\0\3");
    HEAR(two, "\x40\2\0\1");
    close(one);
    close(two);
}

/* --- room -------------------------------------------------------------------------------------*/

static void without_room_reading_stops_and_goes_on_when_there_is_some(void **state)
{
    (void)state;
    int one = LOG_IN(CONNECT_311(DID_1)), two = LOG_IN(CONNECT_311(DID_2));

    SAY(one, REPORT_1(DID_1, "\1", "abc"));
    struct event e = fake_event(2);
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
    struct event e = fake_event(1);
    fake_set_room(false);
    SAY(one, REPORT_0(DID_1, "def"));
    int two = LOG_IN(CONNECT_311(DID_1));
    hear_the_end(one);
    assert_int_equal(fake_event(2).kind, EVENT_LOGIN);
    assert_int_equal(fake_event(3).kind, EVENT_END);
    SAY(two, REPORT_0(DID_1, "ghi"));
    fake_set_room(true);
    e.sink->flush(e.sink);
    assert_string_equal(fake_event(4).payload, "ghi");
    close(two);
}

/* --- the session's record ---------------------------------------------------------------------*/

static void a_second_login_ends_the_first_as_offline_force(void **state)
{
    (void)state;
    int one = open_client();
    uint8_t connack[128];

    SAY(one, CONNECT_5(DID_1));
    assert_true(recv(one, connack, sizeof(connack), 0) > 4);
    SAY(one, "\x30\x24\0\x1e" "dev2app/" DID_1 "\0" "abc");
    int two = LOG_IN(CONNECT_311(DID_1));
    HEAR(one, "\xe0\1\x8e");
    hear_the_end(one);

    assert_string_equal(fake_event(1).payload, "abc");
    assert_int_equal(fake_event(2).kind, EVENT_LOGIN);
    assert_true(fake_event(2).takeover);
    assert_true(fake_event(2).session > fake_event(0).session);
    assert_int_equal(fake_event(3).kind, EVENT_END);
    assert_int_equal(fake_event(3).session, fake_event(0).session);
    assert_int_equal(fake_event(3).reason, END_FORCE);
    SAY(two, PING);
    HEAR(two, PONG);
    assert_true(access_control_port(access_).is_connected(access_, 1));
    close(two);
    assert_int_equal(fake_event(4).reason, END_TCP_CLOSED);
    assert_false(access_control_port(access_).is_connected(access_, 1));
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

    access_shutdown(access_, END_EXCEPTION);
    assert_int_equal(fake_event_count(), 4);
    assert_int_equal(fake_event(2).reason, END_EXCEPTION);
    assert_int_equal(fake_event(3).reason, END_EXCEPTION);
    hear_the_end(one);
    hear_the_end(two);
    hear_the_end(three);
    hear_the_end(open_client());
}

/* --- control ----------------------------------------------------------------------------------*/

struct control {
    struct control_request req;
    atomic_int err; /* -1 until it is done */
};

static void done(struct control_request *req, enum mu_err err)
{
    atomic_store(&((struct control *)req)->err, (int)err);
}

static void send_control(struct control *c, const char *frame)
{
    struct control_port port = access_control_port(access_);

    *c = (struct control){ .req = { .device = 1, .frame = (const uint8_t *)frame,
                                    .frame_len = strlen(frame), .done = done }, .err = -1 };
    port.send(port.ctx, &c->req);
}

static int outcome(struct control *c)
{
    for (int i = 0; i < PATIENCE_S * 1000 && atomic_load(&c->err) == -1; i++)
        usleep(1000);
    return atomic_load(&c->err);
}

#define SUBSCRIBE(did, qos) "\x82\x25\0\1\0\x20" "app2dev/" did "/#" qos
#define CONTROL_0(did, text) "\x30\x2e\0\x29" "app2dev/" did "/enterprise" text
#define CONTROL_1(did, id, text) "\x32\x30\0\x29" "app2dev/" did "/enterprise" "\0" id text

static void a_control_is_done_when_its_log_is(void **state)
{
    (void)state;
    struct control c;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, SUBSCRIBE(DID_1, "\0"));
    HEAR(fd, "\x90\3\0\1\0");
    send_control(&c, "abc");
    HEAR(fd, CONTROL_0(DID_1, "abc"));
    struct event e = fake_event(1);
    assert_int_equal(e.kind, EVENT_CONTROL);
    assert_string_equal(e.payload, "abc");
    assert_int_equal(atomic_load(&c.err), -1);
    fake_commit(&e, MU_E_FULL);
    assert_int_equal(outcome(&c), MU_E_FULL);
    close(fd);
}

static void a_device_that_does_not_listen_gets_no_control(void **state)
{
    (void)state;
    struct control c;

    send_control(&c, "abc");
    assert_int_equal(outcome(&c), MU_E_OFFLINE);
    int fd = LOG_IN(CONNECT_311(DID_1));
    send_control(&c, "abc");
    assert_int_equal(outcome(&c), MU_E_CLOSED);
    close(fd);
}

static void controls_wait_for_a_packet_id_and_the_ninth_is_refused(void **state)
{
    (void)state;
    enum { IDS = 32, WAITING = LIMIT_CONTROL_QUEUE };
    static struct control c[IDS + WAITING + 1];
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, SUBSCRIBE(DID_1, "\1"));
    HEAR(fd, "\x90\3\0\1\1");
    for (unsigned i = 0; i < IDS + WAITING + 1; i++)
        send_control(&c[i], "abc");
    assert_int_equal(outcome(&c[IDS + WAITING]), MU_E_LIMIT);
    for (unsigned i = 0; i < IDS; i++) {
        char packet[] = CONTROL_1(DID_1, "\0", "abc");
        packet[sizeof(packet) - 5] = (char)(i + 1);
        hear(fd, packet, sizeof(packet) - 1);
        assert_int_equal(fake_event(i + 1).kind, EVENT_CONTROL);
    }
    SAY(fd, "\x40\2\0\5");
    HEAR(fd, CONTROL_1(DID_1, "\5", "abc"));
    SAY(fd, "\xe0\0");
    hear_the_end(fd);
    for (unsigned i = IDS + 1; i < IDS + WAITING; i++)
        assert_int_equal(outcome(&c[i]), MU_E_CLOSED);
    for (unsigned i = 0; i < IDS + 1; i++) {
        struct event e = fake_event(i + 1);
        fake_commit(&e, MU_OK);
        assert_int_equal(outcome(&c[i]), MU_OK);
    }
}

static const char echo[] = "\0\0\0\3\3\0\0\x91";

static void a_paced_device_gets_one_packet_at_a_time(void **state)
{
    (void)state;
    struct control one, two;
    static const uint8_t frame[] = { 0, 0, 0, 3, 4, 0, 0, 0x90, 1 };
    int fd = LOG_IN(CONNECT_31(DID_1));
    struct control_port port = access_control_port(access_);
    struct control *both[] = { &one, &two };
    char packet[64];

    SAY(fd, SUBSCRIBE(DID_1, "\0"));
    HEAR(fd, "\x90\3\0\1\0");
    for (int i = 0; i < 2; i++) {
        *both[i] = (struct control){ .req = { .device = 1, .frame = frame, .frame_len = sizeof(frame),
                                              .done = done }, .err = -1 };
        port.send(port.ctx, &both[i]->req);
    }
    memcpy(packet, CONTROL_0(DID_1, ""), 45);
    packet[1] = 0x34;
    memcpy(packet + 45, frame, sizeof(frame));
    hear(fd, packet, 45 + sizeof(frame));
    /* Behind the PUBLISH everything waits for the echo, and then the PONG comes before the next. */
    SAY(fd, PING);
    say(fd, "\x30\x28\0\x1e" "dev2app/" DID_1, 34);
    say(fd, echo, sizeof(echo) - 1);
    HEAR(fd, PONG);
    hear(fd, packet, 45 + sizeof(frame));
    /* login, control, echo, control */
    struct event e[] = { fake_event(1), fake_event(3) };
    fake_commit(&e[0], MU_OK);
    fake_commit(&e[1], MU_OK);
    assert_int_equal(outcome(&one), MU_OK);
    assert_int_equal(outcome(&two), MU_OK);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_puback_comes_after_the_commit_and_not_before),
        TEST(a_qos_2_message_is_recorded_once),
        TEST(a_failed_commit_ends_the_session_without_an_acknowledgement),
        TEST(a_late_commit_acknowledges_nothing_in_a_later_session),
        TEST(acknowledgements_of_a_batch_come_in_order),
        TEST(without_room_reading_stops_and_goes_on_when_there_is_some),
        TEST(a_session_that_ends_while_it_waits_for_room_is_over),
        TEST(a_second_login_ends_the_first_as_offline_force),
        TEST(a_disabled_device_is_put_out),
        TEST(messages_are_handed_over_before_the_end_and_the_will_behind_them),
        TEST(a_will_is_forgotten_with_a_disconnect),
        TEST(a_full_disk_refuses_logins),
        TEST(a_shutdown_ends_every_session_and_refuses_new_ones),
        TEST(a_control_is_done_when_its_log_is),
        TEST(a_device_that_does_not_listen_gets_no_control),
        TEST(controls_wait_for_a_packet_id_and_the_ninth_is_refused),
        TEST(a_paced_device_gets_one_packet_at_a_time),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
