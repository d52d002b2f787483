#include "access/session_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/session_table.h"
#include "net/loop.h"

/* A device that logs in while it has a session: the end of that one comes first. */

static void who_takes_over_from_a_login_under_way_follows_its_end(void **state)
{
    (void)state;
    struct fake_commit_event first, second;

    fake_hold_logins();
    int one = CLAIM(CONNECT_311(DID_1), 0, &first), two = CLAIM(CONNECT_311(DID_1), 2, &second);
    assert_int_equal(fake_event(1).kind, EVENT_END);
    assert_int_equal(fake_event(1).session, first.session);
    assert_int_equal(fake_event(1).reason, END_FORCE);
    assert_true(second.takeover && second.session > first.session);
    HEAR(one, "\x20\2\0\3");
    hear_the_end(one);
    assert_int_equal(fixture_figures().refused[REFUSED_REPLACED], 1);
    fake_commit(&first, MU_OK);
    fake_commit(&second, MU_OK);
    HEAR(two, "\x20\2\0\0");
    assert_int_equal(fixture_figures().takeovers, 1);
    close(two);
}

static void a_take_over_does_not_wait_for_a_socket_that_is_stuck(void **state)
{
    (void)state;
    int one = open_narrow_client();
    static char pings[60000];

    for (size_t i = 0; i < sizeof(pings); i += 2)
        memcpy(pings + i, PING, 2);
    SAY(one, CONNECT_311(DID_1));
    HEAR(one, "\x20\2\0\0");
    SAY(one, REPORT_1(DID_1, "\7", "abc")); /* it waits for this too */
    for (int i = 0; i < 200 && send(one, pings, sizeof(pings), MSG_DONTWAIT) > 0; i++)
        usleep(1000);
    fake_event(1);
    int two = LOG_IN(CONNECT_311(DID_1));
    assert_int_equal(fake_event(2).reason, END_FORCE);
    assert_int_equal(fake_event(3).kind, EVENT_LOGIN);
    close(one);
    close(two);
}

/* A loop that does nothing until it is let go. */
struct standstill {
    struct mail mail;
    sem_t begun, over;
};

static void stand_still(struct mail *m, struct loop *loop)
{
    struct standstill *s = (struct standstill *)m;

    (void)loop;
    sem_post(&s->begun);
    while (sem_wait(&s->over) != 0)
        ;
}

static void not_dropped(struct mail *m)
{
    (void)m;
}

/* The records of device 1 must be a login, its end, the next login, and so on; returns how many logins there are. */
static unsigned must_take_turns(void)
{
    unsigned logins = 0;
    uint64_t open = 0, last = 0;

    for (unsigned i = 0; i < fake_event_count(); i++) {
        struct fake_commit_event e = fake_event(i);
        if (e.kind == EVENT_LOGIN) {
            assert_int_equal(open, 0);
            assert_true(e.session > last);
            open = last = e.session;
            logins++;
        } else if (e.kind == EVENT_END) {
            assert_int_equal(e.session, open);
            open = 0;
        }
    }
    return logins;
}

static bool hears(int fd, const char *packet, size_t len)
{
    char got[8];
    return recv(fd, got, len, MSG_DONTWAIT | MSG_PEEK) == (ssize_t)len && memcmp(got, packet, len) == 0;
}

enum { RIVALS = 24 };
static int rivals[RIVALS];
static struct standstill still;

/* The first session's loop stands still, so that its end has to be waited for. Of the others, those on the two other
 * loops take each other's place; those on the first loop come when it goes on. */
static void let_rivals_wait(void)
{
    still = (struct standstill){ .mail = { .deliver = stand_still, .drop = not_dropped } };
    sem_init(&still.begun, 0, 0);
    sem_init(&still.over, 0, 0);
    loop_post(fixture_loops[session_handle_loop(fake_event(0).owner)], &still.mail);
    sem_wait(&still.begun);
    for (int i = 0; i < RIVALS; i++) {
        rivals[i] = open_client();
        SAY(rivals[i], CONNECT_311(DID_1));
    }
    while (fixture_figures().refused[REFUSED_REPLACED] < 3) /* as many as are surely not on that loop */
        usleep(1000);
}

