#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_testing.h"

enum { MESSAGE = 10, IN_MAX = 1000, OUT_MAX = 64 * 1024 };

struct fixture {
    struct loop *loop;
    struct owner *o;
    int peer;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->loop = testing_loop();
    f->o = owner_new(f->loop);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    testing_loop_end(f->loop);
    owner_free(f->o);
    close(f->peer);
    free(f);
    return 0;
}

static void open_conn(struct fixture *f, uint32_t in_max, uint32_t out_max)
{
    int fd;
    testing_tcp_pair(&f->peer, &fd);
    assert_int_equal(owner_open(f->o, fd, NULL, in_max, out_max), MU_OK);
}

static void peer_closes(struct fixture *f)
{
    close(f->peer);
    f->peer = -1;
}

/* Closes with a reset instead of an orderly end. */
static void peer_resets(struct fixture *f)
{
    struct linger at_once = { .l_onoff = 1 };
    setsockopt(f->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    peer_closes(f);
}

/* Not below the loopback's segments of 32 KiB, which would go only once a probe timer. */
static void shrink_buffers(struct fixture *f)
{
    int size = 64 * 1024;
    setsockopt(f->peer, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(f->o->c.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void close_now(void *arg)
{
    conn_close(&((struct owner *)arg)->c);
}

static void pause_now(void *arg)
{
    conn_pause(&((struct owner *)arg)->c);
}

static void resume_now(void *arg)
{
    conn_resume(&((struct owner *)arg)->c);
}

static void end_it(struct fixture *f)
{
    on_loop(f->loop, close_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
}

/* A pattern in which a byte that is lost or doubled shows. */
static uint8_t *pattern(size_t len)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    return bytes;
}

/* ---- input ----------------------------------------------------------------------------------*/

static size_t take_whole_messages(struct owner *o, const uint8_t *bytes, size_t len)
{
    size_t used = len - len % MESSAGE;
    owner_take(o, bytes, used);
    return used;
}

static void holds_nothing(void *arg)
{
    struct owner *o = arg;
    o->ctx = o->c.in || o->c.out ? o : NULL;
}

static void input_byte_by_byte_is_gathered_until_it_is_used(void **state)
{
    struct fixture *f = *state;
    uint8_t *bytes = pattern(300);

    f->o->on_data = take_whole_messages;
    open_conn(f, IN_MAX, OUT_MAX);
    for (int i = 0; i < 300; i++)
        testing_send(f->peer, bytes + i, 1);
    owner_wait_got(f->o, 300);
    assert_memory_equal(f->o->got.data, bytes, 300);
    on_loop(f->loop, holds_nothing, f->o);
    assert_null(f->o->ctx);
    free(bytes);
    end_it(f);
}

static void much_input_arrives_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 4 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN);

    f->o->on_data = take_whole_messages;
    open_conn(f, 100 * 1024, OUT_MAX);
    testing_send(f->peer, bytes, LEN);
    owner_wait_got(f->o, LEN - LEN % MESSAGE);
    assert_memory_equal(f->o->got.data, bytes, LEN - LEN % MESSAGE);
    free(bytes);
    end_it(f);
}

static size_t take_nothing(struct owner *o, const uint8_t *bytes, size_t len)
{
    (void)o;
    (void)bytes;
    (void)len;
    return 0;
}

static size_t take_when_full(struct owner *o, const uint8_t *bytes, size_t len)
{
    return len < IN_MAX + 1 ? 0 : owner_take(o, bytes, len);
}

static void a_rest_as_large_as_the_cap_is_kept(void **state)
{
    struct fixture *f = *state;
    uint8_t *bytes = pattern(IN_MAX + 1);

    f->o->on_data = take_when_full;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, IN_MAX);
    owner_wait_counter(&f->o->data_calls, 1);
    testing_send(f->peer, bytes + IN_MAX, 1);
    owner_wait_got(f->o, IN_MAX + 1);
    assert_memory_equal(f->o->got.data, bytes, IN_MAX + 1);
    free(bytes);
    end_it(f);
}

static void a_message_larger_than_the_cap_ends_as_overflow(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[IN_MAX + 1] = { 0 };

    f->o->on_data = take_nothing;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, sizeof(bytes));
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_OVERFLOW);
}

