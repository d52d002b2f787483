#include "serve/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "serve/health.h"

/* The statuses that this server answers with; anything else is counted as the last. */
static const int statuses[] = { 200, 201, 204, 302, 304, 308, 400, 401, 403, 404,
                                405, 408, 413, 417, 429, 431, 500, 503, 0 };
#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

/* Upper bounds of the request latency histogram, microseconds. */
static const uint32_t bounds_us[] = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 1000000 };
#define BOUND_COUNT (sizeof(bounds_us) / sizeof(bounds_us[0]))

#define ROUTES_MAX 128 /* the last stands for requests that no route matched */

/* What one loop has counted. Only its thread writes there, and none waits for another's cache line. */
struct counts {
    _Alignas(64) _Atomic uint64_t requests[ROUTES_MAX][STATUS_COUNT];
    _Atomic uint64_t latency[BOUND_COUNT + 1];
    _Atomic uint64_t latency_sum_us, bytes_sent;
};

struct metrics {
    struct metrics_sources from;
    struct counts *counts; /* by loop */
    unsigned loop_count;
    int64_t started_s;
    struct http_route route;
    struct http_table table;
};

/* Statistics: nobody orders anything by them. */
static void add(_Atomic uint64_t *count, uint64_t n)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n, memory_order_relaxed);
}

/* Of all loops; where is the count's offset in struct counts. */
static uint64_t sum(const struct metrics *m, size_t where)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < m->loop_count; i++)
        total +=
            atomic_load_explicit((const _Atomic uint64_t *)((const char *)&m->counts[i] + where), memory_order_relaxed);
    return total;
}

