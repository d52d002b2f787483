#include "net/http_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Deadlines and the number of connections. Nothing here measures time: a test waits for what the
 * server does by itself, and would wait in vain if it did not. */

#define FOREVER (3600 * 1000)
#define SOON    1500 /* and yet ten times what a client on a busy machine takes to speak */

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static void begin(int head_ms, int idle_ms, unsigned max_connections)
{
    fixture_start(&server, (struct http_settings){ .head_timeout_ms = head_ms,
                                                   .idle_timeout_ms = idle_ms,
                                                   .max_connections = max_connections });
    client_open(&client, &server);
}

static void end(void)
{
    client_close(&client);
    fixture_stop(&server);
}

/* Sends bytes one at a time with a pause; stops when the server has said something. */
static void trickle(const char *bytes, size_t len, int ms)
{
    struct pollfd p = { .fd = client.fd, .events = POLLIN };

    for (size_t i = 0; i < len && poll(&p, 1, ms) == 0; i++)
        client_send(&client, bytes + i, 1);
}

static void a_head_that_stops_half_way_is_408(void **state)
{
    (void)state;
    begin(SOON, FOREVER, 10);
    client_ask(&client, "GET /hello HTTP/1.1\r\nHost:", 408, NULL);
    client_expect_end(&client);
    client_close(&client);

    /* Also on a kept connection, which then has had its first head in time. */
    client_open(&client, &server);
    client_ask(&client, GET("/hello"), 200, "hello");
    client_ask(&client, "G", 408, NULL);
    client_expect_end(&client);
    end();
}

static void a_trickle_of_bytes_does_not_extend_the_head(void **state)
{
    static char head[8000] = "GET /hello HTTP/1.1\r\nHost: a\r\nX: ";

    (void)state;
    begin(SOON, FOREVER, 10);
    memset(head + strlen(head), 'x', sizeof(head) - strlen(head));
    trickle(head, sizeof(head), 5);
    client_ask(&client, "", 408, NULL);
    client_expect_end(&client);
    client_close(&client);

    client_open(&client, &server);
    client_ask(&client, GET("/hello"), 200, "hello");
    trickle(head, sizeof(head), 5);
    client_ask(&client, "", 408, NULL);
    client_expect_end(&client);
    end();
}

static void a_connection_that_never_speaks_is_closed_silently(void **state)
{
    (void)state;
    begin(SOON, FOREVER, 10);
    client_expect_end(&client);
    end();
}

static void an_idle_connection_is_closed_silently(void **state)
{
    (void)state;
    begin(FOREVER, SOON, 10);
    client_ask(&client, GET("/hello"), 200, "hello");
    client_expect_end(&client);
    end();
}

static void a_body_that_stalls_is_408(void **state)
{
    (void)state;
    begin(FOREVER, SOON, 10);
    client_ask(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 408, NULL);
    client_expect_end(&client);
    client_close(&client);
    client_open(&client, &server);
    client_ask(&client,
               "POST /echo HTTP/1.1\r\nHost: a\r\n"
               "Transfer-Encoding: chunked\r\n\r\n5\r\n",
               408, NULL);
    client_expect_end(&client);
    end();
}

static void a_trickle_of_bytes_does_not_extend_the_body(void **state)
{
    static char body[8000];

    (void)state;
    begin(FOREVER, SOON, 10);
    client_text(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    trickle(body, sizeof(body), 5);
    client_ask(&client, "", 408, NULL);
    client_expect_end(&client);
    end();
}

static void a_handler_may_take_longer_than_an_idle_client(void **state)
{
    (void)state;
    begin(SOON, SOON, 10);
    client_text(&client, GET("/later"));
    fixture_await_later(1);
    pause_ms(3 * SOON);
    fixture_finish("at last");
    client_ask(&client, "", 200, "at last");
    client_expect_end(&client);
    end();
}

/* Asks on new connections until one is served: the server allows one at a time here. */
static void await_room(void)
{
    static struct client next;
    struct client_answer a;

    do {
        pause_ms(10);
        client_open(&next, &server);
        client_text(&next, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client_read(&next, &a, false);
        client_close(&next);
    } while (a.status == 503);
    assert_int_equal(a.status, 200);
}

static void a_client_that_does_not_take_its_answer_is_cut_off(void **state)
{
    (void)state;
    begin(FOREVER, SOON, 1);
    client_text(&client, GET("/big/30000000"));
    await_room();
    end();
}

static void a_client_that_takes_its_answer_slowly_gets_all_of_it(void **state)
{
    static char bytes[64 * 1024];
    size_t total = 0;
    ssize_t n;

    (void)state;
    begin(FOREVER, 3000, 10);
    client_text(&client, "GET /big/30000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while ((n = read(client.fd, bytes, sizeof(bytes))) > 0) {
        total += (size_t)n;
        pause_ms(7);
    }
    assert_int_equal(n, 0);
    assert_true(total > 30000000);
    end();
}

static void connections_over_the_maximum_are_told_503(void **state)
{
    static struct client second, third;

    (void)state;
    begin(FOREVER, FOREVER, 2);
    client_open(&second, &server);
    client_ask(&client, GET("/hello"), 200, "hello");
    client_ask(&second, GET("/hello"), 200, "hello");
    for (int i = 0; i < 3; i++) {
        client_open(&third, &server);
        client_ask(&third, GET("/hello"), 503, "503 too many connections");
        client_expect_end(&third);
        client_close(&third);
    }
    client_ask(&second, GET("/hello"), 200, "hello");
    client_close(&second);
    await_room();
    client_ask(&client, GET("/hello"), 200, "hello");
    end();
}

static void a_crowd_over_the_maximum_does_not_stop_the_server(void **state)
{
    enum { COUNT = 200 };
    static struct client crowd[COUNT];

    (void)state;
    begin(FOREVER, FOREVER, 1);
    client_ask(&client, GET("/hello"), 200, "hello");
    for (int i = 0; i < COUNT; i++)
        client_open(&crowd[i], &server);
    client_ask(&client, GET("/hello"), 200, "hello");
    for (int i = 0; i < COUNT; i++)
        client_close(&crowd[i]);
    client_close(&client);
    await_room();
    client_open(&client, &server);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_stops_half_way_is_408),
        cmocka_unit_test(a_trickle_of_bytes_does_not_extend_the_head),
        cmocka_unit_test(a_connection_that_never_speaks_is_closed_silently),
        cmocka_unit_test(an_idle_connection_is_closed_silently),
        cmocka_unit_test(a_body_that_stalls_is_408),
        cmocka_unit_test(a_trickle_of_bytes_does_not_extend_the_body),
        cmocka_unit_test(a_handler_may_take_longer_than_an_idle_client),
        cmocka_unit_test(a_client_that_does_not_take_its_answer_is_cut_off),
        cmocka_unit_test(a_client_that_takes_its_answer_slowly_gets_all_of_it),
        cmocka_unit_test(connections_over_the_maximum_are_told_503),
        cmocka_unit_test(a_crowd_over_the_maximum_does_not_stop_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
