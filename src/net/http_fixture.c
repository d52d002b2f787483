#include "net/http_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/listener.h"

/* --- handlers ----------------------------------------------------------------------------------*/
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct http_exchange *later[64];
static unsigned later_count, done_count;
static bool held;

static void reply(struct http_exchange *ex, struct str text)
{
    ex->res.content_type = "text/plain";
    buf_append(&ex->res.body, text.at, text.len);
}

static void hello(struct http_exchange *ex)
{
    reply(ex, STR("hello"));
}

static void echo(struct http_exchange *ex)
{
    reply(ex, ex->req.body);
}

static void big(struct http_exchange *ex)
{
    int64_t n;

    if (!str_int64(ex->req.captures[0], &n))
        n = 0;
    uint8_t *at = buf_reserve(&ex->res.body, (size_t)n);
    if (at) {
        memset(at, 'x', (size_t)n);
        ex->res.body.len += (size_t)n;
    }
}

static void goodbye(struct http_exchange *ex)
{
    reply(ex, STR("goodbye"));
    ex->res.close = true;
}

static void inspect(struct http_exchange *ex)
{
    struct http_request *r = &ex->req;

    buf_printf(&ex->res.body, "%d|%.*s|%.*s|%.*s", (int)r->method, (int)r->host.len, r->host.at,
               (int)r->path.len, r->path.at, (int)r->query.len, r->query.at);
}

static void header(struct http_exchange *ex)
{
    struct str x = http_header_get(&ex->req, "x-test");

    http_add_header(ex, "X-Capture", "%.*s", (int)ex->req.captures[0].len, ex->req.captures[0].at);
    reply(ex, x);
}

static void slow(struct http_exchange *ex)
{
    pthread_mutex_lock(&lock);
    while (held)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    reply(ex, ex->req.captures[0]);
}

