#include "net/http_fixture.h"

#include <stdio.h>
#include <string.h>

/* Which handler a request reaches, and what it is told when there is none. */

static void reaches(const char *target, const char *body)
{
    char request[1024];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    client_ask(&client, request, 200, body);
}

/* Checks status, Allow and (unless NULL) body. */
static void refused(const char *method, const char *target, int status, const char *allow, const char *body)
{
    char request[1024];
    struct client_answer a;

    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, target);
    client_text(&client, request);
    client_read(&client, &a, false);
    if (a.status != status)
        print_message("for: %s\nanswer: %s%s\n", request, a.head, a.body);
    assert_int_equal(a.status, status);
    assert_string_equal(answer_header(&a, "Allow"), allow);
    if (body)
        assert_string_equal(a.body, body);
}

static void a_literal_segment_goes_before_a_capture(void **state)
{
    (void)state;
    reaches("/p/K/devices/search", "/p/{pk}/devices/search K");
    reaches("/p/K/devices/D", "/p/{pk}/devices/{did} K D");
    reaches("/p/K/devices/searc", "/p/{pk}/devices/{did} K searc");
    reaches("/p/all/groups", "/p/all/groups");
}

static void a_literal_that_leads_nowhere_gives_way_to_the_capture(void **state)
{
    (void)state;
    reaches("/p/all/devices/D", "/p/{pk}/devices/{did} all D");
    reaches("/q/one/r/s", "/q/{a}/r/s one");
    reaches("/p/K/devices/search/online", "/p/{pk}/devices/{did}/online K search");
}

static void a_literal_path_keeps_its_own_methods(void **state)
{
    (void)state;
    refused("PUT", "/p/K/devices/search", 405, "GET, HEAD, OPTIONS", NULL);
    refused("DELETE", "/p/K/devices/D", 405, "GET, HEAD, PUT, OPTIONS", NULL);
}

static void empty_segments_do_not_count(void **state)
{
    (void)state;
    reaches("//p//K/devices///D//", "/p/{pk}/devices/{did} K D");
    reaches("/p/K/devices/D/", "/p/{pk}/devices/{did} K D");
    reaches("/", "/");
    reaches("///", "/");
    reaches("/api//thing/", "/api/thing");
}

static void captures_and_literals_are_unescaped(void **state)
{
    (void)state;
    reaches("/p/a%2fb/devices/%E4%B8%AD+%25", "/p/{pk}/devices/{did} a/b \xe4\xb8\xad+%");
    reaches("/%70/K/de%76ices/search", "/p/{pk}/devices/search K");
    reaches("/ap%69/thing", "/api/thing");
    reaches("/p/..%2f/devices/.", "/p/{pk}/devices/{did} ../ .");
    reaches("/p/K/devices/\xe4\xb8\xad", "/p/{pk}/devices/{did} K \xe4\xb8\xad");
}

