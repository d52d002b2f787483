#include "access/session_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Controls on their way to a device, and what their senders are told. */

struct control_call {
    struct control_request req;
    atomic_int err; /* -1 until it is done */
};

static void done(struct control_request *req, enum mu_err err)
{
    atomic_store(&((struct control_call *)req)->err, (int)err);
}

static void send_control(struct control_call *c, const char *frame)
{
    struct control_port port = access_control_port(fixture_access);

    *c = (struct control_call){
        .req = { .device = 1, .frame = (const uint8_t *)frame, .frame_len = strlen(frame), .done = done }, .err = -1
    };
    port.send(port.ctx, &c->req);
}

static int outcome(struct control_call *c)
{
    for (int i = 0; i < PATIENCE_S * 1000 && atomic_load(&c->err) == -1; i++)
        usleep(1000);
    return atomic_load(&c->err);
}

#define CONTROL_0(did, text) \
    "\x30\x2e\0\x29"         \
    "app2dev/" did "/enterprise" text
#define CONTROL_1(did, id, text) \
    "\x32\x30\0\x29"             \
    "app2dev/" did "/enterprise" \
    "\0" id text

static void a_control_is_done_when_its_log_is(void **state)
{
    (void)state;
    struct control_call c;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, SUBSCRIBE(DID_1, "\0"));
    HEAR(fd, "\x90\3\0\1\0");
    send_control(&c, "abc");
    HEAR(fd, CONTROL_0(DID_1, "abc"));
    struct fake_commit_event e = fake_event(1);
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
    struct control_call c;

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
    static struct control_call c[IDS + WAITING + 1];
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
        struct fake_commit_event e = fake_event(i + 1);
        fake_commit(&e, MU_OK);
        assert_int_equal(outcome(&c[i]), MU_OK);
    }
}

enum { MANY = 8000 };
static struct control_call many[MANY];
static char frames[MANY][LIMIT_FRAME + 1];

/* Sends controls of the longest kind, each with a number in front, until the kernel takes no more and
 * then the session neither; returns how many it took. How long this waits for each does not matter. */
static unsigned send_until_refused(void)
{
    char number[16];

    for (unsigned i = 0; i < MANY; i++) {
        memset(frames[i], '.', LIMIT_FRAME);
        memcpy(frames[i], number, (size_t)snprintf(number, sizeof(number), "#%u", i));
        send_control(&many[i], frames[i]);
        for (int n = 0; n < 400 && atomic_load(&many[i].err) == -1 && fake_event_count() < i + 2; n++)
            usleep(50);
        if (atomic_load(&many[i].err) == MU_E_LIMIT)
            return i;
    }
    fail_msg("the kernel took everything");
    return 0;
}

static void a_control_that_was_not_read_in_time_is_not_read_later(void **state)
{
    (void)state;
    static char heard[MANY * LIMIT_FRAME * 2];
    size_t len = 0;
    ssize_t n;
    int fd = open_narrow_client();

    SAY(fd, CONNECT_311(DID_1));
    HEAR(fd, "\x20\2\0\0");
    SAY(fd, SUBSCRIBE(DID_1, "\0"));
    HEAR(fd, "\x90\3\0\1\0");
    unsigned last = send_until_refused() - 1, logged = fake_event_count() - 1;
    assert_int_equal(outcome(&many[logged]), MU_E_TIMEOUT);
    assert_int_not_equal(outcome(&many[last]), MU_OK);
    while (len < sizeof(heard) && (n = recv(fd, heard + len, sizeof(heard) - len, 0)) > 0)
        len += (size_t)n;
    assert_null(memmem(heard, len, frames[last], LIMIT_FRAME));
    struct fake_commit_event e = fake_event(logged + 1);
    assert_int_equal(e.kind, EVENT_END);
    assert_int_equal(e.reason, END_EXCEPTION);
    close(fd);
}

static const char echo[] = "\0\0\0\3\3\0\0\x91";

static void a_paced_device_gets_one_packet_at_a_time(void **state)
{
    (void)state;
    struct control_call one, two;
    static const uint8_t frame[] = { 0, 0, 0, 3, 4, 0, 0, 0x90, 1 };
    int fd = LOG_IN(CONNECT_31(DID_1));
    struct control_port port = access_control_port(fixture_access);
    struct control_call *both[] = { &one, &two };
    char packet[64];

    SAY(fd, SUBSCRIBE(DID_1, "\0"));
    HEAR(fd, "\x90\3\0\1\0");
    for (int i = 0; i < 2; i++) {
        *both[i] =
            (struct control_call){ .req = { .device = 1, .frame = frame, .frame_len = sizeof(frame), .done = done },
                                   .err = -1 };
        port.send(port.ctx, &both[i]->req);
    }
    memcpy(packet, CONTROL_0(DID_1, ""), 45);
    packet[1] = 0x34;
    memcpy(packet + 45, frame, sizeof(frame));
    hear(fd, packet, 45 + sizeof(frame));
    /* Behind the PUBLISH everything waits for the echo, and then the PONG comes before the next. */
    SAY(fd, PING);
    say(fd,
        "\x30\x28\0\x1e"
        "dev2app/" DID_1,
        34);
    say(fd, echo, sizeof(echo) - 1);
    HEAR(fd, PONG);
    hear(fd, packet, 45 + sizeof(frame));
    /* login, control, echo, control */
    struct fake_commit_event e[] = { fake_event(1), fake_event(3) };
    fake_commit(&e[0], MU_OK);
    fake_commit(&e[1], MU_OK);
    assert_int_equal(outcome(&one), MU_OK);
    assert_int_equal(outcome(&two), MU_OK);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_control_is_done_when_its_log_is),
        TEST(a_device_that_does_not_listen_gets_no_control),
        TEST(controls_wait_for_a_packet_id_and_the_ninth_is_refused),
        TEST(a_control_that_was_not_read_in_time_is_not_read_later),
        TEST(a_paced_device_gets_one_packet_at_a_time),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