static void put_off(struct http_exchange *ex)
{
    pthread_mutex_lock(&lock);
    later[later_count++] = ex;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void finish_at_once(struct http_exchange *ex)
{
    reply(ex, STR("at once"));
    http_finish(ex);
}

/* Names the route by its path, and quotes the captures. */
static void where(struct http_exchange *ex)
{
    buf_append_str(&ex->res.body, ex->route->path);
    for (size_t i = 0; i < HTTP_CAPTURES && ex->req.captures[i].len; i++)
        buf_printf(&ex->res.body, " %.*s", (int)ex->req.captures[i].len, ex->req.captures[i].at);
}

static struct http_route root_routes[] = {
    { .method = HTTP_M_GET, .path = "/hello", .handle = hello },
    { .method = HTTP_M_GET, .path = "/echo", .handle = echo },
    { .method = HTTP_M_POST, .path = "/echo", .handle = echo },
    { .method = HTTP_M_PUT, .path = "/echo", .handle = echo },
    { .method = HTTP_M_DELETE, .path = "/echo", .handle = echo },
    { .method = HTTP_M_GET, .path = "/big/{bytes}", .handle = big },
    { .method = HTTP_M_GET, .path = "/goodbye", .handle = goodbye },
    { .method = HTTP_M_GET, .path = "/inspect", .handle = inspect },
    { .method = HTTP_M_GET, .path = "/header/{text}", .handle = header },
    { .method = HTTP_M_GET, .path = "/slow/{text}", .where = HTTP_SLOW, .handle = slow },
    { .method = HTTP_M_GET, .path = "/later", .where = HTTP_DEFERRED, .handle = put_off },
    { .method = HTTP_M_POST, .path = "/later", .where = HTTP_DEFERRED, .handle = put_off },
    { .method = HTTP_M_GET, .path = "/at_once", .where = HTTP_DEFERRED, .handle = finish_at_once },
    { .method = HTTP_M_GET, .path = "/", .handle = where },
    { .method = HTTP_M_GET, .path = "/p/{pk}/devices/search", .handle = where },
    { .method = HTTP_M_GET, .path = "/p/{pk}/devices/{did}", .handle = where },
    { .method = HTTP_M_PUT, .path = "/p/{pk}/devices/{did}", .handle = where },
    { .method = HTTP_M_GET, .path = "/p/{pk}/devices/{did}/online", .handle = where },
    { .method = HTTP_M_GET, .path = "/p/all/groups", .handle = where },
    { .method = HTTP_M_GET, .path = "/q/one/{a}/{b}/end", .handle = where },
    { .method = HTTP_M_GET, .path = "/q/{a}/r/s", .handle = where },
    { .method = HTTP_M_OPTIONS, .path = "/own-options", .handle = where },
};

static void root_error(struct http_exchange *ex, int status, const char *detail)
{
    buf_printf(&ex->res.body, "%d %s", status, detail ? detail : "-");
}

static bool api_before(struct http_exchange *ex)
{
    http_add_header(ex, "X-Before", ex->route ? "route" : "none");
    if (!str_eq(ex->req.path, STR("/api/forbidden")))
        return true;
    ex->res.status = 403;
    reply(ex, STR("before"));
    return false;
}

static void api_error(struct http_exchange *ex, int status, const char *detail)
{
    (void)detail;
    buf_printf(&ex->res.body, "%s %d", (const char *)ex->ctx, status);
}

static struct http_route api_routes[] = {
    { .method = HTTP_M_GET, .path = "/api/thing", .handle = where },
    { .method = HTTP_M_GET, .path = "/api/forbidden", .handle = where },
};

static struct http_table tables[] = {
    { .prefix = "/api", .routes = api_routes, .count = sizeof(api_routes) / sizeof(api_routes[0]),
      .ctx = "api", .error = api_error, .before = api_before },
    { .prefix = "/", .routes = root_routes, .count = sizeof(root_routes) / sizeof(root_routes[0]),
      .error = root_error },
};

static void done(void *ctx, const struct http_exchange *ex, size_t bytes_sent)
{
    (void)ctx;
    (void)ex;
    (void)bytes_sent;
    pthread_mutex_lock(&lock);
    done_count++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* --- server ------------------------------------------------------------------------------------*/
void fixture_start(struct fixture *f, struct http_settings settings)
{
    struct net_address any;
    char why[200];

    later_count = done_count = 0;
    held = false;
    assert_int_equal(loop_create(&f->loop, 0), MU_OK);
    assert_int_equal(workers_create(&f->workers, 2), MU_OK);
    assert_int_equal(http_server_create(&f->server, &settings, f->workers, root_error, done, NULL), MU_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(http_server_add(f->server, &tables[i]), MU_OK);
    assert_int_equal(net_address_parse(STR("127.0.0.1:0"), &any), MU_OK);
    assert_int_equal(listener_open(&f->listener, &any, &f->loop, 1, NULL, http_server_accept, f->server,
                                   why, sizeof(why)),
                     MU_OK);
    f->port = net_address_port(&any);
    assert_int_equal(loop_start(f->loop), MU_OK);
}

void fixture_stop(struct fixture *f)
{
    loop_stop(f->loop);
    loop_join(f->loop);
    listener_close(f->listener);
    fixture_hold_slow(false);
    workers_destroy(f->workers);
    http_server_destroy(f->server);
    while (later_count)
        fixture_finish("");
    loop_destroy(f->loop);
}

static void await(const unsigned *count, unsigned n)
{
    pthread_mutex_lock(&lock);
    while (*count < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void fixture_await_later(unsigned n)
{
    await(&later_count, n);
}

void fixture_await_done(unsigned n)
{
    await(&done_count, n);
}

void fixture_finish(const char *text)
{
    pthread_mutex_lock(&lock);
    struct http_exchange *ex = later[0];
    later_count--;
    memmove(later, later + 1, later_count * sizeof(later[0]));
    pthread_mutex_unlock(&lock);
    /* What the request was must still be there to be read. */
    if (ex->req.body.len)
        reply(ex, ex->req.body);
    reply(ex, str_of(text));
    http_finish(ex);
}

void fixture_hold_slow(bool hold)
{
    pthread_mutex_lock(&lock);
    held = hold;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* --- client ------------------------------------------------------------------------------------*/
void client_open(struct client *c, const struct fixture *f)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)f->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = 20 };

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

const char *answer_header(const struct answer *a, const char *name)
{
    static char value[1024];
    size_t len = strlen(name);

    value[0] = '\0';
    for (const char *line = strstr(a->head, "\r\n"); line && line[2] != '\r'; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *end = strstr(line, "\r\n");
            snprintf(value, sizeof(value), "%.*s", (int)(end - line - (long)len - 2), line + len + 2);
        }
    }
    return value;
}

void client_read(struct client *c, struct answer *a, bool head_only)
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
    struct answer a;

    client_text(c, request);
    client_read(c, &a, false);
    if (a.status != status)
        print_message("to: %s\nanswer: %s%s\n", request, a.head, a.body);
    assert_int_equal(a.status, status);
    if (body)
        assert_string_equal(a.body, body);
}