static void the_target_is_taken_apart(void **state)
{
    (void)state;
    reaches("/inspect?a=b%20c&d=?/", "0|a|/inspect|a=b%20c&d=?/");
    reaches("/inspect?", "0|a|/inspect|");
    reaches("/insp%65ct", "0|a|/insp%65ct|");
    reaches("http://b:8080/inspect?x", "0|b:8080|/inspect|x");
    reaches("HTTPS://[::1]/inspect", "0|[::1]|/inspect|");
    reaches("http://b", "/");
    reaches("http://b?x", "/");
    client_ask(&client, "GET /inspect HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "0||/inspect|");
}

static void an_unknown_path_is_404(void **state)
{
    (void)state;
    refused("GET", "/nowhere", 404, "", "404 -");
    refused("GET", "/hello/more", 404, "", "404 -");
    refused("GET", "/p", 404, "", NULL);
    refused("GET", "/p/K/devices", 404, "", NULL);
    refused("GET", "/hello%2f", 404, "", NULL);
    refused("GET", "/HELLO", 404, "", NULL);
    refused("POST", "/nowhere", 404, "", NULL);
    refused("BREW", "/nowhere", 404, "", NULL);
    refused("OPTIONS", "/nowhere", 404, "", NULL);
    refused("GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", 404, "", NULL);
    refused("GET", "/p/K/devices/D/online/6/7/8/9/10/11/12/13/14/15/16/17", 404, "", NULL);
}

static void a_method_without_a_route_is_405_and_told_which_have_one(void **state)
{
    (void)state;
    refused("DELETE", "/hello", 405, "GET, HEAD, OPTIONS", "405 -");
    refused("PATCH", "/echo", 405, "GET, HEAD, POST, PUT, DELETE, OPTIONS", NULL);
    refused("BREW", "/hello", 405, "GET, HEAD, OPTIONS", NULL);
    refused("get", "/hello", 405, "GET, HEAD, OPTIONS", NULL);
    refused("SUBSCRIBE", "/hello", 405, "GET, HEAD, OPTIONS", NULL);
    refused("TRACE", "/hello", 405, "GET, HEAD, OPTIONS", NULL);
    refused("CONNECT", "/hello", 405, "GET, HEAD, OPTIONS", NULL);
    refused("GET", "/own-options", 405, "OPTIONS", NULL);
}

static void the_connection_outlives_a_strange_method_with_a_body(void **state)
{
    (void)state;
    client_ask(&client, "BREW /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /" GET("/hello"), 405, NULL);
    client_ask(&client, "", 200, "hello");
}

static void options_tells_the_methods(void **state)
{
    (void)state;
    refused("OPTIONS", "/hello", 204, "GET, HEAD, OPTIONS", "");
    refused("OPTIONS", "/p/K/devices/D", 204, "GET, HEAD, PUT, OPTIONS", "");
    refused("OPTIONS", "*", 204, "GET, HEAD, POST, PUT, DELETE, OPTIONS", "");
    refused("OPTIONS", "/own-options", 200, "", "/own-options");
}

static void the_longest_prefix_owns_a_path(void **state)
{
    (void)state;
    refused("GET", "/api/nowhere", 404, "", "api 404");
    refused("GET", "/api", 404, "", "api 404");
    refused("GET", "/apis", 404, "", "404 -");
    refused("PUT", "/api/thing", 405, "GET, HEAD, OPTIONS", "api 405");
}

static void before_sees_every_request_of_its_table(void **state)
{
    struct client_answer a;
    static const struct {
        const char *request, *mark;
        int status;
    } cases[] = {
        { GET("/api/thing"), "route", 200 },
        { GET("/api/nowhere"), "none", 404 },
        { "PUT /api/thing HTTP/1.1\r\nHost: a\r\n\r\n", "none", 405 },
        { "OPTIONS /api/thing HTTP/1.1\r\nHost: a\r\n\r\n", "none", 204 },
        { GET("/api/forbidden"), "route", 403 },
        { GET("/api/elsewhere"), "none", 200 },
        { GET("/hello"), "", 200 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        client_text(&client, cases[i].request);
        client_read(&client, &a, false);
        assert_int_equal(a.status, cases[i].status);
        assert_string_equal(answer_header(&a, "X-Before"), cases[i].mark);
        if (a.status == 403)
            assert_string_equal(a.body, "before");
        if (strstr(cases[i].request, "elsewhere"))
            assert_string_equal(a.body, "at once");
    }
}

/* --- building a table --------------------------------------------------------------------------*/
static void no_handler(struct http_exchange *ex)
{
    (void)ex;
}

static enum mu_err add(const char *prefix, struct http_route *routes, size_t count)
{
    struct http_table table = { .prefix = prefix, .routes = routes, .count = count };
    struct http_settings settings = FIXTURE_PATIENT;
    struct http_server *s;

    assert_int_equal(http_server_create(&s, &settings, NULL, NULL, NULL, NULL), MU_OK);
    enum mu_err err = http_server_add(s, &table);
    http_server_destroy(s);
    return err;
}

static void a_table_that_contradicts_itself_is_refused(void **state)
{
    struct http_route twice[] = {
        { .method = HTTP_M_GET, .path = "/a/{b}", .handle = no_handler },
        { .method = HTTP_M_GET, .path = "/a/{c}/", .handle = no_handler },
    };
    struct http_route elsewhere = { .method = HTTP_M_GET, .path = "/b/c", .handle = no_handler };
    struct http_route five = { .method = HTTP_M_GET, .path = "/{a}/{b}/{c}/{d}/{e}" };
    struct http_route slow = { .method = HTTP_M_GET, .path = "/a", .where = HTTP_SLOW };
    struct http_route deep = { .method = HTTP_M_GET, .path = "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7" };
    struct http_route other = { .method = HTTP_M_OTHER, .path = "/a" };

    (void)state;
    assert_int_equal(add("/", twice, 1), MU_OK);
    assert_int_equal(add("/", twice, 2), MU_E_EXISTS);
    assert_int_equal(add("/a", &elsewhere, 1), MU_E_VALUE);
    assert_int_equal(add("/", &five, 1), MU_E_VALUE);
    assert_int_equal(add("/", &slow, 1), MU_E_VALUE); /* no workers to run it */
    assert_int_equal(add("/", &deep, 1), MU_E_VALUE);
    assert_int_equal(add("/", &other, 1), MU_E_VALUE);
}

static void routes_are_numbered_through_all_tables(void **state)
{
    size_t count = http_server_route_count(server.server);

    (void)state;
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(http_server_route(server.server, i)->number, i);
    assert_string_equal(http_server_route(server.server, 1)->path, "/api/forbidden");
    assert_string_equal(http_server_route(server.server, count - 1)->path, "/own-options");
}

int main(void)
{
    /* All on one connection: none of these answers may end it. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_segment_goes_before_a_capture),
        cmocka_unit_test(a_literal_that_leads_nowhere_gives_way_to_the_capture),
        cmocka_unit_test(a_literal_path_keeps_its_own_methods),
        cmocka_unit_test(empty_segments_do_not_count),
        cmocka_unit_test(captures_and_literals_are_unescaped),
        cmocka_unit_test(the_target_is_taken_apart),
        cmocka_unit_test(an_unknown_path_is_404),
        cmocka_unit_test(a_method_without_a_route_is_405_and_told_which_have_one),
        cmocka_unit_test(the_connection_outlives_a_strange_method_with_a_body),
        cmocka_unit_test(options_tells_the_methods),
        cmocka_unit_test(the_longest_prefix_owns_a_path),
        cmocka_unit_test(before_sees_every_request_of_its_table),
        cmocka_unit_test(a_table_that_contradicts_itself_is_refused),
        cmocka_unit_test(routes_are_numbered_through_all_tables),
    };
    return cmocka_run_group_tests(tests, fixture_serve_client, fixture_end_client);
}
