#include "net/http_fixture.h"

#include <stdio.h>
#include <string.h>

/* Handlers that finish on another thread, perhaps when nobody waits any more. Worth running with the
 * address and thread sanitizers. */

static void the_server_answers(void)
{
    static struct client other;

    client_open(&other, &server);
    client_ask(&other, GET("/hello"), 200, "hello");
    client_close(&other);
}

static void a_deferred_answer_comes_when_it_is_finished(void **state)
{
    (void)state;
    client_open(&client, &server);
    client_text(&client, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" GET("/hello"));
    fixture_await_later(1);
    the_server_answers();
    fixture_finish(" and more");
    client_ask(&client, "", 200, "body and more");
    client_ask(&client, "", 200, "hello");
    client_close(&client);
}

static void deferred_answers_may_come_in_another_order_than_their_requests(void **state)
{
    static struct client clients[20];
    char text[24];

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        client_open(&clients[i], &server);
        client_text(&clients[i], GET("/later"));
        fixture_await_later((unsigned)i % 10 + 1);
        if (i % 10 == 9) {
            for (size_t k = i - 9; k <= i; k++) {
                snprintf(text, sizeof(text), "%zu", k);
                fixture_finish(text);
            }
        }
    }
    for (size_t i = 20; i-- > 0;) {
        snprintf(text, sizeof(text), "%zu", i);
        client_ask(&clients[i], "", 200, text);
        client_close(&clients[i]);
    }
}

static void a_client_that_has_gone_misses_its_deferred_answer(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        client_open(&client, &server);
        client_text(&client, GET("/later") GET("/hello"));
        fixture_await_later(1);
        if (reset)
            client_reset(&client);
        else
            client_close(&client);
        the_server_answers();
        fixture_finish("nobody reads this");
        the_server_answers();
    }
    fixture_await_done(6);
}

static void clients_that_have_gone_miss_their_slow_answers(void **state)
{
    enum { COUNT = 40 };

    (void)state;
    fixture_hold_slow(true);
    for (int i = 0; i < COUNT; i++) {
        client_open(&client, &server);
        client_text(&client, GET("/slow/x") GET("/slow/y"));
        if (i % 2)
            client_reset(&client);
        else
            client_close(&client);
    }
    the_server_answers();
    fixture_hold_slow(false);
    /* A client that closed in good order has sent its requests, and they are served. */
    fixture_await_done(1 + COUNT / 2 * 2);
    the_server_answers();
}

static void the_server_ends_with_requests_under_way(void **state)
{
    static struct client clients[8];

    (void)state;
    fixture_hold_slow(true);
    for (size_t i = 0; i < 8; i++) {
        static const char *const requests[] = {
            GET("/later"),
            GET("/slow/x"),
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
            "GET /hel",
        };
        client_open(&clients[i], &server);
        client_text(&clients[i], requests[i % 4]);
    }
    fixture_await_later(2);
    the_server_answers();
    fixture_stop(&server);
    for (size_t i = 0; i < 8; i++) {
        client_expect_end(&clients[i]);
        client_close(&clients[i]);
    }
    fixture_start(&server, FIXTURE_PATIENT);
}

static void slow_and_fast_requests_go_side_by_side(void **state)
{
    enum { COUNT = 100 };
    static struct client slow[4];
    char text[100];

    (void)state;
    for (size_t c = 0; c < 4; c++) {
        client_open(&slow[c], &server);
        for (int i = 0; i < COUNT; i++) {
            snprintf(text, sizeof(text), "GET /slow/%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
            client_text(&slow[c], text);
        }
    }
    client_open(&client, &server);
    for (int i = 0; i < COUNT; i++)
        client_ask(&client, GET("/hello"), 200, "hello");
    client_close(&client);
    for (size_t c = 0; c < 4; c++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(text, sizeof(text), "%d", i);
            client_ask(&slow[c], "", 200, text);
        }
        client_close(&slow[c]);
    }
}

#define ON_A_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_serve, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_SERVER(a_deferred_answer_comes_when_it_is_finished),
        ON_A_SERVER(deferred_answers_may_come_in_another_order_than_their_requests),
        ON_A_SERVER(a_client_that_has_gone_misses_its_deferred_answer),
        ON_A_SERVER(clients_that_have_gone_miss_their_slow_answers),
        ON_A_SERVER(the_server_ends_with_requests_under_way),
        ON_A_SERVER(slow_and_fast_requests_go_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
