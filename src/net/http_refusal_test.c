#include "net/http_fixture.h"

#include <stdio.h>
#include <string.h>

/* What the server does not accept: every case on a connection of its own, which must be answered
 * with the status and ended. */

static void refused_bytes(const char *bytes, size_t len, int status)
{
    struct client_answer a;

    client_open(&client, &server);
    client_send(&client, bytes, len);
    client_read(&client, &a, false);
    if (a.status != status)
        print_message("for: %.*s\nanswer: %s%s\n", (int)len, bytes, a.head, a.body);
    assert_int_equal(a.status, status);
    assert_string_equal(answer_header(&a, "Connection"), "close");
    client_expect_end(&client);
    client_close(&client);
}

static void refused(const char *request, int status)
{
    refused_bytes(request, strlen(request), status);
}

#define REFUSED_BYTES(literal, status) refused_bytes(literal, sizeof(literal) - 1, status)

/* A request with these header lines, and a second one that a confused server would answer, too. */
static void refused_headers(const char *lines)
{
    char request[2048];

    snprintf(request, sizeof(request), "POST /echo HTTP/1.1\r\nHost: a\r\n%s\r\n0\r\n\r\n" GET("/hello"), lines);
    refused(request, 400);
}

static void accepted(const char *request, const char *body)
{
    client_open(&client, &server);
    client_ask(&client, request, 200, body);
    client_ask(&client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 200, "hello");
    client_close(&client);
}

static void transfer_encoding_beside_content_length(void **state)
{
    (void)state;
    refused_headers("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n");
    refused_headers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    refused_headers("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n");
}

static void more_than_one_content_length(void **state)
{
    (void)state;
    refused_headers("Content-Length: 5\r\nContent-Length: 6\r\n");
    refused_headers("Content-Length: 5\r\nContent-Length: 5\r\n");
    refused_headers("Content-Length: 0\r\nContent-Length: 0\r\n");
    refused_headers("Content-Length: 5, 5\r\n");
    refused_headers("Content-Length: 5 5\r\n");
}

static void a_content_length_that_is_no_number(void **state)
{
    (void)state;
    refused_headers("Content-Length:\r\n");
    refused_headers("Content-Length: \r\n");
    refused_headers("Content-Length: +5\r\n");
    refused_headers("Content-Length: -5\r\n");
    refused_headers("Content-Length: 0x5\r\n");
    refused_headers("Content-Length: 5;\r\n");
    refused_headers("Content-Length: 99999999999999999999999999\r\n");
}

