#include "base/unit_test.h"

#include <stdlib.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn_fixture.h"

/* Reading: what is kept, pausing and going on, and input before an end. */

enum { MESSAGE = 10 };

static size_t take_whole_messages(struct owner *o, const uint8_t *bytes, size_t len)
{
    size_t used = len - len % MESSAGE;
    owner_take(o, bytes, used);
    return used;
}

static void input_byte_by_byte_is_gathered_until_it_is_used(void **state)
{
    struct conn_fixture *f = *state;
    uint8_t *bytes = testing_pattern(300);

    f->o->on_data = take_whole_messages;
    open_conn(f, IN_MAX, OUT_MAX);
    for (int i = 0; i < 300; i++)
        testing_send(f->peer, bytes + i, 1);
    owner_wait_got(f->o, 300);
    assert_memory_equal(f->o->got.data, bytes, 300);
    on_loop(f->loop, owner_look_for_buffers, f->o);
    assert_false(f->o->holds_buffers);
    free(bytes);
    owner_end(f->o);
}

static void much_input_arrives_whole_and_in_order(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 4 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN);

    f->o->on_data = take_whole_messages;
    open_conn(f, 100 * 1024, OUT_MAX);
    testing_send(f->peer, bytes, LEN);
    owner_wait_got(f->o, LEN - LEN % MESSAGE);
    assert_memory_equal(f->o->got.data, bytes, LEN - LEN % MESSAGE);
    free(bytes);
    owner_end(f->o);
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
    struct conn_fixture *f = *state;
    uint8_t *bytes = testing_pattern(IN_MAX + 1);

    f->o->on_data = take_when_full;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, IN_MAX);
    owner_wait_counter(&f->o->data_calls, 1);
    testing_send(f->peer, bytes + IN_MAX, 1);
    owner_wait_got(f->o, IN_MAX + 1);
    assert_memory_equal(f->o->got.data, bytes, IN_MAX + 1);
    free(bytes);
    owner_end(f->o);
}

static void a_message_larger_than_the_cap_ends_as_overflow(void **state)
{
    struct conn_fixture *f = *state;
    uint8_t bytes[IN_MAX + 1] = { 0 };

    f->o->on_data = take_nothing;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, sizeof(bytes));
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_OVERFLOW);
}

static void a_rest_larger_than_the_read_buffer_is_kept(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 300 * 1024 };
    uint8_t *bytes = testing_pattern(LEN);

    f->o->on_data = take_nothing;
    open_conn(f, LEN, OUT_MAX);
    testing_send(f->peer, bytes, LEN - 1);
    owner_wait_counter(&f->o->data_calls, 4);
    on_loop(f->loop, owner_pause_now, f->o);
    f->o->on_data = NULL;
    on_loop(f->loop, owner_resume_now, f->o);
    testing_send(f->peer, bytes + LEN - 1, 1);
    owner_wait_got(f->o, LEN);
    assert_memory_equal(f->o->got.data, bytes, LEN);
    free(bytes);
    owner_end(f->o);
}

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
    struct conn_fixture *f = *state;
    uint8_t *bytes = testing_pattern(5 * MESSAGE);

    f->o->on_data = take_one_message_and_pause;
    open_conn(f, MESSAGE, OUT_MAX);
    testing_send(f->peer, bytes, 5 * MESSAGE);
    for (unsigned i = 1; i <= 5; i++) {
        owner_wait_got(f->o, i * MESSAGE);
        assert_int_equal(f->o->got.len, i * MESSAGE);
        on_loop(f->loop, owner_resume_now, f->o);
    }
    assert_memory_equal(f->o->got.data, bytes, 5 * MESSAGE);
    free(bytes);
    owner_end(f->o);
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
    struct conn_fixture *f = *state;
    uint8_t bytes[7 * MESSAGE] = { 1 };

    f->o->on_data = pause_and_resume_in_one_call;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, bytes, sizeof(bytes));
    owner_wait_got(f->o, sizeof(bytes));
    owner_end(f->o);
}

static void a_paused_connection_leaves_input_in_the_kernel(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_pause_now, f->o);
    testing_send(f->peer, "0123456789", 10);
    on_loop(f->loop, owner_pause_now, f->o); /* a round has passed */
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_got(f->o, 10);
    owner_end(f->o);
}

static void the_end_of_a_paused_connection_waits_behind_its_input(void **state)
{
    struct conn_fixture *f = *state;

    f->o->on_data = take_one_message_and_pause;
    open_conn(f, IN_MAX, OUT_MAX);
    testing_send(f->peer, "first.....second....", 20);
    peer_closes(f);
    owner_wait_got(f->o, 10);
    on_loop(f->loop, owner_pause_now, f->o);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_got(f->o, 20);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void a_reset_of_a_paused_connection_is_told_when_it_goes_on(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_pause_now, f->o);
    peer_resets(f);
    testing_assert_sleeps(f->loop);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void a_detached_connection_can_be_closed(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_pause_now, f->o);
    peer_resets(f);
    testing_assert_sleeps(f->loop);
    owner_end(f->o);
}

static int option_of(struct conn_fixture *f, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(f->o->c.io.fd, level, name, &value, &len), 0);
    return value;
}

static void a_watched_peer_is_given_up_within_two_minutes(void **state)
{
    struct conn_fixture *f = *state;

    open_conn(f, IN_MAX, OUT_MAX);
    conn_watch_peer(&f->o->c, 60);
    assert_int_equal(option_of(f, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_in_range(option_of(f, IPPROTO_TCP, TCP_USER_TIMEOUT), 1, 120000);
    assert_int_equal(option_of(f, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_in_range(60 + option_of(f, IPPROTO_TCP, TCP_KEEPCNT) * option_of(f, IPPROTO_TCP, TCP_KEEPINTVL), 61, 120);
    conn_watch_peer(&f->o->c, 100000); /* more than the kernel takes */
    assert_in_range(option_of(f, IPPROTO_TCP, TCP_KEEPIDLE), 30000, 100000);
    owner_end(f->o);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conn_set_up, conn_tear_down)

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
        TEST(a_watched_peer_is_given_up_within_two_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
