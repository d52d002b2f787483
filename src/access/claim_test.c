#include "access/session_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* From CONNECT to CONNACK: a session claims its device. */

static void must_be_silent(int fd)
{
    uint8_t byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
}

/* --- one login -----------------------------------------------------------------------------------*/

static atomic_int control_err;

static void control_done(struct control_request *req, enum mu_err err)
{
    (void)req;
    atomic_store(&control_err, (int)err);
}

static enum mu_err send_control(void)
{
    static struct control_request req = { .device = 1, .frame = (const uint8_t *)"abc", .frame_len = 3 };
    struct control_port port = access_control_port(fixture_access);

    req.done = control_done;
    atomic_store(&control_err, -1);
    port.send(port.ctx, &req);
    for (int i = 0; i < PATIENCE_S * 1000 && atomic_load(&control_err) == -1; i++)
        usleep(1000);
    return (enum mu_err)atomic_load(&control_err);
}

static void connack_comes_when_the_login_is_on_record_and_not_before(void **state)
{
    (void)state;
    struct fake_commit_event login;
    struct access_session found;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1) PING, 0, &login);
    /* The loop answers these two behind what it has read. */
    assert_int_equal(send_control(), MU_E_CLOSED);
    assert_int_equal(access_find_session(fixture_access, 1, &found), MU_E_OFFLINE);
    must_be_silent(fd);
    assert_int_equal(fixture_figures().sessions, 0);
    assert_int_equal(fixture_figures().logins, 0);
    fake_commit(&login, MU_OK);
    HEAR(fd, "\x20\2\0\0" PONG);
    assert_int_equal(fixture_figures().sessions, 1);
    assert_int_equal(fixture_figures().logins, 1);
    assert_int_equal(access_find_session(fixture_access, 1, &found), MU_OK);
    close(fd);
}

static void what_is_sent_behind_connect_is_handled_after_connack_in_its_order(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1) SUBSCRIBE(DID_1, "\1") REPORT_0(DID_1, "abc"), 0, &login);
    SAY(fd, REPORT_1(DID_1, "\7", "def") REPORT_2(DID_1, "\x8", "ghi") PING "\xe0\0");
    assert_int_equal(send_control(), MU_E_CLOSED);
    assert_int_equal(fake_event_count(), 1);
    fake_commit(&login, MU_OK);
    HEAR(fd, "\x20\2\0\0"
             "\x90\3\0\1\1" PONG);
    hear_the_end(fd);
    assert_string_equal(fake_event(1).payload, "abc");
    assert_string_equal(fake_event(2).payload, "def");
    assert_string_equal(fake_event(3).payload, "ghi");
    assert_int_equal(fake_event(4).reason, END_MQTT_DISCONNECT);
}

static void much_behind_connect_waits_in_the_kernel(void **state)
{
    (void)state;
    enum { PINGS = 20000 }; /* twenty times what a connection may keep */
    static char pings[2 * PINGS], pongs[2 * PINGS];
    struct fake_commit_event login;
    size_t len = 0;
    ssize_t n;

    for (size_t i = 0; i < PINGS; i++)
        memcpy(pings + 2 * i, PING, 2);
    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1), 0, &login);
    say(fd, pings, sizeof(pings));
    assert_int_equal(send_control(), MU_E_CLOSED);
    fake_commit(&login, MU_OK);
    HEAR(fd, "\x20\2\0\0");
    while (len < sizeof(pongs) && (n = recv(fd, pongs + len, sizeof(pongs) - len, 0)) > 0)
        len += (size_t)n;
    assert_int_equal(len, sizeof(pongs));
    close(fd);
}

static void who_closes_behind_connect_is_let_in_first(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1) REPORT_0(DID_1, "abc"), 0, &login);
    shutdown(fd, SHUT_WR);
    assert_int_equal(send_control(), MU_E_CLOSED);
    assert_int_equal(fake_event_count(), 1);
    fake_commit(&login, MU_OK);
    HEAR(fd, "\x20\2\0\0");
    hear_the_end(fd);
    assert_string_equal(fake_event(1).payload, "abc");
    assert_int_equal(fake_event(2).kind, EVENT_END);
    assert_int_equal(fake_event(2).reason, END_TCP_CLOSED);
}

static void of_who_is_gone_before_connack_the_end_is_recorded(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    reset_client(CLAIM(WILL_311(DID_1), 0, &login));
    fake_commit(&login, MU_OK);
    struct fake_commit_event end = fake_event(1);
    if (end.kind == EVENT_REPORT) /* the will, if CONNACK could still be written */
        end = fake_event(2);
    assert_int_equal(end.kind, EVENT_END);
    assert_int_equal(end.session, login.session);
    assert_false(fixture_is_connected());
}

