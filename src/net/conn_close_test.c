#include "base/unit_test.h"

#include <stdlib.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn_fixture.h"

/* How connections end: by us, by the peer, in order or by a reset, and what the owner is told. */

enum { MESSAGE = 10 };

static size_t close_then_look(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_close(&o->c);
    conn_close(&o->c);
    return owner_take(o, bytes, len); /* the bytes outlive the connection */
}

static void closing_inside_data_is_told_after_it(void **state)
{
    struct conn_fixture *f = *state;

    f->o->on_data = close_then_look;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, "bye", 3);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
    assert_int_equal(f->o->got.len, 3);
}

static void close_in_drained(struct owner *o)
{
    conn_close(&o->c);
}

static void closing_inside_drained_is_told_after_it(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN);
    struct owner_writing w = { .o = f->o, .bytes = bytes, .len = LEN };

    f->o->on_drained = close_in_drained;
    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(testing_read(f->peer, bytes, LEN), LEN);
    owner_wait_closed(f->o);
    free(bytes);
}

static size_t close_the_other(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_close(&((struct owner *)o->ctx)->c);
    return owner_take(o, bytes, len);
}

static void resume_both(void *arg)
{
    struct owner *o = arg;
    conn_resume(&o->c);
    conn_resume(&((struct owner *)o->ctx)->c);
}

/* Both have input in the same round; whoever comes first closes the other, which must not be called
 * after that. */
static void a_connection_can_close_another_that_is_ready_too(void **state)
{
    struct conn_fixture *f = *state;
    struct owner *other = owner_new(f->loop);
    int fd, peer;

    f->o->on_data = other->on_data = close_the_other;
    f->o->ctx = other;
    other->ctx = f->o;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_tcp_pair(&peer, &fd);
    assert_int_equal(owner_open(other, fd, NULL, IN_MAX, OUT_MAX), MU_OK);
    on_loop(f->loop, owner_pause_now, f->o);
    on_loop(f->loop, owner_pause_now, other);
    testing_send(f->peer, "x", 1);
    testing_send(peer, "x", 1);
    on_loop(f->loop, resume_both, f->o);
    on_loop(f->loop, testing_nothing, NULL); /* the round that reads */
    on_loop(f->loop, testing_nothing, NULL);
    assert_int_equal(owner_counter(&f->o->data_calls) + owner_counter(&other->data_calls), 1);
    assert_int_equal(owner_counter(&f->o->closed_calls) + owner_counter(&other->closed_calls), 1);
    on_loop(f->loop, owner_close_now, f->o);
    on_loop(f->loop, owner_close_now, other);
    owner_wait_closed(f->o);
    owner_wait_closed(other);
    owner_free(other);
    close(peer);
}

struct failing_write {
    struct timer timer;
    struct owner *o;
    enum mu_err err;
};

static void write_until_it_fails(struct timer *t)
{
    struct failing_write *w = (struct failing_write *)t;
    w->err = conn_write(&w->o->c, "x", 1);
    if (w->err == MU_OK)
        timer_start(w->o->loop, t, 1);
}

static void start_writing(void *arg)
{
    struct failing_write *w = arg;
    conn_pause(&w->o->c); /* so that writing finds out, not reading */
    timer_start(w->o->loop, &w->timer, 1);
}

static void a_write_that_fails_in_a_timer_ends_the_connection(void **state)
{
    struct conn_fixture *f = *state;
    struct failing_write w = { .timer.fire = write_until_it_fails, .o = f->o };

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, start_writing, &w);
    peer_resets(f);
    owner_wait_closed(f->o);
    assert_int_equal(w.err, MU_E_CLOSED);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void an_orderly_end_of_the_peer_is_told(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, "last words", 10);
    peer_closes(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    assert_int_equal(f->o->got.len, 10);
}

