#include "access/session_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* A session that ends while what it has sent is being committed: it is still told. */

static int log_in_5(void)
{
    int fd = open_client();
    uint8_t connack[128];

    SAY(fd, CONNECT_5(DID_1));
    assert_true(recv(fd, connack, sizeof(connack), 0) > 4);
    return fd;
}

#define REPORT_5(did, id, text) \
    "\x32\x26\0\x1e"            \
    "dev2app/" did "\0" id "\0" text

static void whose_session_is_taken_over_gets_its_acknowledgements_first(void **state)
{
    (void)state;
    int one = log_in_5();

    SAY(one, REPORT_5(DID_1, "\7", "abc") REPORT_5(DID_1, "\x8", "def"));
    struct fake_commit_event first = fake_event(1), second = fake_event(2);
    int two = LOG_IN(CONNECT_311(DID_1));
    assert_int_equal(fake_event(3).reason, END_FORCE);
    fake_commit(&first, MU_OK);
    HEAR(one, "\x40\2\0\7");
    fake_commit(&second, MU_OK);
    HEAR(one, "\x40\2\0\x8"
              "\xe0\1\x8e");
    hear_the_end(one);
    SAY(two, PING);
    HEAR(two, PONG);
    close(two);
}

static void who_breaks_a_rule_gets_his_acknowledgements_first(void **state)
{
    (void)state;
    int fd = log_in_5();

    SAY(fd, REPORT_5(DID_1, "\7", "abc") "\x36\0" REPORT_5(DID_1, "\x8", "def"));
    struct fake_commit_event e = fake_event(1);
    assert_int_equal(fake_event(2).kind, EVENT_END);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x40\2\0\7"
             "\xe0\1\x81");
    hear_the_end(fd);
    assert_int_equal(fake_event_count(), 3); /* what stood behind is nobody's */
}

static void before_5_0_the_acknowledgements_are_all_that_is_said(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_2(DID_1, "\7", "abc") "\xf0\0");
    struct fake_commit_event e = fake_event(1);
    assert_int_equal(fake_event(2).kind, EVENT_END);
    fake_commit(&e, MU_OK);
    HEAR(fd, "\x50\2\0\7");
    hear_the_end(fd);
}

static void what_pacing_held_back_goes_before_the_end(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_31(DID_1));

    SAY(fd, "\x82\x27\0\1\0\x22"
            "ser2cli_res/" DID_1 "\0"
            "\x30\x13\0\x0b"
            "cli2ser_req"
            "\0\0\0\3\2\x0f");
    HEAR(fd, "\x90\3\0\1\0");
    HEAR(fd, "\x30\x2c\0\x22"
             "ser2cli_res/" DID_1 "\0\0\0\3\2\x10\0\0");
    SAY(fd, REPORT_1(DID_1, "\7", "abc"));
    struct fake_commit_event e = fake_event(1);
    fake_commit(&e, MU_OK); /* held back: the device is to answer first */
    int two = LOG_IN(CONNECT_31(DID_1));
    HEAR(fd, "\x40\2\0\7");
    hear_the_end(fd);
    close(two);
}

static void what_was_committed_is_acknowledged_though_the_next_was_not(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc") REPORT_1(DID_1, "\x8", "def") REPORT_1(DID_1, "\x9", "ghi"));
    struct fake_commit_event e[] = { fake_event(1), fake_event(2), fake_event(3) };
    e[0].sink->done(e[0].sink, e[0].owner, e[0].tag, MU_OK);
    e[1].sink->done(e[1].sink, e[1].owner, e[1].tag, MU_E_IO);
    e[2].sink->done(e[2].sink, e[2].owner, e[2].tag, MU_OK);
    e[0].sink->flush(e[0].sink);
    HEAR(fd, "\x40\2\0\7"
             "\x40\2\0\x9");
    hear_the_end(fd);
}

static void who_goes_while_he_waits_is_forgotten(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc") "\xf0\0");
    struct fake_commit_event e = fake_event(1);
    assert_int_equal(fake_event(2).kind, EVENT_END);
    reset_client(fd);
    fd = LOG_IN(CONNECT_311(DID_1));
    fake_commit(&e, MU_OK);
    SAY(fd, PING);
    HEAR(fd, PONG);
    close(fd);
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    int fd = LOG_IN(CONNECT_311(DID_1));

    SAY(fd, REPORT_1(DID_1, "\7", "abc") "\xf0\0");
    hear_the_end(fd);
    assert_int_equal(fake_event_count(), 3);
}

static void *shut_down(void *ctx)
{
    access_shutdown(fixture_access, END_EXCEPTION);
    return ctx;
}

static void a_shutdown_waits_for_the_acknowledgements(void **state)
{
    (void)state;
    int fd = log_in_5();
    pthread_t thread;

    SAY(fd, REPORT_5(DID_1, "\7", "abc"));
    struct fake_commit_event e = fake_event(1);
    assert_int_equal(pthread_create(&thread, NULL, shut_down, NULL), 0);
    assert_int_equal(fake_event(2).kind, EVENT_END);
    fake_commit(&e, MU_OK);
    pthread_join(thread, NULL);
    HEAR(fd, "\x40\2\0\7"
             "\xe0\1\x8b");
    hear_the_end(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whose_session_is_taken_over_gets_its_acknowledgements_first),
        TEST(who_breaks_a_rule_gets_his_acknowledgements_first),
        TEST(before_5_0_the_acknowledgements_are_all_that_is_said),
        TEST(what_pacing_held_back_goes_before_the_end),
        TEST(what_was_committed_is_acknowledged_though_the_next_was_not),
        TEST(who_goes_while_he_waits_is_forgotten),
        TEST(nobody_waits_for_ever),
        TEST(a_shutdown_waits_for_the_acknowledgements),
    };
    return cmocka_run_group_tests_name("leaving", tests, NULL, NULL);
}
