#include "net/http_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Valid requests with a few bytes changed: whatever they have become, the server stays sane. The seed
 * is fixed, so that a failure comes again. */

enum { ROUNDS = 3000, LONGEST = 1024 };

static uint64_t seed = 20240229;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

static const char *const requests[] = {
    GET("/hello") "GET /p/K/devices/D?x=%20 HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world"
    "HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nT: x\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
    "GET /slow/%41 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a:80/api//thing/ HTTP/1.0\r\nConnection: keep-alive\r\nUpgrade: x\r\n\r\n"
    "GET /at_once HTTP/1.0\r\n\r\n",
};

/* Bytes that mean something to a parser; others come by chance. */
static char any_byte(void)
{
    static const char telling[] = "\r\n \t:;,%/?#*0159aFx\0\x7f\x80\xff";
    return below(2) ? telling[below(sizeof(telling) - 1)] : (char)below(256);
}

static size_t mutate(char *bytes, size_t len)
{
    for (size_t changes = 1 + below(4); changes > 0; changes--) {
        size_t at = below(len);
        size_t part = 1 + below(len - at < 20 ? len - at : 20);
        switch (below(4)) {
        case 0: bytes[at] = any_byte(); break;
        case 1: /* leave a part out */
            if (part == len)
                break;
            memmove(bytes + at, bytes + at + part, len - at - part);
            len -= part;
            break;
        case 2: /* double it */
            if (len + part > LONGEST)
                break;
            memmove(bytes + at + part, bytes + at, len - at);
            len += part;
            break;
        default:
            memmove(bytes + at + 1, bytes + at, len - at);
            bytes[at] = any_byte();
            len++;
        }
    }
    return len;
}

static void mutated_requests_do_no_harm(void **state)
{
    char bytes[LONGEST + 8];

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *request = requests[below(sizeof(requests) / sizeof(requests[0]))];
        size_t len = strlen(request), at = 0;
        memcpy(bytes, request, len);
        len = mutate(bytes, len);

        client_open(&client, &server);
        for (size_t parts = below(3); parts > 0 && at < len; parts--) {
            size_t n = below(len - at);
            client_send(&client, bytes + at, n);
            at += n;
        }
        client_send(&client, bytes + at, len - at);
        shutdown(client.fd, SHUT_WR);
        ssize_t n = 0;
        while (client.len < sizeof(client.bytes) &&
               (n = read(client.fd, client.bytes + client.len, sizeof(client.bytes) - client.len)) > 0)
            client.len += (size_t)n;
        if (n < 0)
            assert_int_equal(errno, ECONNRESET);
        if (client.len)
            assert_memory_equal(client.bytes, "HTTP/1.1 ", 9);
        client_close(&client);

        if (i % 50 == 0) {
            client_open(&client, &server);
            client_ask(&client, GET("/hello"), 200, "hello");
            client_close(&client);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_requests_do_no_harm),
    };
    return cmocka_run_group_tests(tests, fixture_serve, fixture_end);
}