void metrics_count_request(void *metrics, const struct http_exchange *ex, size_t bytes_sent)
{
    struct metrics *m = metrics;
    struct counts *c = &m->counts[loop_index(ex->loop)];
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

static void head(struct buf *page, const char *name, const char *type, const char *help)
{
    buf_printf(page, "# HELP muster_%s %s\n# TYPE muster_%s %s\n", name, help, name, type);
}

static void one(struct buf *page, const char *name, const char *type, const char *help, uint64_t value)
{
    head(page, name, type, help);
    buf_printf(page, "muster_%s %" PRIu64 "\n", name, value);
}

static void histogram(struct buf *page, const char *name, const char *help, const uint32_t *bounds,
                      const uint64_t *counts, size_t bound_count, uint64_t sum_us)
{
    uint64_t total = 0;

    head(page, name, "histogram", help);
    for (size_t i = 0; i < bound_count; i++) {
        total += counts[i];
        buf_printf(page, "muster_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i] / 1e6, total);
    }
    total += counts[bound_count];
    buf_printf(page, "muster_%s_bucket{le=\"+Inf\"} %" PRIu64 "\nmuster_%s_sum %.6f\nmuster_%s_count %" PRIu64 "\n",
               name, total, name, (double)sum_us / 1e6, name, total);
}

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

static void write_http(struct metrics *m, struct buf *page)
{
    size_t routes = http_server_route_count(m->from.http);
    uint64_t latency[BOUND_COUNT + 1];
    struct http_figures figures;

    head(page, "http_requests_total", "counter", "HTTP requests by route and status.");
    for (size_t r = 0; r < ROUTES_MAX; r++) {
        const struct http_route *route = r < routes && r < ROUTES_MAX - 1 ? http_server_route(m->from.http, r) : NULL;
        for (size_t s = 0; s < STATUS_COUNT; s++) {
            uint64_t n = sum(m, offsetof(struct counts, requests[r][s]));
            if (n)
                buf_printf(page, "muster_http_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"} %" PRIu64 "\n",
                           route ? method_text(route->method) : "other", route ? route->path : "none", statuses[s], n);
        }
    }
    for (size_t i = 0; i <= BOUND_COUNT; i++)
        latency[i] = sum(m, offsetof(struct counts, latency[i]));
    histogram(page, "http_request_duration_seconds",
              "From the round in which a request was complete to its answer being written.", bounds_us, latency,
              BOUND_COUNT, sum(m, offsetof(struct counts, latency_sum_us)));
    http_server_get_figures(m->from.http, &figures);
    one(page, "http_connections", "gauge", "HTTP connections.", figures.connections);
    one(page, "http_held_bytes", "gauge", "Unread answers and unfinished bodies that are kept for peers.",
        figures.held_bytes);
    head(page, "http_ended_peers_total", "counter", "Peers that were ended because they stalled, by cause.");
    buf_printf(page,
               "muster_http_ended_peers_total{cause=\"too_slow\"} %" PRIu64
               "\nmuster_http_ended_peers_total{cause=\"stalled_longest\"} %" PRIu64 "\n",
               figures.ended[HTTP_ENDED_SLOW], figures.ended[HTTP_ENDED_CROWD]);
    one(page, "http_sent_bytes_total", "counter", "Bytes of HTTP answers.",
        sum(m, offsetof(struct counts, bytes_sent)));
}

/* So many products have lines of their own; a page must not grow with what enterprises make. */
enum { UNDECODED_PRODUCTS = 200 };

static void write_undecoded_of(struct buf *page, const char *product, const struct fleet_undecoded *u)
{
    for (int i = 0; i < UNDECODED_COUNT; i++)
        if (u->counts[i])
            buf_printf(page, "muster_undecoded_reports_total{product=\"%s\",cause=\"%s\"} %" PRIu64 "\n", product,
                       undecoded_text((enum undecoded)i), u->counts[i]);
}

static void write_undecoded(struct metrics *m, struct buf *page)
{
    struct fleet_undecoded products[UNDECODED_PRODUCTS], others;
    size_t count = fleet_undecoded(m->from.fleet, products, UNDECODED_PRODUCTS, &others);

    head(page, "undecoded_reports_total", "counter", "Reports that did not go with their product's definition.");
    for (size_t i = 0; i < count; i++)
        write_undecoded_of(page, products[i].product_key, &products[i]);
    write_undecoded_of(page, "other", &others);
}

static void write_devices(struct metrics *m, struct buf *page)
{
    static const char *const drop_texts[] = {
#define X(name, text) text,
        ACCESS_DROP_TABLE(X)
#undef X
    };
    struct access_figures a;
    struct committer_figures c;

    access_get_figures(m->from.access, &a);
    committer_get_figures(m->from.committer, &c);
    one(page, "sessions", "gauge", "Devices that are logged in.", a.sessions);
    one(page, "mqtt_connections", "gauge", "MQTT connections, logged in or not yet.", a.connections);
    one(page, "logins_total", "counter", "Accepted logins.", a.logins);
    one(page, "refused_logins_total", "counter", "Refused logins.", a.refused_logins);
    one(page, "takeovers_total", "counter", "Logins that ended an older session of the device.", a.takeovers);
    one(page, "slowdowns_total", "counter", "Times that a device was not read from because it sent too fast.",
        a.slowdowns);
    one(page, "registrations_total", "counter", "Accepted registrations.", a.registrations);
    one(page, "refused_registrations_total", "counter", "Refused registrations.", a.refused_registrations);
    one(page, "heartbeats_total", "counter", "Pings of devices.", a.pings);
    head(page, "messages_total", "counter", "MQTT messages by direction.");
    buf_printf(page,
               "muster_messages_total{direction=\"in\"} %" PRIu64 "\nmuster_messages_total{direction=\"out\"} %" PRIu64
               "\n",
               a.messages_in, a.messages_out);
    head(page, "bytes_total", "counter", "MQTT bytes by direction.");
    buf_printf(page,
               "muster_bytes_total{direction=\"in\"} %" PRIu64 "\nmuster_bytes_total{direction=\"out\"} %" PRIu64 "\n",
               a.bytes_in, a.bytes_out);
    head(page, "session_ends_total", "counter", "Ended sessions by reason.");
    for (int i = 0; i < END_REASON_COUNT; i++)
        buf_printf(page, "muster_session_ends_total{reason=\"%s\"} %" PRIu64 "\n", end_reason_text((enum end_reason)i),
                   a.ends[i]);
    head(page, "dropped_messages_total", "counter", "Messages that were not kept, by cause.");
    for (int i = 0; i < DROP_COUNT; i++)
        buf_printf(page, "muster_dropped_messages_total{cause=\"%s\"} %" PRIu64 "\n", drop_texts[i], a.dropped[i]);
    buf_printf(page,
               "muster_dropped_messages_total{cause=\"disk_full\"} %" PRIu64 "\n"
               "muster_dropped_messages_total{cause=\"io\"} %" PRIu64 "\n"
               "muster_dropped_messages_total{cause=\"memory\"} %" PRIu64 "\n",
               c.dropped_disk_full, c.dropped_io, c.dropped_nomem);
    head(page, "reports_total", "counter", "Committed device messages by what became of them.");
    buf_printf(page,
               "muster_reports_total{result=\"decoded\"} %" PRIu64
               "\nmuster_reports_total{result=\"undecoded\"} %" PRIu64
               "\nmuster_reports_total{result=\"echo\"} %" PRIu64 "\n",
               c.decoded, c.undecoded, c.echoes);
    write_undecoded(m, page);
    one(page, "controls_total", "counter", "Committed control records.", c.controls);
    one(page, "committed_messages_total", "counter", "Messages that are on disk.", c.messages);
    one(page, "committed_bytes_total", "counter", "Their bytes.", c.bytes);
    one(page, "commits_total", "counter", "Synced batches.", c.commits);
    one(page, "commit_failures_total", "counter", "Batches that could not be written.", c.commit_failures);
    one(page, "commit_waiting_bytes", "gauge", "Device input that waits for its commit.", c.waiting_bytes);
    histogram(page, "commit_duration_seconds", "Time to write and sync a batch.", committer_latency_bounds_us,
              c.latency_count, COMMIT_LATENCY_BUCKETS, c.latency_sum_us);
}

static void write_page(struct http_exchange *ex)
{
    struct metrics *m = ex->ctx;
    struct buf *page = &ex->res.body;
    struct fleet_counts f;

    fleet_count(m->from.fleet, &f);
    head(page, "build_info", "gauge", "The version that runs, and the commit that it was built from.");
    buf_printf(page, "muster_build_info{version=\"%s\",commit=\"%s\"} 1\n", version_text, version_commit);
    one(page, "start_time_seconds", "gauge", "When this server started.", (uint64_t)m->started_s);
    one(page, "log_lost_lines_total", "counter", "Log lines that could not be written.", log_lost());
    head(page, "tls_certificate_not_after_seconds", "gauge",
         "When the certificate in use, or the first of its chain, expires.");
    if (m->from.tls)
        buf_printf(page, "muster_tls_certificate_not_after_seconds %" PRId64 "\n",
                   tls_context_validity(m->from.tls).until_s);
    one(page, "fleet_devices", "gauge", "Registered devices.", f.devices);
    one(page, "fleet_online", "gauge", "Devices shown as online.", f.online);
    one(page, "fleet_products", "gauge", "Products.", f.products);
    one(page, "fleet_enterprises", "gauge", "Enterprises.", f.enterprises);
    one(page, "fleet_tokens", "gauge", "Tokens that have not expired.", f.tokens);
    write_devices(m, page);
    write_http(m, page);
    ex->res.content_type = "text/plain; version=0.0.4; charset=utf-8";
}

enum mu_err metrics_create(struct metrics **out, unsigned loop_count)
{
    struct metrics *m = *out = calloc(1, sizeof(*m));

    if (!m || !(m->counts = aligned_alloc(_Alignof(struct counts), loop_count * sizeof(*m->counts))))
        return MU_E_NOMEM;
    memset(m->counts, 0, loop_count * sizeof(*m->counts));
    m->loop_count = loop_count;
    m->started_s = clock_wall_s();
    m->route =
        (struct http_route){ .method = HTTP_M_GET, .path = "/metrics", .where = HTTP_FAST, .handle = write_page };
    m->table = (struct http_table){
        .prefix = "/metrics", .routes = &m->route, .count = 1, .ctx = m, .error = health_write_error
    };
    return MU_OK;
}

void metrics_attach(struct metrics *m, const struct metrics_sources *from)
{
    m->from = *from;
}

void metrics_destroy(struct metrics *m)
{
    if (m)
        free(m->counts);
    free(m);
}

struct http_table *metrics_http_table(struct metrics *m)
{
    return &m->table;
}