static void a_rest_larger_than_the_read_buffer_is_kept(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 300 * 1024 };
    uint8_t *bytes = pattern(LEN);

    f->o->on_data = take_nothing;
    open_conn(f, LEN, OUT_MAX);
    testing_send(f->peer, bytes, LEN - 1);
    owner_wait_counter(&f->o->data_calls, 4);
    on_loop(f->loop, pause_now, f->o);
    f->o->on_data = NULL;
    on_loop(f->loop, resume_now, f->o);
    testing_send(f->peer, bytes + LEN - 1, 1);
    owner_wait_got(f->o, LEN);
    assert_memory_equal(f->o->got.data, bytes, LEN);
    free(bytes);
    end_it(f);
}

/* ---- pausing --------------------------------------------------------------------------------*/

static size_t take_one_message_and_pause(struct owner *o, const uint8_t *bytes, size_t len)
{
    if (len < MESSAGE)
        return 0;
    owner_take(o, bytes, MESSAGE);
    conn_pause(&o->c);
    return MESSAGE;
}

static void a_pause_in_the_middle_keeps_the_rest_for_later(void **state)
{
    struct fixture *f = *state;
    uint8_t *bytes = pattern(5 * MESSAGE);

    f->o->on_data = take_one_message_and_pause;
    open_conn(f, MESSAGE, OUT_MAX);
    testing_send(f->peer, bytes, 5 * MESSAGE);
    for (unsigned i = 1; i <= 5; i++) {
        owner_wait_got(f->o, i * MESSAGE);
        assert_int_equal(f->o->got.len, i * MESSAGE);
        on_loop(f->loop, resume_now, f->o);
    }
    assert_memory_equal(f->o->got.data, bytes, 5 * MESSAGE);
    free(bytes);
    end_it(f);
}

static size_t pause_and_resume_in_one_call(struct owner *o, const uint8_t *bytes, size_t len)
{
    owner_take(o, bytes, MESSAGE);
    conn_pause(&o->c);
    conn_resume(&o->c);
    (void)len;
    return MESSAGE;
}

static void what_is_left_comes_again_after_a_resume_even_without_more(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[7 * MESSAGE] = { 1 };

    f->o->on_data = pause_and_resume_in_one_call;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, sizeof(bytes));
    owner_wait_got(f->o, sizeof(bytes));
    end_it(f);
}

static void a_paused_connection_leaves_input_in_the_kernel(void **state)
{
    struct fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, pause_now, f->o);
    testing_send(f->peer, "0123456789", 10);
    on_loop(f->loop, pause_now, f->o); /* a round has passed */
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
    on_loop(f->loop, resume_now, f->o);
    owner_wait_got(f->o, 10);
    end_it(f);
}

static void the_end_of_a_paused_connection_waits_behind_its_input(void **state)
{
    struct fixture *f = *state;

    f->o->on_data = take_one_message_and_pause;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, "first.....second....", 20);
    peer_closes(f);
    owner_wait_got(f->o, 10);
    on_loop(f->loop, pause_now, f->o);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0);
    on_loop(f->loop, resume_now, f->o);
    owner_wait_got(f->o, 20);
    on_loop(f->loop, resume_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void a_reset_of_a_paused_connection_is_told_when_it_goes_on(void **state)
{
    struct fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, pause_now, f->o);
    peer_resets(f);
    testing_assert_sleeps(f->loop);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0);
    on_loop(f->loop, resume_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void a_detached_connection_can_be_closed(void **state)
{
    struct fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, pause_now, f->o);
    peer_resets(f);
    testing_assert_sleeps(f->loop);
    end_it(f);
}

/* ---- output ---------------------------------------------------------------------------------*/

struct writing {
    struct owner *o;
    const uint8_t *bytes;
    size_t len;
    size_t chunk;
    size_t unsent;
    enum mu_err err;
    bool close;
};

static void write_now(void *arg)
{
    struct writing *w = arg;
    size_t at = 0;

    while (at < w->len && w->err == MU_OK) {
        size_t n = w->chunk && w->len - at > w->chunk ? w->chunk : w->len - at;
        w->err = conn_write(&w->o->c, w->bytes + at, n);
        at += n;
    }
    w->unsent = conn_unsent(&w->o->c);
    if (w->close)
        conn_close_when_sent(&w->o->c);
}