static void of_many_that_wait_for_an_end_the_last_one_is_let_in(void **state)
{
    (void)state;
    int in = 0, refused = 0, one = LOG_IN(CONNECT_311(DID_1));

    let_rivals_wait();
    assert_int_equal(fake_event_count(), 1); /* none is handed over before the end */
    sem_post(&still.over);
    hear_the_end(one);
    while (fixture_figures().logins + fixture_figures().refused[REFUSED_REPLACED] < RIVALS + 1)
        usleep(1000);
    struct access_session found;
    while (access_find_session(fixture_access, 1, &found) != MU_OK)
        usleep(1000);
    for (int i = 0; i < RIVALS; i++) {
        in += hears(rivals[i], "\x20\2\0\0", 4);
        refused += hears(rivals[i], "\x20\2\0\3", 4);
        reset_client(rivals[i]);
    }
    assert_int_equal(in + refused, RIVALS);
    assert_in_range(in, 1, RIVALS - 3);
    while (fixture_is_connected())
        usleep(1000);
    assert_int_equal(must_take_turns() + fixture_figures().refused[REFUSED_REPLACED], RIVALS + 1);
    assert_int_equal(fixture_figures().sessions, 0);
}

enum { TURNS = 150 };

/* Not every one hears a CONNACK: another one may be faster. */
static void *log_in_again_and_again(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < TURNS; i++) {
        char connack[4];
        int fd = open_client();
        SAY(fd, CONNECT_311(DID_1));
        if (i % 3 && recv(fd, connack, 4, 0) == 4 && i % 2)
            (void)!send(fd, "\xe0\0", 2, MSG_NOSIGNAL);
        if (i % 5 == 0)
            reset_client(fd);
        else
            close(fd);
    }
    return NULL;
}

static void logins_that_race_on_three_loops_take_turns(void **state)
{
    (void)state;
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_in_again_and_again, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    while (fixture_figures().connections)
        usleep(1000);
    assert_false(fixture_is_connected());
    assert_in_range(must_take_turns(), TURNS, 3 * TURNS);
    assert_int_equal(fixture_figures().sessions, 0);
}

static void who_waits_for_an_end_and_goes_leaves_its_place_to_the_next(void **state)
{
    (void)state;
    int one = LOG_IN(CONNECT_311(DID_1));

    let_rivals_wait();
    fake_disable(1); /* ends the one that waits */
    while (fixture_figures().refused[REFUSED_DISABLED] < 1)
        usleep(1000);
    assert_true(fixture_is_connected()); /* the first one still is */
    sem_post(&still.over);
    hear_the_end(one);
    while (fixture_figures().connections > RIVALS)
        usleep(1000);
    for (int i = 0; i < RIVALS; i++)
        reset_client(rivals[i]);
    while (fixture_figures().connections)
        usleep(1000);
    assert_false(fixture_is_connected());
    must_take_turns();
}

static int setup_loops(void **state)
{
    (void)state;
    return fixture_setup_loops(3);
}

#define TEST_LOOPS(name) cmocka_unit_test_setup_teardown(name, setup_loops, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_takes_over_from_a_login_under_way_follows_its_end),
        TEST(a_take_over_does_not_wait_for_a_socket_that_is_stuck),
        TEST_LOOPS(of_many_that_wait_for_an_end_the_last_one_is_let_in),
        TEST_LOOPS(who_waits_for_an_end_and_goes_leaves_its_place_to_the_next),
        TEST_LOOPS(logins_that_race_on_three_loops_take_turns),
    };
    return cmocka_run_group_tests_name("takeover", tests, NULL, NULL);
}
