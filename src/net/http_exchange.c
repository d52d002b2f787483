#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_internal.h"

/* One request with its answer: its memory, where its handler runs, and its way back to the loop. */

enum { HEADERS_OUT = 8 * 1024 }; /* further lines of an answer; the API writes five */

static struct exchange *of_mail(struct mail *m)
{
    return (struct exchange *)((char *)m - offsetof(struct exchange, mail));
}

static struct exchange *of_job(struct job *j)
{
    return (struct exchange *)((char *)j - offsetof(struct exchange, job));
}

/* --- pool --------------------------------------------------------------------------------------*/
static struct exchange *exchange_create(struct http_loop *home)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    arena_init(&x->pub.arena, LIMIT_HTTP_ARENA);
    buf_init(&x->pub.res.body, LIMIT_HTTP_ANSWER);
    buf_init(&x->pub.res.headers, HEADERS_OUT);
    buf_init(&x->head, LIMIT_HTTP_HEAD);
    buf_init(&x->body, LIMIT_HTTP_BODY);
    x->pub.loop = home->loop;
    x->home = home;
    return x;
}

static void clear(struct buf *b)
{
    if (b->cap > HTTP_KEEP)
        buf_free(b);
    buf_clear(b);
}

static void response_clear(struct http_response *res)
{
    res->status = 200;
    res->content_type = NULL;
    res->close = false;
    res->constant = (struct str){ NULL, 0 };
    clear(&res->body);
    clear(&res->headers);
}

struct exchange *http_exchange_new(struct http_loop *home)
{
    struct exchange *x = home->pool;

    if (x) {
        home->pool = x->next;
        home->pool_count--;
    } else if (!(x = exchange_create(home))) {
        return NULL;
    }
    struct str none = { "", 0 };
    x->pub.req =
        (struct http_request){ .method = HTTP_M_OTHER, .path = none, .query = none, .host = none, .body = none };
    for (size_t i = 0; i < HTTP_CAPTURES; i++)
        x->pub.req.captures[i] = none;
    response_clear(&x->pub.res);
    x->pub.route = NULL;
    x->pub.ctx = home->server->ctx;
    x->pub.started_us = 0;
    x->pub.user = NULL;
    x->table = NULL;
    x->node = NULL;
    x->body_raw = 0;
    x->failed_why = NULL;
    x->http10 = x->keep_alive = x->has_body = x->chunked = x->expects = x->packed = false;
    return x;
}

void http_exchange_release(struct exchange *x)
{
    struct http_loop *home = x->home;

    if (home->pool_count == HTTP_POOL) {
        http_exchange_free(x);
        return;
    }
    arena_reset(&x->pub.arena);
    clear(&x->head);
    clear(&x->body);
    response_clear(&x->pub.res);
    x->conn = NULL;
    x->next = home->pool;
    home->pool = x;
    home->pool_count++;
}

void http_exchange_end(struct exchange *x, size_t sent)
{
    struct http_server *s = x->home->server;

    x->pub.ended_us = x->home->answered_us = clock_mono_us();
    if (s->done)
        s->done(s->ctx, &x->pub, sent);
    http_exchange_release(x);
}

void http_exchange_free(struct exchange *x)
{
    arena_free(&x->pub.arena);
    buf_free(&x->pub.res.body);
    buf_free(&x->pub.res.headers);
    buf_free(&x->head);
    buf_free(&x->body);
    free(x);
}

/* --- travelling --------------------------------------------------------------------------------*/
static void come_back(struct mail *m, struct loop *loop)
{
    struct exchange *x = of_mail(m);

    (void)loop;
    if (!x->conn)
        http_exchange_end(x, 0);
    else if (http_exchange_ready(x) == EXCHANGE_ANSWERED)
        http_conn_answer(x->conn);
}

/* The loop has ended, and its server may be gone. */
static void drop(struct mail *m)
{
    http_exchange_free(of_mail(m));
}

