/* Messages between nodes over a PostgreSQL of the test's own. */
#include "bus/bus.h"

#include "base/unit_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "postgres/pg_fixture.h"

static char uri[PG_FIXTURE_URI];

enum { SEEN_MAX = 20000 };

struct hearer {
    struct bus *bus;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count, gaps;
    struct {
        uint64_t from;
        uint8_t kind;
        size_t len;
        uint8_t body[BUS_BODY_MAX];
    } * seen;
};

static struct hearer a, b, c;

static void on_message(void *ctx, const struct bus_message *m)
{
    struct hearer *n = ctx;

    pthread_mutex_lock(&n->lock);
    assert_true(n->count < SEEN_MAX);
    n->seen[n->count].from = m->from;
    n->seen[n->count].kind = m->kind;
    n->seen[n->count].len = m->len;
    memcpy(n->seen[n->count++].body, m->body, m->len);
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

static void on_gap(void *ctx)
{
    struct hearer *n = ctx;

    pthread_mutex_lock(&n->lock);
    n->gaps++;
    pthread_cond_broadcast(&n->changed);
    pthread_mutex_unlock(&n->lock);
}

/* It ends by the timeout of the test if that never comes. */
static void wait_for(struct hearer *n, size_t count, size_t gaps)
{
    pthread_mutex_lock(&n->lock);
    while (n->count < count || n->gaps < gaps)
        pthread_cond_wait(&n->changed, &n->lock);
    pthread_mutex_unlock(&n->lock);
}

static void start(struct hearer *n, uint64_t boot)
{
    *n = (struct hearer){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    n->seen = calloc(SEEN_MAX, sizeof(*n->seen));
    assert_int_equal(bus_start(&n->bus,
                               &(struct bus_options){
                                   .uri = uri, .boot = boot, .ctx = n, .on_message = on_message, .on_gap = on_gap }),
                     MU_OK);
    wait_for(n, 0, 1);
}

static void stop(struct hearer *n)
{
    bus_stop(n->bus);
    free(n->seen);
}

static int three(void **state)
{
    (void)state;
    pg_fixture_database(uri);
    start(&a, 1);
    start(&b, 2);
    start(&c, 3);
    return 0;
}

static int none(void **state)
{
    (void)state;
    stop(&a);
    stop(&b);
    stop(&c);
    return 0;
}

static void a_message_reaches_its_node_and_no_other(void **state)
{
    (void)state;
    bus_send(a.bus, 2, 7, "\0x", 2);
    bus_send(b.bus, 3, 8, "", 0);
    bus_send(c.bus, 1, 9, "abc", 3);
    wait_for(&b, 1, 1);
    wait_for(&c, 1, 1);
    wait_for(&a, 1, 1);
    assert_true(b.seen[0].from == 1 && b.seen[0].kind == 7 && b.seen[0].len == 2);
    assert_memory_equal(b.seen[0].body, "\0x", 2);
    assert_true(c.seen[0].from == 2 && c.seen[0].kind == 8 && c.seen[0].len == 0);
    assert_true(a.seen[0].from == 3 && a.seen[0].len == 3);
    assert_true(a.count == 1 && b.count == 1 && c.count == 1);
}

static void a_message_to_all_reaches_all_others(void **state)
{
    (void)state;
    bus_send(a.bus, 0, 1, "x", 1);
    wait_for(&b, 1, 1);
    wait_for(&c, 1, 1);
    bus_send(b.bus, 1, 2, "y", 1);
    wait_for(&a, 1, 1);
    assert_int_equal(a.seen[0].kind, 2); /* its own did not come back */
}

static void the_longest_body_comes_whole_and_messages_keep_their_order(void **state)
{
    enum { MANY = 5000 };
    static uint8_t body[BUS_BODY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(i * 31);
    bus_send(a.bus, 2, 0, body, sizeof(body));
    for (uint32_t i = 0; i < MANY; i++)
        bus_send(a.bus, 2, 1, &i, sizeof(i));
    wait_for(&b, MANY + 1, 1);
    assert_int_equal(b.seen[0].len, sizeof(body));
    assert_memory_equal(b.seen[0].body, body, sizeof(body));
    for (uint32_t i = 0; i < MANY; i++)
        assert_memory_equal(b.seen[i + 1].body, &i, sizeof(i));
    while (bus_figures(a.bus).sent < MANY + 1) /* it counts when the server has answered */
        usleep(100);
    assert_int_equal(bus_figures(a.bus).sent, MANY + 1);
    assert_int_equal(bus_figures(a.bus).lost, 0);
    assert_int_equal(bus_figures(b.bus).received, MANY + 1);
}

static void what_is_no_message_is_left_out(void **state)
{
    (void)state;
    pg_fixture_sql(uri,
                   "NOTIFY muster; NOTIFY muster, 'hello'; NOTIFY muster, '1 2 !!!!'; NOTIFY muster, '9 300 AAAA'; "
                   "NOTIFY muster, '9 3 AAA'; NOTIFY muster, '9 3 AAE='");
    wait_for(&a, 1, 1);
    assert_true(a.count == 1 && a.seen[0].from == 9 && a.seen[0].kind == 3 && a.seen[0].len == 2);
}

static void a_server_that_was_away_leaves_a_gap_and_messages_come_again(void **state)
{
    (void)state;
    pg_fixture_kill();
    pg_fixture_restart();
    wait_for(&a, 0, 2);
    wait_for(&b, 0, 2);
    size_t before = b.count;
    bus_send(a.bus, 2, 5, "z", 1);
    wait_for(&b, before + 1, 2);
    assert_int_equal(b.seen[before].kind, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_reaches_its_node_and_no_other, three, none),
        cmocka_unit_test_setup_teardown(a_message_to_all_reaches_all_others, three, none),
        cmocka_unit_test_setup_teardown(the_longest_body_comes_whole_and_messages_keep_their_order, three, none),
        cmocka_unit_test_setup_teardown(what_is_no_message_is_left_out, three, none),
        cmocka_unit_test_setup_teardown(a_server_that_was_away_leaves_a_gap_and_messages_come_again, three, none),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