/* --- a login that is not stored --------------------------------------------------------------------*/

static void must_be_refused(enum mu_err err, const char connack[4], enum refusal_reason why)
{
    struct fake_commit_event login;
    unsigned n = fake_event_count();
    int fd = CLAIM(CONNECT_311(DID_1) PING, n, &login);

    fake_commit(&login, err);
    hear(fd, connack, 4);
    hear_the_end(fd);
    assert_false(fixture_is_connected());
    assert_int_equal(fake_event_count(), n + 1); /* and no end */
    assert_int_equal(fixture_figures().refused[why], 1);
}

static void a_login_that_is_not_stored_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct fake_commit_event login;
    struct refusal refusals[REFUSALS_PER_NAME];

    fake_hold_logins();
    must_be_refused(MU_E_IO, "\x20\2\0\3", REFUSED_NOT_STORED);
    must_be_refused(MU_E_FULL, "\x20\2\0\3", REFUSED_DISK_FULL);
    must_be_refused(MU_E_NOMEM, "\x20\2\0\3", REFUSED_MEMORY);
    must_be_refused(MU_E_NOT_FOUND, "\x20\2\0\4", REFUSED_UNKNOWN_DID);
    assert_int_equal(access_find_refusals(fixture_access, STR(DID_1), refusals), 4);
    assert_int_equal(fixture_figures().sessions, 0);
    int fd = CLAIM(CONNECT_311(DID_1), 4, &login);
    assert_false(login.takeover);
    fake_commit(&login, MU_OK);
    HEAR(fd, "\x20\2\0\0");
    close(fd);
}

static void a_login_without_an_answer_is_refused_in_the_end_and_its_end_recorded(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1), 0, &login);
    struct timeval patience = { .tv_sec = 3 * PATIENCE_S };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    HEAR(fd, "\x20\2\0\3");
    hear_the_end(fd);
    assert_int_equal(fake_event(1).kind, EVENT_END);
    assert_int_equal(fake_event(1).reason, END_EXCEPTION);
    assert_int_equal(fixture_figures().refused[REFUSED_NOT_STORED], 1);
    fake_commit(&login, MU_OK); /* too late */
    assert_false(fixture_is_connected());
}

/* --- ended by others -------------------------------------------------------------------------------*/

static void who_is_ended_before_connack_is_refused_and_its_end_recorded(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1) REPORT_0(DID_1, "abc"), 0, &login);
    assert_int_equal(access_end_session(fixture_access, 1, END_RESET), MU_OK);
    HEAR(fd, "\x20\2\0\3");
    hear_the_end(fd);
    assert_int_equal(fake_event(1).kind, EVENT_END);
    assert_int_equal(fake_event(1).session, login.session);
    assert_int_equal(fake_event(1).reason, END_RESET);
    fake_commit(&login, MU_OK);
    assert_int_equal(fixture_figures().refused[REFUSED_KICKED], 1);
    assert_int_equal(fixture_figures().logins, 0);
    assert_int_equal(fake_event_count(), 2);
}

static void who_is_disabled_before_connack_is_told_so(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1), 0, &login);
    fake_disable(1); /* the fleet says it before the committer answers */
    fake_commit(&login, MU_OK);
    HEAR(fd, "\x20\2\0\5");
    hear_the_end(fd);
    assert_int_equal(fake_event(1).reason, END_RESET);
    assert_int_equal(fixture_figures().refused[REFUSED_DISABLED], 1);
}

static void a_shutdown_ends_who_has_no_connack_yet(void **state)
{
    (void)state;
    struct fake_commit_event login;

    fake_hold_logins();
    int fd = CLAIM(CONNECT_311(DID_1), 0, &login);
    access_shutdown(fixture_access, END_EXCEPTION);
    HEAR(fd, "\x20\2\0\3");
    hear_the_end(fd);
    assert_int_equal(fake_event(1).kind, EVENT_END);
    assert_int_equal(fake_event(1).session, login.session);
    fake_commit(&login, MU_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connack_comes_when_the_login_is_on_record_and_not_before),
        TEST(what_is_sent_behind_connect_is_handled_after_connack_in_its_order),
        TEST(much_behind_connect_waits_in_the_kernel),
        TEST(who_closes_behind_connect_is_let_in_first),
        TEST(of_who_is_gone_before_connack_the_end_is_recorded),
        TEST(a_login_that_is_not_stored_is_refused_and_leaves_nothing),
        TEST(a_login_without_an_answer_is_refused_in_the_end_and_its_end_recorded),
        TEST(who_is_ended_before_connack_is_refused_and_its_end_recorded),
        TEST(who_is_disabled_before_connack_is_told_so),
        TEST(a_shutdown_ends_who_has_no_connack_yet),
    };
    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