void http_finish(struct http_exchange *ex)
{
    struct exchange *x = (struct exchange *)ex;

    assert(ex->res.status >= 200 && ex->res.status <= 599);
    if (workers_is_one() && http_pack_wanted(x))
        http_pack(x);
    x->mail = (struct mail){ .deliver = come_back, .drop = drop };
    loop_post(ex->loop, &x->mail);
}

static void run_on_worker(struct job *j)
{
    struct exchange *x = of_job(j);

    x->pub.route->handle(&x->pub);
    http_finish(&x->pub);
}

static void pack_on_worker(struct job *j)
{
    struct exchange *x = of_job(j);

    http_pack(x);
    http_finish(&x->pub);
}

enum exchange_step http_exchange_ready(struct exchange *x)
{
    struct workers *workers = x->home->server->workers;

    if (!workers || !http_pack_wanted(x))
        return EXCHANGE_ANSWERED;
    x->job.run = pack_on_worker;
    workers_submit(workers, &x->job);
    return EXCHANGE_AWAY;
}

/* --- running -----------------------------------------------------------------------------------*/
void http_exchange_fail(struct exchange *x, int status, const char *detail)
{
    struct http_server *s = x->home->server;

    response_clear(&x->pub.res);
    if (!x->pub.started_us)
        x->pub.started_us = loop_now_us(x->pub.loop);
    x->pub.route = NULL;
    x->pub.ctx = s->ctx;
    x->pub.res.status = status;
    s->error(&x->pub, status, detail);
    x->pub.res.close = true;
}

/* A failure under the table's own path: the table writes its body. */
static void refuse(struct exchange *x, int status, const char *detail)
{
    x->pub.res.status = status;
    if (x->table)
        x->table->error(&x->pub, status, detail);
    else
        x->home->server->error(&x->pub, status, detail);
}

enum exchange_step http_exchange_run(struct exchange *x)
{
    struct http_exchange *ex = &x->pub;
    bool everything = str_eq(ex->req.path, STR("*"));

    ex->started_us = loop_now_us(ex->loop);
    ex->req.body = (struct str){ x->body.data ? (const char *)x->body.data : "", x->body.len };
    enum http_before before = x->table && x->table->before ? x->table->before(ex) : HTTP_GO_ON;
    if (before != HTTP_GO_ON)
        return before == HTTP_TAKEN_OVER ? EXCHANGE_AWAY : EXCHANGE_ANSWERED;
    if (!x->node && !everything) {
        refuse(x, 404, NULL);
        return EXCHANGE_ANSWERED;
    }
    if (!ex->route) {
        http_route_allow(x, x->node);
        if (ex->req.method == HTTP_M_OPTIONS)
            ex->res.status = 204;
        else
            refuse(x, 405, NULL);
        return EXCHANGE_ANSWERED;
    }
    switch (ex->route->where) {
    case HTTP_FAST: ex->route->handle(ex); return EXCHANGE_ANSWERED;
    case HTTP_SLOW:
        x->job.run = run_on_worker;
        workers_submit(x->home->server->workers, &x->job);
        break;
    case HTTP_DEFERRED: ex->route->handle(ex); break;
    }
    return EXCHANGE_AWAY;
}

/* --- the handler's tools -----------------------------------------------------------------------*/
struct str http_header_get(const struct http_request *req, const char *name)
{
    struct str wanted = str_of(name);

    for (size_t i = req->header_count; i-- > 0;) {
        if (str_eq_nocase(req->headers[i].name, wanted))
            return req->headers[i].value;
    }
    return (struct str){ "", 0 };
}

void http_add_header(struct http_exchange *ex, const char *name, const char *format, ...)
{
    struct buf *out = &ex->res.headers;
    va_list args;

    buf_append_str(out, name);
    buf_append(out, ": ", 2);
    size_t from = out->len;
    va_start(args, format);
    buf_vprintf(out, format, args);
    va_end(args);
    /* A value may quote the request, so no control character in it may begin another header. */
    for (size_t i = from; i < out->len; i++) {
        if (out->data[i] < ' ' || out->data[i] == 0x7f)
            out->data[i] = ' ';
    }
    buf_append(out, "\r\n", 2);
}
