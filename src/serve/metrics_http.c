/* Metrics of HTTP requests: one set of counters for each loop, summed for the page. */

#include "serve/metrics_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The statuses that this server answers with; any other is counted under the last, 0. */
static const int statuses[] = { 200, 201, 204, 302, 304, 308, 400, 401, 403, 404,
                                405, 408, 413, 417, 429, 431, 500, 503, 0 };
#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

/* Upper bounds of the request latency histogram, microseconds. */
static const uint32_t bounds_us[] = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 1000000 };
#define BOUND_COUNT (sizeof(bounds_us) / sizeof(bounds_us[0]))

#define ROUTES_MAX 128 /* the last entry counts requests that no route matched */

/* The counters of one loop. Only its thread writes them. Aligned to cache lines, so that loops do not share one. */
struct metrics_requests {
    _Alignas(64) _Atomic uint64_t requests[ROUTES_MAX][STATUS_COUNT];
    _Atomic uint64_t latency[BOUND_COUNT + 1];
    _Atomic uint64_t latency_sum_us, bytes_sent;
};

enum mu_err metrics_requests_create(struct metrics *m)
{
    size_t size = m->loop_count * sizeof(*m->requests);

    assert(m->loop_count > 0 && !m->requests);
    if (!(m->requests = aligned_alloc(_Alignof(struct metrics_requests), size)))
        return MU_E_NOMEM;
    memset(m->requests, 0, size);
    return MU_OK;
}

/* Only the loop's thread writes, so a load and a store are enough. Relaxed: no other data depends on the order. */
static void add(_Atomic uint64_t *count, uint64_t n)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n, memory_order_relaxed);
}

/* The sum over all loops; where: the counter's offset in struct metrics_requests. */
static uint64_t sum(const struct metrics *m, size_t where)
{
    uint64_t total = 0;

    assert(where < sizeof(struct metrics_requests) && where % sizeof(uint64_t) == 0);
    for (unsigned i = 0; i < m->loop_count; i++)
        total += atomic_load_explicit((const _Atomic uint64_t *)((const char *)&m->requests[i] + where),
                                      memory_order_relaxed);
    return total;
}

void metrics_count_request(void *metrics, const struct http_exchange *ex, size_t bytes_sent)
{
    struct metrics *m = metrics;
    struct metrics_requests *c = &m->requests[loop_index(ex->loop)];
    assert(loop_index(ex->loop) < m->loop_count);
    unsigned route = ex->route && ex->route->number < ROUTES_MAX - 1 ? ex->route->number : ROUTES_MAX - 1;
    size_t status = 0, bound = 0;

    while (status < STATUS_COUNT - 1 && statuses[status] != ex->res.status)
        status++;
    int64_t took = ex->ended_us - ex->started_us;
    while (bound < BOUND_COUNT && took > bounds_us[bound])
        bound++;
    add(&c->requests[route][status], 1);
    add(&c->latency[bound], 1);
    add(&c->latency_sum_us, (uint64_t)(took > 0 ? took : 0));
    add(&c->bytes_sent, bytes_sent);
}

/* --- the page -------------------------------------------------------------------------------------*/

static const char *method_text(enum http_method method)
{
    switch (method) {
    case HTTP_M_GET: return "GET";
    case HTTP_M_POST: return "POST";
    case HTTP_M_PUT: return "PUT";
    case HTTP_M_DELETE: return "DELETE";
    case HTTP_M_OPTIONS: return "OPTIONS";
    case HTTP_M_OTHER: break;
    }
    return "other";
}

void metrics_write_http(struct metrics *m, struct buf *page)
{
    size_t routes = http_server_route_count(m->from.http);
    uint64_t latency[BOUND_COUNT + 1];
    struct http_figures figures;

    metrics_head(page, "muster_http_requests_total", "counter", "HTTP requests by route and status.");
    for (size_t r = 0; r < ROUTES_MAX; r++) {
        const struct http_route *route = r < routes && r < ROUTES_MAX - 1 ? http_server_route(m->from.http, r) : NULL;
        for (size_t s = 0; s < STATUS_COUNT; s++) {
            uint64_t n = sum(m, offsetof(struct metrics_requests, requests[r][s]));
            if (n)
                buf_printf(page, "muster_http_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
                           route ? method_text(route->method) : "other", route ? route->path : "none", statuses[s], n);
        }
    }
    for (size_t i = 0; i <= BOUND_COUNT; i++)
        latency[i] = sum(m, offsetof(struct metrics_requests, latency[i]));
    metrics_histogram(page, "muster_http_request_duration_seconds",
                      "From the round in which a request was complete to its answer being written.",
                      &(struct metrics_histogram){ bounds_us, latency, BOUND_COUNT,
                                                   sum(m, offsetof(struct metrics_requests, latency_sum_us)) });
    http_server_get_figures(m->from.http, &figures);
    metrics_one(page, "muster_http_connections", "gauge", "HTTP connections.", figures.connections);
    metrics_one(page, "muster_http_held_bytes", "gauge",
                "Bytes of unread answers and unfinished bodies that are kept for peers.", figures.held_bytes);
    metrics_head(page, "muster_http_ended_peers_total", "counter",
                 "Peers that were ended because they stalled, by cause.");
    buf_printf(page,
               "muster_http_ended_peers_total{cause=\"too_slow\"} %" PRIu64
               "\nmuster_http_ended_peers_total{cause=\"stalled_longest\"} %" PRIu64 "\n",
               figures.ended[HTTP_ENDED_SLOW], figures.ended[HTTP_ENDED_CROWD]);
    metrics_one(page, "muster_http_sent_bytes_total", "counter", "Bytes of HTTP answers.",
                sum(m, offsetof(struct metrics_requests, bytes_sent)));
}
