#include "net/http_fixture.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "net/listener.h"

/* The server of the HTTP tests: its routes, and starting and stopping it. */

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

static void constant(struct http_exchange *ex)
{
    static char bytes[FIXTURE_CONSTANT];

    memset(bytes, 'c', sizeof(bytes));
    ex->res.constant = (struct str){ bytes, sizeof(bytes) };
}

static void goodbye(struct http_exchange *ex)
{
    reply(ex, STR("goodbye"));
    ex->res.close = true;
}

static void inspect(struct http_exchange *ex)
{
    struct http_request *r = &ex->req;

    buf_printf(&ex->res.body, "%d|%.*s|%.*s|%.*s", (int)r->method, (int)r->host.len, r->host.at, (int)r->path.len,
               r->path.at, (int)r->query.len, r->query.at);
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

/* Keeps the loop for a while. */
static void nap(struct http_exchange *ex)
{
    usleep(2000);
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
    { .method = HTTP_M_GET, .path = "/constant", .handle = constant },
    { .method = HTTP_M_GET, .path = "/goodbye", .handle = goodbye },
    { .method = HTTP_M_GET, .path = "/inspect", .handle = inspect },
    { .method = HTTP_M_GET, .path = "/header/{text}", .handle = header },
    { .method = HTTP_M_GET, .path = "/nap/{text}", .handle = nap },
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

static enum http_before api_before(struct http_exchange *ex)
{
    http_add_header(ex, "X-Before", ex->route ? "route" : "none");
    if (str_eq(ex->req.path, STR("/api/elsewhere"))) {
        finish_at_once(ex);
        return HTTP_TAKEN_OVER;
    }
    if (!str_eq(ex->req.path, STR("/api/forbidden")))
        return HTTP_GO_ON;
    ex->res.status = 403;
    reply(ex, STR("before"));
    return HTTP_ANSWERED;
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

/* clang-format off: a table */
static struct http_table tables[] = {
    { .prefix = "/api",
      .routes = api_routes,
      .count = sizeof(api_routes) / sizeof(api_routes[0]),
      .ctx = "api",
      .error = api_error,
      .before = api_before },
    { .prefix = "/",
      .routes = root_routes,
      .count = sizeof(root_routes) / sizeof(root_routes[0]),
      .error = root_error },
};
/* clang-format on */

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
void fixture_start(struct http_fixture *f, struct http_settings settings)
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
    assert_int_equal(
        listener_open(&f->listener, &any,
                      &(struct listener_options){
                          .loops = &f->loop, .loop_count = 1, .accept = http_server_accept, .ctx = f->server },
                      why, sizeof(why)),
        MU_OK);
    f->port = net_address_port(&any);
    assert_int_equal(loop_start(f->loop), MU_OK);
}

void fixture_stop(struct http_fixture *f)
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
