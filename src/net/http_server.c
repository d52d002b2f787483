#include <stdlib.h>
#include <unistd.h>

#include "net/http_internal.h"

/* The HTTP server: its creation and end, and whether a new connection is taken. */

enum mu_err http_server_create(struct http_server **out, const struct http_settings *settings, struct workers *workers,
                               void (*error)(struct http_exchange *ex, int status, const char *detail),
                               void (*done)(void *ctx, const struct http_exchange *ex, size_t bytes_sent), void *ctx)
{
    struct http_server *s = calloc(1, sizeof(*s));

    *out = s;
    if (!s)
        return MU_E_NOMEM;
    s->settings = *settings;
    if (!s->settings.held_max)
        s->settings.held_max = LIMIT_HTTP_HELD;
    s->seats.max = settings->max_connections;
    s->workers = workers;
    s->error = error;
    s->done = done;
    s->ctx = ctx;
    return MU_OK;
}

static struct http_loop *home_on(struct http_server *s, struct loop *loop)
{
    unsigned i = loop_index(loop);

    if (i >= HTTP_LOOPS)
        return NULL;
    if (!s->loops[i] && (s->loops[i] = calloc(1, sizeof(*s->loops[i])))) {
        s->loops[i]->server = s;
        s->loops[i]->loop = loop;
        buf_init(&s->loops[i]->out, 4 * HTTP_BATCH);
        http_conns_init(s->loops[i]);
        http_gather_init(s->loops[i]);
    }
    return s->loops[i];
}

void http_server_accept(void *server, struct loop *loop, int fd, const struct transport *via,
                        const struct sockaddr *peer)
{
    struct http_server *s = server;
    struct http_loop *home = home_on(s, loop);
    bool refuse = !seats_take(&s->seats);

    /* Without memory the connection is closed without an answer. */
    if (!home || (refuse && home->refused_count >= HTTP_REFUSALS))
        close(fd);
    else if (http_conn_open(home, fd, via, peer, refuse) == MU_OK)
        return;
    if (!refuse)
        seats_leave(&s->seats);
}

void http_server_get_figures(const struct http_server *s, struct http_figures *out)
{
    out->connections = atomic_load(&s->seats.taken);
    out->held_bytes = atomic_load_explicit(&s->held, memory_order_relaxed);
    for (int i = 0; i < HTTP_ENDED_COUNT; i++)
        out->ended[i] = atomic_load_explicit(&s->ended[i], memory_order_relaxed);
}

size_t http_server_route_count(const struct http_server *s)
{
    return s->route_count;
}

const struct http_route *http_server_route(const struct http_server *s, size_t number)
{
    return s->routes[number];
}

static void home_free(struct http_loop *home)
{
    http_conns_close(home);
    while (home->pool) {
        struct exchange *x = home->pool;
        home->pool = x->next;
        http_exchange_free(x);
    }
    buf_free(&home->out);
    buf_free(&home->gathered);
    free(home);
}

void http_server_destroy(struct http_server *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < HTTP_LOOPS; i++) {
        if (s->loops[i])
            home_free(s->loops[i]);
    }
    http_routes_free(s);
    free(s);
}
