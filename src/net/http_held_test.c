#include "net/http_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What is kept for peers that stall, and which of them has to go. */

enum { FOREVER = 3600 * 1000, MIB = 1024 * 1024 };

static void begin(int idle_ms, size_t held_max)
{
    fixture_start(&server, (struct http_settings){ .head_timeout_ms = FOREVER,
                                                   .idle_timeout_ms = idle_ms,
                                                   .max_connections = 1000,
                                                   .held_max = held_max });
}

static struct http_figures figures(void)
{
    struct http_figures f;

    http_server_get_figures(server.server, &f);
    return f;
}

/* For a peer that is to stall: the kernel takes no more for it than that. */
static void client_open_small(struct client *c, int bytes)
{
    client_open(c, &server);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

/* Reads until the end, in pieces with a pause; returns how much came, or -1 after a reset. */
static ssize_t read_to_end(struct client *c, size_t piece, int ms)
{
    static char bytes[64 * 1024];
    ssize_t total = 0, n;

    while ((n = read(c->fd, bytes, piece)) > 0) {
        total += n;
        if (ms)
            pause_ms(ms);
    }
    if (n < 0)
        assert_int_equal(errno, ECONNRESET);
    return n < 0 ? -1 : total;
}

static void read_some(struct client *c, size_t len)
{
    static char bytes[64 * 1024];

    while (len) {
        ssize_t n = read(c->fd, bytes, len < sizeof(bytes) ? len : sizeof(bytes));
        assert_true(n > 0);
        len -= (size_t)n;
    }
}

enum { ANSWER = 12000000 };

static void ask_and_stall(struct client *c)
{
    client_open_small(c, MIB / 4);
    client_text(c, GET("/big/12000000"));
}

static void whoever_stalls_longest_makes_room_for_who_reads(void **state)
{
    /* Of an answer that nobody reads the kernel takes up to 4 MiB (tcp_wmem), and what its reader has room for.
     * The answer is kept until it has taken all. */
    enum { STALLED = 6, FIT = 4, KERNEL = 6 * MIB, ROOM = FIT * ANSWER + 3 * MIB };
    static struct client stalled[STALLED], honest;

    (void)state;
    begin(FOREVER, ROOM);
    for (int i = 0; i < FIT; i++)
        ask_and_stall(&stalled[i]);
    while (figures().held_bytes < FIT * ANSWER)
        pause_ms(1);
    for (int i = 1; i < FIT; i++) /* so the first is the one that has not moved for longest */
        read_some(&stalled[i], KERNEL);
    for (int i = FIT; i < STALLED; i++)
        ask_and_stall(&stalled[i]);
    while (figures().ended[HTTP_ENDED_CROWD] < STALLED - FIT)
        pause_ms(1);
    for (int i = 0; i < 10; i++) {
        client_open(&honest, &server);
        client_text(&honest, "GET /big/6000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_true(read_to_end(&honest, 64 * 1024, 0) > 6000000);
        client_close(&honest);
    }
    assert_true(figures().ended[HTTP_ENDED_CROWD] >= STALLED - FIT);
    assert_true(figures().held_bytes <= ROOM);
    assert_int_equal(read_to_end(&stalled[0], 64 * 1024, 0), -1);
    for (int i = 0; i < STALLED; i++)
        client_close(&stalled[i]);
    fixture_stop(&server);
}

static void a_body_that_stalls_makes_room_for_one_that_goes_on(void **state)
{
    enum { STALLED = 12 };
    static struct client stalled[STALLED], honest;
    static char half[MIB / 2], head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n";

    (void)state;
    begin(FOREVER, 5 * MIB);
    for (int i = 0; i < STALLED; i++) {
        client_open(&stalled[i], &server);
        client_text(&stalled[i], head);
        client_send(&stalled[i], half, sizeof(half));
    }
    while (figures().ended[HTTP_ENDED_CROWD] < 2)
        pause_ms(1);
    client_open(&honest, &server);
    client_text(&honest, "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n");
    client_send(&honest, half, sizeof(half));
    client_send(&honest, half, sizeof(half));
    assert_true(read_to_end(&honest, 64 * 1024, 0) > MIB);
    for (int i = 0; i < STALLED; i++)
        client_close(&stalled[i]);
    client_close(&honest);
    fixture_stop(&server);
}

static void nothing_is_kept_of_a_constant_answer(void **state)
{
    enum { STALLED = 100 };
    static struct client stalled[STALLED], honest;

    (void)state;
    begin(FOREVER, MIB);
    for (int i = 0; i < STALLED; i++) {
        client_open(&stalled[i], &server);
        client_text(&stalled[i], GET("/constant"));
    }
    fixture_await_done(STALLED);
    client_open(&honest, &server);
    client_text(&honest, "GET /constant HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(read_to_end(&honest, 64 * 1024, 0) > FIXTURE_CONSTANT);
    assert_int_equal(figures().held_bytes, 0);
    assert_int_equal(figures().ended[HTTP_ENDED_CROWD], 0);
    /* And whoever reads at last gets it all, with what he asks next. */
    shutdown(stalled[0].fd, SHUT_WR);
    assert_true(read_to_end(&stalled[0], 64 * 1024, 0) > FIXTURE_CONSTANT);
    for (int i = 0; i < STALLED; i++)
        client_close(&stalled[i]);
    client_close(&honest);
    fixture_stop(&server);
}

static void a_pipelined_request_waits_behind_a_constant_answer(void **state)
{
    static char body[FIXTURE_CONSTANT + 8192];
    size_t len = 0;
    ssize_t n;

    (void)state;
    begin(FOREVER, MIB);
    client_open(&client, &server);
    client_text(&client, GET("/constant") "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while ((n = read(client.fd, body + len, sizeof(body) - len)) > 0)
        len += (size_t)n;
    const char *second = memmem(body + FIXTURE_CONSTANT, len - FIXTURE_CONSTANT, "cHTTP/1.1 200", 13);
    assert_non_null(second);
    assert_memory_equal(body + len - 5, "hello", 5);
    client_close(&client);
    fixture_stop(&server);
}

static void a_peer_that_takes_too_little_is_ended(void **state)
{
    char ten[10];
    ssize_t n;

    (void)state;
    begin(1000, 64 * MIB);
    client_open_small(&client, 4096);
    client_text(&client, GET("/big/30000000"));
    while ((n = read(client.fd, ten, sizeof(ten))) > 0 && figures().ended[HTTP_ENDED_SLOW] == 0)
        pause_ms(50);
    if (n > 0)
        n = read_to_end(&client, 64 * 1024, 0);
    else
        assert_int_equal(errno, ECONNRESET);
    assert_int_equal(n, -1); /* by a reset, which frees what the kernel has */
    assert_int_equal(figures().ended[HTTP_ENDED_SLOW], 1);
    assert_int_equal(figures().held_bytes, 0);
    client_close(&client);
    fixture_stop(&server);
}

/* The kernel takes megabytes and tells nothing for long; what the peer has acknowledged counts. */
static void a_steady_reader_gets_everything_though_the_kernel_has_most_of_it(void **state)
{

    (void)state;
    begin(2000, 64 * MIB);
    client_open(&client, &server);
    client_text(&client, "GET /big/4000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(read_to_end(&client, 32 * 1024, 30) > 4000000);
    client_close(&client);
    fixture_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_stalls_longest_makes_room_for_who_reads),
        cmocka_unit_test(a_body_that_stalls_makes_room_for_one_that_goes_on),
        cmocka_unit_test(nothing_is_kept_of_a_constant_answer),
        cmocka_unit_test(a_pipelined_request_waits_behind_a_constant_answer),
        cmocka_unit_test(a_peer_that_takes_too_little_is_ended),
        cmocka_unit_test(a_steady_reader_gets_everything_though_the_kernel_has_most_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