static void what_the_kernel_takes_at_once_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct writing w = { .o = f->o, .bytes = (const uint8_t *)"hello", .len = 5 };
    char got[5];

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_int_equal(w.unsent, 0);
    assert_int_equal(testing_read(f->peer, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(owner_counter(&f->o->drained_calls), 0);
    end_it(f);
}

static void a_slow_reader_gets_everything_and_drained_is_told_once(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN), *got = malloc(LEN);
    struct writing w = { .o = f->o, .bytes = bytes, .len = LEN, .chunk = 100003 };

    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_true(w.unsent > 0);
    testing_assert_sleeps(f->loop);
    assert_int_equal(testing_read(f->peer, got, LEN), LEN);
    assert_memory_equal(got, bytes, LEN);
    owner_wait_drained(f->o, 1);
    on_loop(f->loop, holds_nothing, f->o);
    assert_null(f->o->ctx);
    assert_int_equal(owner_counter(&f->o->drained_calls), 1);
    free(bytes);
    free(got);
    end_it(f);
}

static void a_peer_that_does_not_read_ends_as_overflow(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 16 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN);
    struct writing w = { .o = f->o, .bytes = bytes, .len = LEN, .chunk = 1000 };

    open_conn(f, IN_MAX, OUT_MAX);
    shrink_buffers(f);
    on_loop(f->loop, write_now, &w);
    assert_int_equal(w.err, MU_E_LIMIT);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_OVERFLOW);
    free(bytes);
}

static void a_write_after_the_end_is_refused(void **state)
{
    struct fixture *f = *state;
    struct writing w = { .o = f->o, .bytes = (const uint8_t *)"x", .len = 1, .close = true };

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, write_now, &w);
    on_loop(f->loop, write_now, &w);
    assert_int_equal(w.err, MU_E_CLOSED);
    peer_closes(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
}

/* ---- ends -----------------------------------------------------------------------------------*/

static size_t close_then_look(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_close(&o->c);
    conn_close(&o->c);
    return owner_take(o, bytes, len); /* the bytes outlive the connection */
}

static void closing_inside_data_is_told_after_it(void **state)
{
    struct fixture *f = *state;

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
    struct fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN);
    struct writing w = { .o = f->o, .bytes = bytes, .len = LEN };

    f->o->on_drained = close_in_drained;
    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, write_now, &w);
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

static void do_nothing(void *arg)
{
    (void)arg;
}

/* Both have input in the same round; whoever comes first closes the other, which must not be called
 * after that. */
static void a_connection_can_close_another_that_is_ready_too(void **state)
{
    struct fixture *f = *state;
    struct owner *other = owner_new(f->loop);
    int fd, peer;

    f->o->on_data = other->on_data = close_the_other;
    f->o->ctx = other;
    other->ctx = f->o;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_tcp_pair(&peer, &fd);
    assert_int_equal(owner_open(other, fd, NULL, IN_MAX, OUT_MAX), MU_OK);
    on_loop(f->loop, pause_now, f->o);
    on_loop(f->loop, pause_now, other);
    testing_send(f->peer, "x", 1);
    testing_send(peer, "x", 1);
    on_loop(f->loop, resume_both, f->o);
    on_loop(f->loop, do_nothing, NULL); /* the round that reads */
    on_loop(f->loop, do_nothing, NULL);
    assert_int_equal(owner_counter(&f->o->data_calls) + owner_counter(&other->data_calls), 1);
    assert_int_equal(owner_counter(&f->o->closed_calls) + owner_counter(&other->closed_calls), 1);
    on_loop(f->loop, close_now, f->o);
    on_loop(f->loop, close_now, other);
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, "last words", 10);
    peer_closes(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    assert_int_equal(f->o->got.len, 10);
}

static void a_reset_of_the_peer_is_told(void **state)
{
    struct fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    peer_resets(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static size_t answer_much(struct owner *o, const uint8_t *bytes, size_t len)
{
    struct writing w = { .o = o, .bytes = o->ctx, .len = 2 * 1024 * 1024 };
    write_now(&w);
    return owner_take(o, bytes, len);
}

static void a_peer_that_has_closed_its_half_gets_its_whole_answer(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 2 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN), *got = malloc(LEN + 1);

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
    struct fixture *f = *state;
    enum { LEN = 2 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN), *got = malloc(LEN);

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
    struct fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN), *got = malloc(LEN + 1);
    struct writing w = { .o = f->o, .bytes = bytes, .len = LEN, .close = true };

    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, write_now, &w);
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
    struct writing w = { .o = o, .bytes = (const uint8_t *)"413 too large", .len = 13, .close = true };
    (void)bytes;
    write_now(&w);
    return len;
}