static void a_reset_of_the_peer_is_told(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    peer_resets(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static size_t answer_much(struct owner *o, const uint8_t *bytes, size_t len)
{
    struct owner_writing w = { .o = o, .bytes = o->ctx, .len = 2 * 1024 * 1024 };
    owner_write_now(&w);
    return owner_take(o, bytes, len);
}

static void a_peer_that_has_closed_its_half_gets_its_whole_answer(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 2 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN), *got = malloc(LEN + 1);

    f->o->on_data = answer_much;
    f->o->ctx = bytes;
    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    testing_send(f->peer, "GET", 3);
    shutdown(f->peer, SHUT_WR);
    testing_assert_sleeps(f->loop);
    assert_int_equal(testing_read(f->peer, got, LEN + 1), LEN);
    assert_memory_equal(got, bytes, LEN);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    free(bytes);
    free(got);
}

static size_t answer_one_message_and_pause(struct owner *o, const uint8_t *bytes, size_t len)
{
    (void)len;
    conn_pause(&o->c);
    return answer_much(o, bytes, MESSAGE);
}

static void go_on_when_drained(struct owner *o)
{
    conn_resume(&o->c);
}

/* The event that tells of the peer's end is the one in which the owner goes on. */
static void a_rest_is_answered_before_the_end_behind_it(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 2 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN), *got = malloc(LEN);

    f->o->on_data = answer_one_message_and_pause;
    f->o->on_drained = go_on_when_drained;
    f->o->ctx = bytes;
    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    testing_send(f->peer, "first.....second....", 20);
    shutdown(f->peer, SHUT_WR);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(testing_read(f->peer, got, LEN), LEN);
        assert_memory_equal(got, bytes, LEN);
    }
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    free(bytes);
    free(got);
}

static void close_when_sent_sends_everything_first(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN), *got = malloc(LEN + 1);
    struct owner_writing w = { .o = f->o, .bytes = bytes, .len = LEN, .close = true };

    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, owner_write_now, &w);
    assert_true(w.unsent > 0);
    assert_int_equal(testing_read(f->peer, got, LEN + 1), LEN);
    assert_memory_equal(got, bytes, LEN);
    testing_assert_sleeps(f->loop);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0); /* it waits for us */
    peer_closes(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
    assert_int_equal(owner_counter(&f->o->drained_calls), 0);
    free(bytes);
    free(got);
}

static size_t refuse(struct owner *o, const uint8_t *bytes, size_t len)
{
    struct owner_writing w = { .o = o, .bytes = (const uint8_t *)"413 too large", .len = 13, .close = true };
    (void)bytes;
    owner_write_now(&w);
    return len;
}

/* An upload that is refused at its first bytes: closing at once would answer the rest with a reset,
 * which takes the answer with it. */
static void an_answer_survives_the_upload_that_it_refuses(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 8 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN);
    char got[14];

    f->o->on_data = refuse;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, LEN);
    assert_int_equal(testing_read(f->peer, got, sizeof(got)), 13);
    assert_memory_equal(got, "413 too large", 13);
    assert_int_equal(owner_counter(&f->o->data_calls), 1);
    peer_closes(f);
    owner_wait_closed(f->o);
    free(bytes);
}

static void a_peer_that_never_closes_is_left_in_the_end(void **state)
{
    struct conn_fixture *f = *state;
    struct owner_writing w = { .o = f->o, .bytes = (const uint8_t *)"bye", .len = 3, .close = true };

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_write_now, &w);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
}

static void a_loop_that_has_ended_closes_at_once(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    loop_stop(f->loop);
    loop_join(f->loop);
    conn_close(&f->o->c);
    assert_int_equal(owner_counter(&f->o->closed_calls), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conn_set_up, conn_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(closing_inside_data_is_told_after_it),
        TEST(closing_inside_drained_is_told_after_it),
        TEST(a_connection_can_close_another_that_is_ready_too),
        TEST(a_write_that_fails_in_a_timer_ends_the_connection),
        TEST(an_orderly_end_of_the_peer_is_told),
        TEST(a_reset_of_the_peer_is_told),
        TEST(a_peer_that_has_closed_its_half_gets_its_whole_answer),
        TEST(a_rest_is_answered_before_the_end_behind_it),
        TEST(close_when_sent_sends_everything_first),
        TEST(an_answer_survives_the_upload_that_it_refuses),
        TEST(a_peer_that_never_closes_is_left_in_the_end),
        TEST(a_loop_that_has_ended_closes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
