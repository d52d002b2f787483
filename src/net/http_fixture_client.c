#include "net/http_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The client of the HTTP tests: sends bytes as they are and reads answers. */

struct http_fixture server;
struct client client;

int fixture_serve(void **state)
{
    (void)state;
    fixture_start(&server, FIXTURE_PATIENT);
    return 0;
}

int fixture_end(void **state)
{
    (void)state;
    fixture_stop(&server);
    return 0;
}

int fixture_serve_client(void **state)
{
    fixture_serve(state);
    client_open(&client, &server);
    return 0;
}

int fixture_end_client(void **state)
{
    client_close(&client);
    return fixture_end(state);
}

void client_open(struct client *c, const struct http_fixture *f)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)f->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = 60 };

    c->len = 0;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

void client_close(struct client *c)
{
    close(c->fd);
}

void client_reset(struct client *c)
{
    struct linger hard = { .l_onoff = 1, .l_linger = 0 };

    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(c->fd);
}

/* write, not send: http_framing_test counts the server's calls of send. */
void client_send(struct client *c, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(c->fd, bytes, len);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* the server has seen enough; its answer is what counts */
        assert_true(n > 0);
        bytes += n;
        len -= (size_t)n;
    }
}

void client_text(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

static ssize_t receive(struct client *c)
{
    assert_true(c->len < sizeof(c->bytes) - 1);
    ssize_t n = read(c->fd, c->bytes + c->len, sizeof(c->bytes) - 1 - c->len);
    if (n > 0)
        c->len += (size_t)n;
    c->bytes[c->len] = '\0';
    return n;
}

static void forget(struct client *c, size_t n)
{
    c->len -= n;
    memmove(c->bytes, c->bytes + n, c->len);
    c->bytes[c->len] = '\0';
}

const char *answer_header(const struct client_answer *a, const char *name)
{
    static char value[1024];
    size_t len = strlen(name);

    value[0] = '\0';
    const char *line = a->head;
    while ((line = strstr(line, "\r\n")) && line[2] != '\r') {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *end = strstr(line, "\r\n");
            snprintf(value, sizeof(value), "%.*s", (int)(end - line - (long)len - 2), line + len + 2);
        }
    }
    return value;
}

void client_read(struct client *c, struct client_answer *a, bool head_only)
{
    static char body[sizeof(c->bytes)];
    char *end;

    c->bytes[c->len] = '\0';
    while (!(end = strstr(c->bytes, "\r\n\r\n")))
        assert_true(receive(c) > 0);
    size_t head = (size_t)(end + 4 - c->bytes);
    assert_true(head < sizeof(a->head));
    memcpy(a->head, c->bytes, head);
    a->head[head] = '\0';
    assert_int_equal(sscanf(a->head, "HTTP/1.1 %d ", &a->status), 1);

    a->len = head_only ? 0 : (size_t)atol(answer_header(a, "Content-Length"));
    while (c->len < head + a->len)
        assert_true(receive(c) > 0);
    memcpy(body, c->bytes + head, a->len);
    body[a->len] = '\0';
    a->body = body;
    forget(c, head + a->len);
}

void client_expect_end(struct client *c)
{
    ssize_t n = receive(c);

    if (n < 0)
        assert_int_equal(errno, ECONNRESET);
    assert_int_equal(c->len, 0);
}

void client_ask(struct client *c, const char *request, int status, const char *body)
{
    struct client_answer a;

    client_text(c, request);
    client_read(c, &a, false);
    if (a.status != status)
        print_message("to: %s\nanswer: %s%s\n", request, a.head, a.body);
    assert_int_equal(a.status, status);
    if (body)
        assert_string_equal(a.body, body);
}
