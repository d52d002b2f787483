#include "net/http_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How requests and answers follow each other on a connection. */

/* --- the server's writes, counted: linked with --wrap=send --------------------------------------*/
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);

static atomic_uint writes;

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
    atomic_fetch_add(&writes, 1);
    return __real_send(fd, bytes, len, flags);
}

static void an_answer_is_one_write(void **state)
{
    (void)state;
    atomic_store(&writes, 0);
    client_ask(&client, GET("/hello"), 200, "hello");
    assert_int_equal(atomic_load(&writes), 1);
    client_ask(&client, GET("/slow/x"), 200, "x");
    assert_int_equal(atomic_load(&writes), 2);
}

static void a_hundred_pipelined_requests_are_answered_in_order_by_one_write(void **state)
{
    char requests[16 * 1024];
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        len += (size_t)sprintf(requests + len, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d", i);
    atomic_store(&writes, 0);
    client_send(&client, requests, len);
    for (int i = 0; i < 100; i++) {
        struct client_answer a;
        client_read(&client, &a, false);
        assert_int_equal(a.status, 200);
        assert_int_equal(atoi(a.body), i);
    }
    assert_int_equal(atomic_load(&writes), 1);
}

/* While the loop naps for the first, the others' requests come together. */
static void answers_of_one_round_go_to_those_who_asked(void **state)
{
    static const char *const targets[] = { "/nap/%d", "/p/K/devices/%d", "/header/%d" };
    static struct client clients[8];
    enum { CLIENTS = sizeof(clients) / sizeof(clients[0]) };

    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        client_open(&clients[i], &server);
    for (int round = 0; round < 10; round++) {
        client_text(&client, GET("/nap/first"));
        for (int i = 0; i < CLIENTS; i++) {
            char target[64], request[128];
            snprintf(target, sizeof(target), targets[(i + round) % 3], i);
            snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\nX-Test: %d\r\n\r\n", target, i);
            client_text(&clients[i], request);
        }
        client_ask(&client, "", 200, "first");
        for (int i = 0; i < CLIENTS; i++) {
            char own[64];
            snprintf(own, sizeof(own), (i + round) % 3 == 1 ? "/p/{pk}/devices/{did} K %d" : "%d", i);
            client_ask(&clients[i], "", 200, own);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
}

static void pipelined_requests_wait_for_a_slow_one(void **state)
{
    (void)state;
    client_text(&client, GET("/hello") GET("/slow/one")
                             GET("/slow/two") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthree" GET(
                                 "/at_once") "GET /hello HTTP/1.1\r\nHost: a\r\n");
    client_ask(&client, "", 200, "hello");
    client_ask(&client, "", 200, "one");
    client_ask(&client, "", 200, "two");
    client_ask(&client, "", 200, "three");
    client_ask(&client, "", 200, "at once");
    client_ask(&client, "\r\n", 200, "hello");
}

static void more_is_pipelined_behind_a_slow_request_than_is_read_at_once(void **state)
{
    enum { COUNT = 5000 };
    static char requests[COUNT * 40];
    struct client_answer a;
    size_t len = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        len += (size_t)sprintf(requests + len, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", i % 1000 ? "hello" : "slow/x");
    client_send(&client, requests, len);
    for (int i = 0; i < COUNT; i++) {
        client_read(&client, &a, false);
        assert_string_equal(a.body, i % 1000 ? "hello" : "x");
    }
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char request[] = "\r\nPOST /echo?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                                  "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3;ext=1\r\nbye\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n" GET("/hello");

    (void)state;
    for (size_t i = 0; i < sizeof(request) - 1; i++)
        client_send(&client, request + i, 1);
    client_ask(&client, "", 200, "hello");
    client_ask(&client, "", 200, "bye!");
    client_ask(&client, "", 200, "hello");
}

static void chunks_are_joined_and_extensions_and_trailers_ignored(void **state)
{
    (void)state;
    client_ask(&client,
               "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
               "5;name=value\r\nhello\r\n"
               "1;flag\r\n \r\n"
               "0005\r\nworld\r\n"
               "A\r\n\r\n0\r\n\r\n\r\n!\r\n"
               "0\r\nContent-Length: 3\r\nX: y\r\n\r\n",
               200, "hello world\r\n0\r\n\r\n\r\n!");
    client_ask(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "");
}

static void a_body_of_1_mib_comes_through(void **state)
{
    enum { SIZE = LIMIT_HTTP_BODY };
    char *body = calloc(1, SIZE);
    char head[100];
    struct client_answer a;

    (void)state;
    assert_non_null(body);
    int len = sprintf(head, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", SIZE);
    client_send(&client, head, (size_t)len);
    memset(body, 'x', SIZE);
    client_send(&client, body, SIZE);
    fixture_await_later(1);
    fixture_finish("");
    client_text(&client, GET("/hello"));

    /* More than the client's buffer holds: read it past that. */
    while (!strstr(client.bytes, "\r\n\r\n")) {
        ssize_t n = recv(client.fd, client.bytes + client.len, 1, 0);
        assert_true(n > 0);
        client.len += (size_t)n;
        client.bytes[client.len] = '\0';
    }
    assert_non_null(strstr(client.bytes, "Content-Length: 1048576\r\n"));
    for (size_t got = 0; got < SIZE;) {
        ssize_t n = recv(client.fd, body, SIZE - got, 0);
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(body[i], 'x');
        got += (size_t)n;
    }
    client.len = 0;
    client_read(&client, &a, false);
    assert_string_equal(a.body, "hello");
    free(body);
}

static void head_is_get_without_the_body(void **state)
{
    struct client_answer a;

    (void)state;
    client_text(&client, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&client, &a, true);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_header(&a, "Content-Length"), "5");
    assert_string_equal(answer_header(&a, "Content-Type"), "text/plain");
    client_text(&client, "HEAD /slow/x HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&client, &a, true);
    assert_string_equal(answer_header(&a, "Content-Length"), "1");
    client_text(&client, "HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&client, &a, true);
    assert_int_equal(a.status, 404);
    client_text(&client, "HEAD /big/300000 HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&client, &a, true);
    assert_string_equal(answer_header(&a, "Content-Length"), "300000");
    client_ask(&client, GET("/hello"), 200, "hello");
}

static void a_client_that_expects_100_continue_gets_it_before_it_sends(void **state)
{
    struct client_answer a;

    (void)state;
    client_text(&client, GET("/hello") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                       "Expect: 100-Continue\r\n\r\n");
    client_ask(&client, "", 200, "hello");
    client_read(&client, &a, true);
    assert_string_equal(a.head, "HTTP/1.1 100 Continue\r\n\r\n");
    client_ask(&client, "hello", 200, "hello");

    /* Not if the body is there already, if there is none, or from HTTP/1.0. */
    client_ask(&client,
               "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
               "Expect: 100-continue\r\n\r\nhello",
               200, "hello");
    client_ask(&client, "GET /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", 200, "hello");
    client_ask(&client,
               "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n"
               "Expect: tea\r\n\r\n",
               200, "");
}

static void a_body_that_is_not_wanted_is_not_asked_for(void **state)
{
    (void)state;
    client_ask(&client,
               "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
               "Expect: 100-continue\r\n\r\n",
               404, "404 -");
    client_expect_end(&client);
    client_close(&client);
    client_open(&client, &server);
    client_ask(&client,
               "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
               "Expect: 100-continue\r\n\r\n",
               405, "405 -");
    client_expect_end(&client);
}

static void http_1_1_keeps_the_connection_unless_told_to_close(void **state)
{
    struct client_answer a;

    (void)state;
    client_text(&client, GET("/hello"));
    client_read(&client, &a, false);
    assert_string_equal(answer_header(&a, "Connection"), "");
    client_text(&client, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n" GET("/hello"));
    client_read(&client, &a, false);
    assert_string_equal(answer_header(&a, "Connection"), "close");
    client_expect_end(&client);
}

static void http_1_0_closes_the_connection_unless_told_to_keep_it(void **state)
{
    struct client_answer a;

    (void)state;
    client_text(&client, "GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    client_read(&client, &a, false);
    assert_string_equal(answer_header(&a, "Connection"), "keep-alive");
    client_text(&client, "GET /slow/x HTTP/1.0\r\n\r\n");
    client_read(&client, &a, false);
    assert_string_equal(a.body, "x");
    assert_string_equal(answer_header(&a, "Connection"), "close");
    client_expect_end(&client);
}

static void a_handler_can_end_the_connection(void **state)
{
    (void)state;
    client_ask(&client, GET("/goodbye") GET("/hello"), 200, "goodbye");
    client_expect_end(&client);
}

static void a_client_that_has_ended_its_half_still_gets_its_answers(void **state)
{
    (void)state;
    fixture_hold_slow(true);
    client_text(&client, GET("/hello") GET("/slow/x"));
    shutdown(client.fd, SHUT_WR);
    client_ask(&client, "", 200, "hello");
    fixture_hold_slow(false);
    client_ask(&client, "", 200, "x");
    client_expect_end(&client);
}

static void every_answer_has_its_fixed_lines_in_a_short_head(void **state)
{
    struct client_answer a;
    char day[4], month[4];
    int d, y, h, m, s;

    (void)state;
    client_text(&client, GET("/hello"));
    client_read(&client, &a, false);
    assert_int_equal(strncmp(a.head, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_int_equal(
        sscanf(answer_header(&a, "Date"), "%3s, %2d %3s %4d %2d:%2d:%2d GMT", day, &d, month, &y, &h, &m, &s), 7);
    assert_int_equal(strlen(answer_header(&a, "Date")), 29);
    assert_true(strlen(a.head) < 128);
    client_text(&client, GET("/nowhere"));
    client_read(&client, &a, false);
    assert_string_equal(answer_header(&a, "Content-Length"), "5");
}

static void headers_are_found_without_case_and_the_last_one_counts(void **state)
{
    struct client_answer a;

    (void)state;
    client_text(&client, "GET /header/v HTTP/1.1\r\nHost: a\r\n"
                         "X-TEST: one\r\nx-test:  two words \r\n\r\n");
    client_read(&client, &a, false);
    assert_string_equal(a.body, "two words");
    assert_string_equal(answer_header(&a, "X-Capture"), "v");
}

static void a_trailer_is_no_header(void **state)
{
    (void)state;
    client_ask(&client,
               "GET /header/v HTTP/1.1\r\nHost: a\r\nX-Test: true\r\n"
               "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Test: false\r\n\r\n",
               200, "true");
}

static void a_header_value_cannot_begin_another_header(void **state)
{
    struct client_answer a;

    (void)state;
    client_text(&client, "GET /header/a%0d%0aSet-Cookie:%20b HTTP/1.1\r\nHost: a\r\n\r\n");
    client_read(&client, &a, false);
    assert_string_equal(answer_header(&a, "Set-Cookie"), "");
    assert_string_equal(answer_header(&a, "X-Capture"), "a  Set-Cookie: b");
}

static void an_answer_beyond_its_cap_becomes_500(void **state)
{
    (void)state;
    client_ask(&client, GET("/big/67108865"), 500, "500 the answer is too large");
    client_expect_end(&client);
}

static void a_peer_that_does_not_read_gets_no_more_answers_computed(void **state)
{
    enum { COUNT = 600 };
    static char requests[COUNT * 50];
    static struct client other;
    struct client_answer a;
    size_t len = 0;

    (void)state;
    /* 120 MB of answers: far more than two sockets and OUT_MAX hold. */
    for (int i = 0; i < COUNT; i++)
        len += (size_t)sprintf(requests + len, "GET /big/%d HTTP/1.1\r\nHost: a\r\n\r\n", 200000 + i);
    client_send(&client, requests, len);
    /* When this is answered, the loop has been through what it does with those. */
    client_open(&other, &server);
    client_ask(&other, GET("/hello"), 200, "hello");
    client_close(&other);
    for (int i = 0; i < COUNT; i++) {
        client_read(&client, &a, false);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.len, 200000 + i);
    }
}

#define ON_A_CONNECTION(test) cmocka_unit_test_setup_teardown(test, fixture_serve_client, fixture_end_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_CONNECTION(an_answer_is_one_write),
        ON_A_CONNECTION(a_hundred_pipelined_requests_are_answered_in_order_by_one_write),
        ON_A_CONNECTION(answers_of_one_round_go_to_those_who_asked),
        ON_A_CONNECTION(pipelined_requests_wait_for_a_slow_one),
        ON_A_CONNECTION(more_is_pipelined_behind_a_slow_request_than_is_read_at_once),
        ON_A_CONNECTION(a_request_may_come_byte_by_byte),
        ON_A_CONNECTION(chunks_are_joined_and_extensions_and_trailers_ignored),
        ON_A_CONNECTION(a_body_of_1_mib_comes_through),
        ON_A_CONNECTION(head_is_get_without_the_body),
        ON_A_CONNECTION(a_client_that_expects_100_continue_gets_it_before_it_sends),
        ON_A_CONNECTION(a_body_that_is_not_wanted_is_not_asked_for),
        ON_A_CONNECTION(http_1_1_keeps_the_connection_unless_told_to_close),
        ON_A_CONNECTION(http_1_0_closes_the_connection_unless_told_to_keep_it),
        ON_A_CONNECTION(a_handler_can_end_the_connection),
        ON_A_CONNECTION(a_client_that_has_ended_its_half_still_gets_its_answers),
        ON_A_CONNECTION(every_answer_has_its_fixed_lines_in_a_short_head),
        ON_A_CONNECTION(headers_are_found_without_case_and_the_last_one_counts),
        ON_A_CONNECTION(a_trailer_is_no_header),
        ON_A_CONNECTION(a_header_value_cannot_begin_another_header),
        ON_A_CONNECTION(an_answer_beyond_its_cap_becomes_500),
        ON_A_CONNECTION(a_peer_that_does_not_read_gets_no_more_answers_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
