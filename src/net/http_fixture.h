#ifndef MUSTER_NET_HTTP_FIXTURE_H
#define MUSTER_NET_HTTP_FIXTURE_H

/* For the HTTP tests: a server on a loop of its own with a handful of routes, and a client that
 * sends bytes as they are and reads answers.
 *
 *   table "/"     /hello  /echo (any method; echoes the body)  /big/{bytes}  /goodbye (closes)
 *                 /constant (8 MiB of 'c' that are not copied)
 *                 /inspect (method, host, path, query)  /header/{text} (answers it as a header)
 *                 /slow/{text}, /later (finished by fixture_finish)
 *                 the paths of http_route_test
 *   table "/api"  /api/thing; its errors begin with "api ", and before() marks all its answers and
 *                 answers /api/forbidden itself
 */

#include "base/unit_test.h"

#include "net/http.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { FIXTURE_CONSTANT = 8 * 1024 * 1024 };

struct http_fixture {
    struct loop *loop;
    struct workers *workers;
    struct http_server *server;
    struct listener *listener;
    int port;
};

/* Timeouts that no test reaches by accident. */
#define FIXTURE_PATIENT \
    ((struct http_settings){ .head_timeout_ms = 3600000, .idle_timeout_ms = 3600000, .max_connections = 1000 })

void fixture_start(struct http_fixture *f, struct http_settings settings);
void fixture_stop(struct http_fixture *f);

/* Waits until n exchanges of /later are with their handler, without finishing them. */
void fixture_await_later(unsigned n);
/* Waits until n more exchanges have been counted as done since the fixture was started. */
void fixture_await_done(unsigned n);
/* Finishes the oldest exchange of /later, from the thread that calls. */
void fixture_finish(const char *text);
/* While held, handlers of /slow wait on their worker. */
void fixture_hold_slow(bool hold);

struct client {
    int fd;
    size_t len; /* received, not yet read as an answer */
    char bytes[256 * 1024];
};

/* For a test file that needs one server and one client: these, and what cmocka is given to start and stop
 * the server, with the client connected or not. */
extern struct http_fixture server;
extern struct client client;
int fixture_serve(void **state);
int fixture_end(void **state);
int fixture_serve_client(void **state);
int fixture_end_client(void **state);

struct client_answer {
    int status;
    char head[8192]; /* status line and headers, terminated */
    size_t len;
    char *body; /* in the client; terminated; until the next call */
};

void client_open(struct client *c, const struct http_fixture *f);
void client_close(struct client *c);
void client_reset(struct client *c); /* closes with a TCP reset */
void client_send(struct client *c, const char *bytes, size_t len);
void client_text(struct client *c, const char *text);
/* Reads one answer. head_only: it is that of a HEAD request. Fails the test if none comes. */
void client_read(struct client *c, struct client_answer *a, bool head_only);
/* Fails unless the server ends the connection without another byte. */
void client_expect_end(struct client *c);
/* Sends one request and checks status and (unless NULL) body of its answer. */
void client_ask(struct client *c, const char *request, int status, const char *body);
/* The value of a header of the answer, "" if absent; in a static buffer. */
const char *answer_header(const struct client_answer *a, const char *name);

#endif
