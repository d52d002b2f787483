#include "base/unit_test.h"

#include <stdlib.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls_fixture.h"

/* Connections over TLS: handshakes, large transfers, ends, and peers that do not speak TLS. */

static size_t echo(struct owner *o, const uint8_t *bytes, size_t len)
{
    (void)!conn_write(&o->c, bytes, len);
    return owner_take(o, bytes, len);
}

/* ---- talking --------------------------------------------------------------------------------*/

static void talk(struct tls_fixture *f, int version)
{
    uint8_t got[5];

    SSL_CTX_set_min_proto_version(f->client_ctx, version);
    SSL_CTX_set_max_proto_version(f->client_ctx, version);
    f->o->on_data = echo;
    open_both(f);
    assert_int_equal(SSL_version(f->client), version);
    client_send(f->client, "hello", 5);
    assert_int_equal(client_read(f->client, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    assert_true(conn_is_tls(&f->o->c));
    owner_end(f->o);
    assert_true(conn_is_tls(&f->o->c));
}

static void tls_1_2_is_spoken(void **state)
{
    talk(*state, TLS1_2_VERSION);
}

static void tls_1_3_is_spoken(void **state)
{
    talk(*state, TLS1_3_VERSION);
}

struct upload {
    SSL *client;
    const uint8_t *bytes;
    size_t len;
    size_t sent;
};

static void *send_all(void *arg)
{
    struct upload *u = arg;
    SSL_write_ex(u->client, u->bytes, u->len, &u->sent);
    return NULL;
}

static size_t take_some_and_pause(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_pause(&o->c);
    return owner_take(o, bytes, len > 700 ? 700 : len);
}

/* Records of 16 KiB are read in pieces, so most of the time input waits inside TLS, where epoll does
 * not see it. */
static void input_inside_tls_is_not_forgotten_over_a_pause(void **state)
{
    struct tls_fixture *f = *state;
    enum { LEN = 200 * 1000 };
    uint8_t *bytes = testing_pattern(LEN);
    pthread_t thread;

    f->o->on_data = take_some_and_pause;
    open_both(f);
    struct upload u = { .client = f->client, .bytes = bytes, .len = LEN };
    assert_int_equal(pthread_create(&thread, NULL, send_all, &u), 0);
    for (unsigned calls = 1;; calls++) {
        owner_wait_counter(&f->o->data_calls, calls);
        if (f->o->got.len == LEN)
            break;
        on_loop(f->loop, owner_resume_now, f->o);
    }
    pthread_join(thread, NULL);
    assert_memory_equal(f->o->got.data, bytes, LEN);
    free(bytes);
    owner_end(f->o);
}

static void much_input_goes_through_a_small_cap(void **state)
{
    struct tls_fixture *f = *state;
    enum { LEN = 1000 * 1000 };
    uint8_t *bytes = testing_pattern(LEN);

    open_both(f);
    client_send(f->client, bytes, LEN);
    owner_wait_got(f->o, LEN);
    assert_memory_equal(f->o->got.data, bytes, LEN);
    free(bytes);
    owner_end(f->o);
}

static void a_slow_reader_gets_everything_then_a_proper_end(void **state)
{
    struct tls_fixture *f = *state;
    enum { LEN = 4 * 1000 * 1000 };
    uint8_t *bytes = testing_pattern(LEN), *got = malloc(LEN + 1);
    struct owner_writing w = { .o = f->o, .bytes = bytes, .len = LEN, .chunk = 50000, .close = true };
    int size = 64 * 1024;

    open_both(f);
    setsockopt(f->o->c.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(f->peer, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_true(w.unsent > 0);
    testing_assert_sleeps(f->loop);
    assert_int_equal(client_read(f->client, got, LEN + 1), LEN);
    assert_memory_equal(got, bytes, LEN);
    assert_int_equal(SSL_get_shutdown(f->client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    close(f->peer);
    f->peer = -1;
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
    free(bytes);
    free(got);
}

static void what_is_written_before_the_handshake_goes_after_it(void **state)
{
    struct tls_fixture *f = *state;
    struct owner_writing w = { .o = f->o, .bytes = (const uint8_t *)"503 too many", .len = 12, .close = true };
    uint8_t got[13];

    open_tls(f, f->o, &f->peer);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_int_equal(w.unsent, 12);
    testing_assert_sleeps(f->loop);
    f->client = shake_hands(f, f->peer);
    assert_int_equal(client_read(f->client, got, 13), 12);
    assert_memory_equal(got, "503 too many", 12);
    close(f->peer);
    f->peer = -1;
    owner_wait_closed(f->o);
}

static void a_paused_connection_still_shakes_hands_to_write(void **state)
{
    struct tls_fixture *f = *state;
    struct owner_writing w = { .o = f->o, .bytes = (const uint8_t *)"hi", .len = 2 };
    uint8_t got[2];

    open_tls(f, f->o, &f->peer);
    on_loop(f->loop, owner_pause_now, f->o);
    on_loop(f->loop, owner_write_now, &w);
    f->client = shake_hands(f, f->peer);
    client_send(f->client, "unread", 6);
    assert_int_equal(client_read(f->client, got, 2), 2);
    owner_wait_drained(f->o, 1);
    testing_assert_sleeps(f->loop);
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_got(f->o, 6);
    owner_end(f->o);
}

/* ---- ends -----------------------------------------------------------------------------------*/

static void a_peer_that_ends_tls_is_told_behind_its_input(void **state)
{
    struct tls_fixture *f = *state;

    open_both(f);
    client_send(f->client, "last words", 10);
    SSL_shutdown(f->client); /* and TCP stays open */
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    assert_int_equal(f->o->got.len, 10);
}

static size_t take_and_pause(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_pause(&o->c);
    return owner_take(o, bytes, len);
}

static void an_end_that_tls_has_seen_during_a_pause_is_told_after_it(void **state)
{
    struct tls_fixture *f = *state;

    f->o->on_data = take_and_pause;
    open_tls(f, f->o, &f->peer);
    on_loop(f->loop, owner_pause_now, f->o);
    on_loop(f->loop, owner_resume_now, f->o);
    f->client = shake_hands(f, f->peer);
    client_send(f->client, "last words", 10);
    SSL_shutdown(f->client);
    owner_wait_got(f->o, 10);
    on_loop(f->loop, owner_pause_now, f->o);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void a_peer_that_just_closes_has_closed(void **state)
{
    struct tls_fixture *f = *state;

    open_both(f);
    close(f->peer);
    f->peer = -1;
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void garbage_for_a_handshake_ends_as_tls_failed(void **state)
{
    struct tls_fixture *f = *state;

    open_tls(f, f->o, &f->peer);
    testing_send(f->peer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_TLS_FAILED);
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
}

static void garbage_after_the_handshake_ends_as_tls_failed(void **state)
{
    struct tls_fixture *f = *state;

    open_both(f);
    client_send(f->client, "hello", 5);
    owner_wait_got(f->o, 5);
    testing_send(f->peer,
                 "\x17\x03\x03\x00\x20"
                 "this is not an encrypted record!",
                 37);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_TLS_FAILED);
    assert_int_equal(f->o->got.len, 5);
}

static void tls_1_1_is_refused(void **state)
{
    struct tls_fixture *f = *state;

    SSL_CTX_set_security_level(f->client_ctx, 0);
    SSL_CTX_set_min_proto_version(f->client_ctx, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(f->client_ctx, TLS1_1_VERSION);
    open_tls(f, f->o, &f->peer);
    f->client = SSL_new(f->client_ctx);
    SSL_set_fd(f->client, f->peer);
    assert_int_not_equal(SSL_connect(f->client), 1);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_TLS_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tls_set_up, tls_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls_1_2_is_spoken),
        TEST(tls_1_3_is_spoken),
        TEST(input_inside_tls_is_not_forgotten_over_a_pause),
        TEST(much_input_goes_through_a_small_cap),
        TEST(a_slow_reader_gets_everything_then_a_proper_end),
        TEST(what_is_written_before_the_handshake_goes_after_it),
        TEST(a_paused_connection_still_shakes_hands_to_write),
        TEST(a_peer_that_ends_tls_is_told_behind_its_input),
        TEST(an_end_that_tls_has_seen_during_a_pause_is_told_after_it),
        TEST(a_peer_that_just_closes_has_closed),
        TEST(garbage_for_a_handshake_ends_as_tls_failed),
        TEST(garbage_after_the_handshake_ends_as_tls_failed),
        TEST(tls_1_1_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