static void transfer_codings_other_than_chunked_alone(void **state)
{
    (void)state;
    refused_headers("Transfer-Encoding: gzip\r\n");
    refused_headers("Transfer-Encoding: gzip, chunked\r\n");
    refused_headers("Transfer-Encoding: chunked, gzip\r\n");
    refused_headers("Transfer-Encoding: chunked, chunked\r\n");
    refused_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n");
    refused_headers("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n");
    refused_headers("Transfer-Encoding: identity\r\n");
    refused_headers("Transfer-Encoding: xchunked\r\n");
    refused_headers("Transfer-Encoding: \"chunked\"\r\n");
    refused_headers("Transfer-Encoding: chunked;q=1\r\n");
    refused_headers("Transfer-Encoding:\r\n");
    refused_headers("Transfer-Encoding: \x0b"
                    "chunked\r\n");
    refused("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

static void blanks_where_none_belong(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\r\nHost : a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost\t: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\n Host: a\r\n\r\n", 400);
    refused("GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello  HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1 \r\nHost: a\r\n\r\n", 400);
    refused("GET\t/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hel lo HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused(" GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void folded_header_lines(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX:\r\n\tc\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\r\n \r\n\r\n", 400);
}

static void line_ends_other_than_crlf(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\n\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX:\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX: \nY: z\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\n\n", 400);
    refused("\n\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\rHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\r\n\r\n", 400);
}

static void control_characters(void **state)
{
    (void)state;
    REFUSED_BYTES("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", 400);
    REFUSED_BYTES("GET /hello HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", 400);
    REFUSED_BYTES("GET /hel\0lo HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\001c\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\177c\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX: b\033[0m\r\n\r\n", 400);
    refused("GET /hel\tlo HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hel\177lo HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void header_names_that_are_no_tokens(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nX\303\244: b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400);
}

static void requests_without_exactly_one_host(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    refused("GET http://a/hello HTTP/1.1\r\n\r\n", 400);
}

static void hosts_that_are_no_host_names(void **state)
{
    (void)state;
    refused("GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a, b\r\n\r\n", 400);
    refused("GET /hello HTTP/1.1\r\nHost: a&port=1\r\n\r\n", 400);
    refused("GET http://u@b/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET http:///hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET http://:80/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET http://a:b/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET http://a/hello HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
    static const char *const hosts[] = {
        ":80",    "a:8x", "a:-1", "a:65536", "a:80:80", "::1",        "[::1",
        "::1]",   "[]",   "[a]",  "[::1]80", "[::1]:x", "[::1%eth0]", "[::1]]",
        "[[::1]", "a%",   "a%4",  "a%zz",    "a]",      "[1.2.3.4]",  "[::1:2:3:4:5:6:7:8:9]",
    };
    char request[512];
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        snprintf(request, sizeof(request), "GET /hello HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        refused(request, 400);
    }
}

static void targets_that_are_no_paths(void **state)
{
    (void)state;
    refused("GET /hello#top HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET ftp://a/hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\nGET / HTTP/1.1\r\n", 400);
}

static void paths_with_bad_escapes(void **state)
{
    (void)state;
    refused("GET /hell%6 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hell% HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hell%6g HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void request_lines_of_something_else(void **state)
{
    (void)state;
    refused("GET /hello\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/0.9\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello HTTP/1.2\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello http/1.1\r\nHost: a\r\n\r\n", 400);
    refused("GET /hello RTSP/1.0\r\nHost: a\r\n\r\n", 400);
    refused("GET HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("G@T /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400);
    refused("Host: a\r\n\r\n", 400);
    /* The beginning of a TLS handshake has no line's end to wait for. */
    REFUSED_BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
}

static void broken_chunks(void **state)
{
    static const char *const bodies[] = {
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloxx0\r\n\r\n",
        "5\rxhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\r\nT: a\nU: b\r\n\r\n",
        "5\r\nhello\r\n0\r\n \r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5;a=\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
        "5;a b\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5 a\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "x",
        "5\r\nhellox",
    };
    char request[512];

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        snprintf(request, sizeof(request), "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                 bodies[i]);
        refused(request, 400);
    }
}

static void broken_trailers(void **state)
{
    static const char *const trailers[] = {
        "no colon", "nocolon",    ": a",      "A : b",   "A\t: b",       " A: b",      "A: b\r\n folded",
        "A(b): c",  "A: b\rC: d", "A: b\001", "A: \177", "A\303\244: b", "A: b\nC: d", "\r",
    };
    char request[512];

    (void)state;
    for (size_t i = 0; i < sizeof(trailers) / sizeof(trailers[0]); i++) {
        snprintf(request, sizeof(request),
                 "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%s\r\n\r\n" GET("/hello"),
                 trailers[i]);
        refused(request, 400);
    }
}

static void unknown_expectations(void **state)
{
    (void)state;
    refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: tea\r\n\r\n", 417);
    refused("GET /hello HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417);
}

static void a_head_of_more_than_16_kib(void **state)
{
    static char head[LIMIT_HTTP_HEAD + 100];
    size_t line;

    (void)state;
    /* In one piece, unfinished, and as a single endless request line. */
    line = (size_t)sprintf(head, "GET /hello HTTP/1.1\r\nHost: a\r\nX: ");
    memset(head + line, 'x', LIMIT_HTTP_HEAD);
    memcpy(head + LIMIT_HTTP_HEAD - 3, "\r\n\r\n", 5);
    refused(head, 431);
    memcpy(head + LIMIT_HTTP_HEAD - 3, "xxxxx", 6);
    refused(head, 431);
    memset(head + 5, 'x', LIMIT_HTTP_HEAD);
    head[LIMIT_HTTP_HEAD + 5] = '\0';
    refused(head, 431);

    memcpy(head, "GET /hello HTTP/1.1\r\nHost: a\r\nX: ", line);
    memcpy(head + LIMIT_HTTP_HEAD - 4, "\r\n\r\n", 5);
    accepted(head, "hello");
}

static void too_many_header_lines(void **state)
{
    char head[4096] = "GET /hello HTTP/1.1\r\nHost: a\r\n";
    size_t len = strlen(head);

    (void)state;
    for (int i = 1; i < LIMIT_HTTP_HEADERS; i++)
        len += (size_t)sprintf(head + len, "X: %d\r\n", i);
    strcpy(head + len, "\r\n");
    accepted(head, "hello");
    strcpy(head + len, "Y: z\r\n\r\n");
    refused(head, 431);
}

static void a_declared_body_of_more_than_1_mib_before_it_is_sent(void **state)
{
    (void)state;
    refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", 413);
    refused("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            "Content-Length: 1048577\r\n\r\n",
            413);
    refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", 413);
}

static void a_chunked_body_when_it_passes_1_mib(void **state)
{
    enum { CHUNK = 64 * 1024 };
    static char bytes[CHUNK + 200];
    struct client_answer a;

    (void)state;
    client_open(&client, &server);
    client_text(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; i++) {
        size_t head = (size_t)sprintf(bytes, "%x\r\n", CHUNK);
        memset(bytes + head, 'x', CHUNK);
        memcpy(bytes + head + CHUNK, "\r\n", 2);
        client_send(&client, bytes, head + CHUNK + 2);
    }
    client_read(&client, &a, false);
    assert_int_equal(a.status, 413);
    client_expect_end(&client);
    client_close(&client);
}

static void endless_chunk_framing(void **state)
{
    static char bytes[64 * 1024];
    struct client_answer a;

    (void)state;
    /* Zeros before a size, an extension, and trailers without end. */
    for (int kind = 0; kind < 3; kind++) {
        memset(bytes, kind == 0 ? '0' : 'x', sizeof(bytes));
        client_open(&client, &server);
        client_text(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        client_text(&client, kind == 0 ? "" : kind == 1 ? "5;" : "0\r\n");
        client_send(&client, bytes, sizeof(bytes));
        client_read(&client, &a, false);
        assert_int_equal(a.status, 413);
        client_expect_end(&client);
        client_close(&client);
    }
}

static void what_is_unusual_but_right_is_served(void **state)
{
    (void)state;
    accepted("GET /hello HTTP/1.1\r\nHost:a\r\nX:b\r\n\r\n", "hello");
    accepted("GET /hello HTTP/1.1\r\nhOsT: \t a:8080 \t \r\nX:\r\nY: \r\n\r\n", "hello");
    accepted("\r\n\r\nGET /hello HTTP/1.1\r\nHost:\r\n\r\n", "hello");
    accepted("GET /hello HTTP/1.1\r\nHost: a:\r\n\r\n", "hello"); /* RFC 3986, section 3.2.3 */
    accepted("GET /hello HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", "hello");
    accepted("GET /hello HTTP/1.1\r\nHost: a%2Db_c.example:65535\r\n\r\n", "hello");
    accepted("GET HTTP://[::ffff:1.2.3.4]:/hello HTTP/1.1\r\nHost:\r\n\r\n", "hello");
    accepted("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "03 ; a ; b = \"c\\\"d\" ;e=f\r\nhel\r\n2\r\nlo\r\n00\r\nA:\r\nB: c\t\303\244\r\n\r\n",
             "hello");
    accepted("GET /hello HTTP/1.1\r\nHost: [::1]:80\r\nX: \303\244 \377\r\n\r\n", "hello");
    accepted("GET /hello?city=\345\271\277\345\267\236 HTTP/1.1\r\nHost: a\r\n\r\n", "hello");
    accepted("GET /hello HTTP/1.1\r\nHost: a\r\n"
             "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
             "hello");
    accepted("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: upgrade\r\n"
             "Upgrade: websocket\r\n\r\nhello",
             "hello");
    accepted("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 00005\r\n\r\nhello", "hello");
    accepted("POST /echo HTTP/1.1\r\nHost: a\r\n"
             "transfer-encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
             "hello");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfer_encoding_beside_content_length),
        cmocka_unit_test(more_than_one_content_length),
        cmocka_unit_test(a_content_length_that_is_no_number),
        cmocka_unit_test(transfer_codings_other_than_chunked_alone),
        cmocka_unit_test(blanks_where_none_belong),
        cmocka_unit_test(folded_header_lines),
        cmocka_unit_test(line_ends_other_than_crlf),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(header_names_that_are_no_tokens),
        cmocka_unit_test(requests_without_exactly_one_host),
        cmocka_unit_test(hosts_that_are_no_host_names),
        cmocka_unit_test(targets_that_are_no_paths),
        cmocka_unit_test(paths_with_bad_escapes),
        cmocka_unit_test(request_lines_of_something_else),
        cmocka_unit_test(broken_chunks),
        cmocka_unit_test(broken_trailers),
        cmocka_unit_test(unknown_expectations),
        cmocka_unit_test(a_head_of_more_than_16_kib),
        cmocka_unit_test(too_many_header_lines),
        cmocka_unit_test(a_declared_body_of_more_than_1_mib_before_it_is_sent),
        cmocka_unit_test(a_chunked_body_when_it_passes_1_mib),
        cmocka_unit_test(endless_chunk_framing),
        cmocka_unit_test(what_is_unusual_but_right_is_served),
    };
    return cmocka_run_group_tests_name("refused with the connection ended", tests, fixture_serve, fixture_end);
}
