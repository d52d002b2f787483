#include "base/unit_test.h"

#include <stdlib.h>

#include <sys/socket.h>
#include <unistd.h>

#include "net/conn_fixture.h"

/* Writing: what the kernel does not take, caps, drained(), and conn_offer. */

static void what_the_kernel_takes_at_once_is_not_kept(void **state)
{
    struct conn_fixture *f = *state;
    struct owner_writing w = { .o = f->o, .bytes = (const uint8_t *)"hello", .len = 5 };
    char got[5];

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_int_equal(w.unsent, 0);
    assert_int_equal(testing_read(f->peer, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(owner_counter(&f->o->drained_calls), 0);
    owner_end(f->o);
}

static void a_slow_reader_gets_everything_and_drained_is_told_once(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN), *got = malloc(LEN);
    struct owner_writing w = { .o = f->o, .bytes = bytes, .len = LEN, .chunk = 100003 };

    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_true(w.unsent > 0);
    on_loop(f->loop, owner_look_for_buffers, f->o);
    assert_true(f->o->holds_buffers);
    testing_assert_sleeps(f->loop);
    assert_int_equal(testing_read(f->peer, got, LEN), LEN);
    assert_memory_equal(got, bytes, LEN);
    owner_wait_drained(f->o, 1);
    on_loop(f->loop, owner_look_for_buffers, f->o);
    assert_false(f->o->holds_buffers);
    assert_int_equal(owner_counter(&f->o->drained_calls), 1);
    free(bytes);
    free(got);
    owner_end(f->o);
}

static void a_peer_that_does_not_read_ends_as_overflow(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 16 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN);
    struct owner_writing w = { .o = f->o, .bytes = bytes, .len = LEN, .chunk = 1000 };

    open_conn(f, IN_MAX, OUT_MAX);
    shrink_buffers(f);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_E_LIMIT);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_OVERFLOW);
    free(bytes);
}

/* --- offers ------------------------------------------------------------------------------------*/
struct offering {
    struct owner *o;
    const uint8_t *bytes;
    size_t len;
    bool was_offered;
    enum mu_err err; /* of the first offer, and what it left; the loop may be at the next one by then */
    size_t left;
};

static void offer_now(void *arg)
{
    struct offering *a = arg;
    size_t sent;

    enum mu_err err = conn_offer(&a->o->c, a->bytes, a->len, &sent);
    a->bytes += sent;
    a->len -= sent;
    if (!a->was_offered) {
        a->was_offered = true;
        a->err = err;
        a->left = a->len;
    }
}

static void offer_again(struct owner *o)
{
    offer_now(o->ctx);
}

static void what_is_offered_is_never_kept_and_goes_as_the_peer_reads(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 3 * 1024 * 1024 };
    uint8_t *bytes = testing_pattern(LEN), *got = malloc(LEN);
    struct offering a = { .o = f->o, .bytes = bytes, .len = LEN };

    f->o->ctx = &a;
    f->o->on_drained = offer_again;
    open_conn(f, IN_MAX, OUT_MAX);
    shrink_buffers(f);
    on_loop(f->loop, offer_now, &a);
    assert_int_equal(a.err, MU_OK);
    assert_true(a.left > 0);
    on_loop(f->loop, owner_look_for_buffers, f->o);
    assert_false(f->o->holds_buffers);
    testing_assert_sleeps(f->loop);
    assert_int_equal(testing_read(f->peer, got, LEN), LEN);
    assert_memory_equal(got, bytes, LEN);
    free(bytes);
    free(got);
    owner_end(f->o);
}

static void what_is_offered_waits_behind_what_was_written(void **state)
{
    struct conn_fixture *f = *state;
    enum { LEN = 1024 * 1024 };
    uint8_t *bytes = testing_pattern(2 * LEN), *got = malloc(2 * LEN);
    struct owner_writing w = { .o = f->o, .bytes = bytes, .len = LEN };
    struct offering a = { .o = f->o, .bytes = bytes + LEN, .len = LEN };

    f->o->ctx = &a;
    f->o->on_drained = offer_again;
    open_conn(f, IN_MAX, LEN);
    shrink_buffers(f);
    on_loop(f->loop, owner_write_now, &w);
    assert_true(w.unsent > 0);
    on_loop(f->loop, offer_now, &a);
    assert_int_equal(a.left, LEN);
    assert_int_equal(testing_read(f->peer, got, 2 * LEN), 2 * LEN);
    assert_memory_equal(got, bytes, 2 * LEN);
    free(bytes);
    free(got);
    owner_end(f->o);
}

static void an_offer_after_the_end_is_refused(void **state)
{
    struct conn_fixture *f = *state;
    struct offering a = { .o = f->o, .bytes = (const uint8_t *)"x", .len = 1 };

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_close_now, f->o);
    on_loop(f->loop, offer_now, &a);
    assert_int_equal(a.err, MU_E_CLOSED);
    assert_int_equal(a.len, 1);
    owner_wait_closed(f->o);
}

static void a_write_after_the_end_is_refused(void **state)
{
    struct conn_fixture *f = *state;
    struct owner_writing w = { .o = f->o, .bytes = (const uint8_t *)"x", .len = 1, .close = true };

    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, owner_write_now, &w);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_E_CLOSED);
    peer_closes(f);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
}

struct connecting {
    struct owner *o;
    struct sockaddr_storage to;
    socklen_t len;
    enum mu_err err;
};

static void connect_now(void *arg)
{
    struct connecting *a = arg;
    a->o->shared.in_max = IN_MAX;
    a->o->shared.out_max = OUT_MAX;
    a->err = conn_connect(&a->o->c, &a->o->shared, NULL, (struct sockaddr *)&a->to, a->len);
    if (a->err == MU_OK)
        a->err = conn_write(&a->o->c, "early", 5);
}

static void connecting_tells_drained_and_sends_what_was_written_early(void **state)
{
    struct conn_fixture *f = *state;
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
    owner_end(f->o);
}

static void a_refused_connection_is_told_as_closed(void **state)
{
    struct conn_fixture *f = *state;
    struct connecting a = { .o = f->o, .len = sizeof(a.to) };
    int listening;

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
    struct conn_fixture *f = *state;
    struct ip_addr ip;

    f->o->ctx = &ip;
    open_conn(f, IN_MAX, OUT_MAX);
    on_loop(f->loop, ask_peer, f->o);
    assert_true(ip_is_loopback(&ip));
    assert_false(conn_is_tls(&f->o->c));
    owner_end(f->o);
    on_loop(f->loop, ask_peer, f->o);
    assert_memory_equal(&ip, &(struct ip_addr){ { 0 } }, sizeof(ip));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conn_set_up, conn_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_kernel_takes_at_once_is_not_kept),
        TEST(a_slow_reader_gets_everything_and_drained_is_told_once),
        TEST(a_peer_that_does_not_read_ends_as_overflow),
        TEST(what_is_offered_is_never_kept_and_goes_as_the_peer_reads),
        TEST(what_is_offered_waits_behind_what_was_written),
        TEST(an_offer_after_the_end_is_refused),
        TEST(a_write_after_the_end_is_refused),
        TEST(connecting_tells_drained_and_sends_what_was_written_early),
        TEST(a_refused_connection_is_told_as_closed),
        TEST(the_peer_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