/* An upload that is refused at its first bytes: closing at once would answer the rest with a reset,
 * which takes the answer with it. */
static void an_answer_survives_the_upload_that_it_refuses(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 8 * 1024 * 1024 };
    uint8_t *bytes = pattern(LEN);
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
    struct fixture *f = *state;
    struct writing w = { .o = f->o, .bytes = (const uint8_t *)"bye", .len = 3, .close = true };

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, write_now, &w);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
}

static void a_loop_that_has_ended_closes_at_once(void **state)
{
    struct fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    loop_stop(f->loop);
    loop_join(f->loop);
    conn_close(&f->o->c);
    assert_int_equal(owner_counter(&f->o->closed_calls), 1);
}

/* ---- the other direction --------------------------------------------------------------------*/

struct connecting {
    struct owner *o;
    struct sockaddr_storage to;
    socklen_t len;
    enum mu_err err;
};

static void connect_now(void *arg)
{
    struct connecting *a = arg;
    a->err = conn_connect(&a->o->c, a->o->loop, (struct sockaddr *)&a->to, a->len, &owner_ops, IN_MAX,
                          OUT_MAX);
    if (a->err == MU_OK)
        a->err = conn_write(&a->o->c, "early", 5);
}

static void connecting_tells_drained_and_sends_what_was_written_early(void **state)
{
    struct fixture *f = *state;
    struct connecting a = { .o = f->o, .len = sizeof(a.to) };
    int listening;
    char got[5];

    testing_listen(&listening);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&a.to, &a.len), 0);
    on_loop(f->loop, connect_now, &a);
    assert_int_equal(a.err, MU_OK);
    f->peer = accept(listening, NULL, NULL);
    close(listening);
    assert_int_equal(testing_read(f->peer, got, 5), 5);
    owner_wait_drained(f->o, 1);
    testing_send(f->peer, "hello", 5);
    owner_wait_got(f->o, 5);
    end_it(f);
}

static void a_refused_connection_is_told_as_closed(void **state)
{
    struct fixture *f = *state;
    struct connecting a = { .o = f->o, .len = sizeof(a.to) };
    int listening;

    f->peer = -1;
    testing_listen(&listening);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&a.to, &a.len), 0);
    close(listening);
    on_loop(f->loop, connect_now, &a);
    assert_int_equal(a.err, MU_OK);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    assert_int_equal(owner_counter(&f->o->drained_calls), 0);
}

static void ask_peer(void *arg)
{
    struct owner *o = arg;
    conn_peer(&o->c, o->ctx);
}

static void the_peer_is_known(void **state)
{
    struct fixture *f = *state;
    struct ip_addr ip;

    f->o->ctx = &ip;
    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, ask_peer, f->o);
    assert_true(ip_is_loopback(&ip));
    assert_false(conn_is_tls(&f->o->c));
    end_it(f);
    on_loop(f->loop, ask_peer, f->o);
    assert_memory_equal(&ip, &(struct ip_addr){ { 0 } }, sizeof(ip));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(input_byte_by_byte_is_gathered_until_it_is_used),
        TEST(much_input_arrives_whole_and_in_order),
        TEST(a_rest_as_large_as_the_cap_is_kept),
        TEST(a_message_larger_than_the_cap_ends_as_overflow),
        TEST(a_rest_larger_than_the_read_buffer_is_kept),
        TEST(a_pause_in_the_middle_keeps_the_rest_for_later),
        TEST(what_is_left_comes_again_after_a_resume_even_without_more),
        TEST(a_paused_connection_leaves_input_in_the_kernel),
        TEST(the_end_of_a_paused_connection_waits_behind_its_input),
        TEST(a_reset_of_a_paused_connection_is_told_when_it_goes_on),
        TEST(a_detached_connection_can_be_closed),
        TEST(what_the_kernel_takes_at_once_is_not_kept),
        TEST(a_slow_reader_gets_everything_and_drained_is_told_once),
        TEST(a_peer_that_does_not_read_ends_as_overflow),
        TEST(a_write_after_the_end_is_refused),
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
        TEST(connecting_tells_drained_and_sends_what_was_written_early),
        TEST(a_refused_connection_is_told_as_closed),
        TEST(the_peer_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
