/* Requests: whatever comes, and in whatever parts, the server reads the same requests from it, gives the
 * same answers, and nothing but answers. */
#include "peer.h"

#include "net/http.h"

enum { ANSWERS_MAX = 64 * 1024 * 1024, MUCH = 100 * 1024 };

static struct peer peer;
static struct http_exchange *later;

/* --- handlers: each tells what the request was ---------------------------------------------------------*/
static void tell(struct http_exchange *ex)
{
    const struct http_request *r = &ex->req;
    struct buf *out = &ex->res.body;
    char client[IP_TEXT_SIZE];

    ip_text(&r->peer, client);
    ex->res.content_type = "text/plain";
    buf_printf(out, "%s %d %d [%.*s] [%.*s] [%.*s]", client, (int)r->method, r->head, (int)r->host.len, r->host.at,
               (int)r->path.len, r->path.at, (int)r->query.len, r->query.at);
    for (size_t i = 0; i < HTTP_CAPTURES; i++)
        buf_append(out, r->captures[i].at, r->captures[i].len);
    for (size_t i = 0; i < r->header_count; i++)
        buf_printf(out, "\n[%.*s] [%.*s]", (int)r->headers[i].name.len, r->headers[i].name.at,
                   (int)r->headers[i].value.len, r->headers[i].value.at);
    buf_append_str(out, "\n\n");
    buf_append(out, r->body.at, r->body.len);
}

static void tell_at_once(struct http_exchange *ex)
{
    tell(ex);
    http_finish(ex);
}

static void tell_later(struct http_exchange *ex)
{
    CHECK(!later); /* one request of a connection at a time */
    later = ex;
}

static bool finish_later(void)
{
    struct http_exchange *ex = later;

    if (!ex)
        return false;
    later = NULL;
    tell(ex);
    http_finish(ex);
    return true;
}

/* Sent from where it is. */
static void tell_constant(struct http_exchange *ex)
{
    static const char text[20 * 1024] = "constant";

    ex->res.constant = (struct str){ text, sizeof(text) };
}

/* Sent from where it was built. */
static void tell_much(struct http_exchange *ex)
{
    tell(ex);
    uint8_t *at = buf_reserve(&ex->res.body, MUCH);
    CHECK(at);
    memset(at, 'x', MUCH);
    ex->res.body.len += MUCH;
}

static struct http_route routes[] = {
    { .method = HTTP_M_GET, .path = "/", .handle = tell },
    { .method = HTTP_M_GET, .path = "/p/{a}/{b}", .handle = tell },
    { .method = HTTP_M_PUT, .path = "/p/{a}/{b}", .handle = tell },
    { .method = HTTP_M_GET, .path = "/constant", .handle = tell_constant },
    { .method = HTTP_M_POST, .path = "/much", .handle = tell_much },
    { .method = HTTP_M_POST, .path = "/post", .handle = tell },
    { .method = HTTP_M_DELETE, .path = "/post", .handle = tell },
    { .method = HTTP_M_POST, .path = "/once", .where = HTTP_DEFERRED, .handle = tell_at_once },
    { .method = HTTP_M_GET, .path = "/later", .where = HTTP_DEFERRED, .handle = tell_later },
};

static void error(struct http_exchange *ex, int status, const char *detail)
{
    buf_printf(&ex->res.body, "%d %s", status, detail ? detail : "-");
}

static struct http_table table = {
    .prefix = "/", .routes = routes, .count = sizeof(routes) / sizeof(routes[0]), .error = error
};

static void start(void)
{
    static struct cidr proxy;
    struct http_settings settings = { .head_timeout_ms = 3600000,
                                      .idle_timeout_ms = 3600000,
                                      .held_max = SIZE_MAX,
                                      .max_connections = 10,
                                      .trusted_proxies = &proxy,
                                      .trusted_proxy_count = 1 };
    struct http_server *server;

    CHECK(cidr_parse(STR("127.0.0.0/8"), &proxy) == MU_OK); /* the peer is one */
    CHECK(loop_create(&peer.loop, 0) == MU_OK);
    CHECK(http_server_create(&server, &settings, NULL, error, NULL, NULL) == MU_OK);
    CHECK(http_server_add(server, &table) == MU_OK);
    peer.accept = http_server_accept;
    peer.server = server;
    peer.narrow = true;
    peer.go_on = finish_later;
}

/* --- answers -----------------------------------------------------------------------------------------*/
/* Takes out what depends on the clock, and on whether the body came with its head. */
static void make_comparable(struct buf *heard)
{
    static const char date[] = "\r\nDate: ", go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    enum { DATE_LEN = sizeof("Sun, 06 Nov 1994 08:49:37 GMT") - 1 };
    size_t kept = 0;

    for (size_t at = 0; at < heard->len; at++) {
        size_t left = heard->len - at;
        if (left >= sizeof(go_on) - 1 && memcmp(heard->data + at, go_on, sizeof(go_on) - 1) == 0) {
            at += sizeof(go_on) - 2;
            continue;
        }
        if (left >= sizeof(date) - 1 + DATE_LEN && memcmp(heard->data + at, date, sizeof(date) - 1) == 0)
            memset(heard->data + at + sizeof(date) - 1, '.', DATE_LEN);
        heard->data[kept++] = heard->data[at];
    }
    heard->len = kept;
}

static void ask(const uint8_t *input, size_t len, struct fuzz_split split, struct buf *heard)
{
    peer_talk(&peer, input, len, split, heard);
    make_comparable(heard);
    CHECK(heard->len == 0 || (heard->len > 9 && memcmp(heard->data, "HTTP/1.1 ", 9) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    static struct buf whole, parts;

    if (!peer.loop) {
        start();
        buf_init(&whole, ANSWERS_MAX);
        buf_init(&parts, ANSWERS_MAX);
    }
    buf_clear(&whole);
    buf_clear(&parts);
    ask(input, len, FUZZ_WHOLE, &whole);
    ask(input, len, fuzz_split(input, len), &parts);
    CHECK_SAME(&whole, &parts);
    return 0;
}
