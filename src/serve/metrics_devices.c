/* Metrics of the fleet, and of what devices do. */

#include "serve/metrics_private.h"

#include <inttypes.h>

/* So many products get lines of their own, so that the page does not grow with the number of products. */
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
    size_t count = fleet_undecoded(m->from.stores->fleet, products, UNDECODED_PRODUCTS, &others);

    metrics_head(page, "muster_undecoded_reports_total", "counter",
                 "Reports that did not fit their product's definition.");
    for (size_t i = 0; i < count; i++)
        write_undecoded_of(page, products[i].product_key, &products[i]);
    write_undecoded_of(page, "other", &others);
}

/* The refusals at one door. Every reason has a line from the start, also with count 0. */
static void write_refused(const struct access_figures *a, struct buf *page, enum refusal_door door, const char *name,
                          const char *help)
{
    metrics_head(page, name, "counter", help);
    for (int i = 0; i < REFUSAL_COUNT; i++) {
        enum refusal_reason reason = (enum refusal_reason)i;
        if (refusal_door(reason) == door)
            metrics_sample(page, name, "reason", refusal_label(reason), a->refused[i]);
    }
}

static void write_doors(const struct access_figures *a, struct buf *page)
{
    metrics_one(page, "muster_sessions", "gauge", "Devices that are logged in.", a->sessions);
    metrics_one(page, "muster_mqtt_connections", "gauge", "MQTT connections, logged in or not yet.", a->connections);
    write_refused(a, page, DOOR_CONNECTION, "muster_refused_connections_total", "Refused MQTT connections by reason.");
    metrics_one(page, "muster_logins_total", "counter", "Accepted logins.", a->logins);
    write_refused(a, page, DOOR_LOGIN, "muster_refused_logins_total", "Refused logins by reason.");
    metrics_one(page, "muster_takeovers_total", "counter", "Logins that ended an older session of the device.",
                a->takeovers);
    metrics_head(page, "muster_session_ends_total", "counter", "Ended sessions by reason.");
    for (int i = 0; i < END_REASON_COUNT; i++)
        metrics_sample(page, "muster_session_ends_total", "reason", end_reason_text((enum end_reason)i), a->ends[i]);
    metrics_one(page, "muster_registrations_total", "counter", "Accepted registrations.", a->registrations);
    write_refused(a, page, DOOR_REGISTRATION, "muster_refused_registrations_total", "Refused registrations by reason.");
    write_refused(a, page, DOOR_REQUEST, "muster_refused_device_requests_total",
                  "Other refused requests over /dev by reason.");
}

static void write_traffic(const struct access_figures *a, struct buf *page)
{
    metrics_one(page, "muster_slowdowns_total", "counter",
                "How often reading from a device was paused because it sent too fast.", a->slowdowns);
    metrics_one(page, "muster_heartbeats_total", "counter", "Pings of devices.", a->pings);
    metrics_head(page, "muster_messages_total", "counter", "MQTT messages by direction.");
    metrics_sample(page, "muster_messages_total", "direction", "in", a->messages_in);
    metrics_sample(page, "muster_messages_total", "direction", "out", a->messages_out);
    metrics_head(page, "muster_bytes_total", "counter", "MQTT bytes by direction.");
    metrics_sample(page, "muster_bytes_total", "direction", "in", a->bytes_in);
    metrics_sample(page, "muster_bytes_total", "direction", "out", a->bytes_out);
}

static void write_dropped(const struct access_figures *a, const struct committer_figures *c, struct buf *page)
{
    static const char *const causes[] = {
#define X(name, text) text,
        ACCESS_DROP_TABLE(X)
#undef X
    };

    metrics_head(page, "muster_dropped_messages_total", "counter", "Messages that were not kept, by cause.");
    for (int i = 0; i < DROP_COUNT; i++)
        metrics_sample(page, "muster_dropped_messages_total", "cause", causes[i], a->dropped[i]);
    metrics_sample(page, "muster_dropped_messages_total", "cause", "disk_full", c->dropped_disk_full);
    metrics_sample(page, "muster_dropped_messages_total", "cause", "io", c->dropped_io);
    metrics_sample(page, "muster_dropped_messages_total", "cause", "memory", c->dropped_nomem);
}

static void write_fleet(struct metrics *m, struct buf *page)
{
    struct fleet_counts f;

    fleet_count(m->from.stores->fleet, &f);
    metrics_one(page, "muster_fleet_devices", "gauge", "Registered devices.", f.devices);
    metrics_one(page, "muster_fleet_online", "gauge", "Devices shown as online.", f.online);
    metrics_one(page, "muster_fleet_products", "gauge", "Products.", f.products);
    metrics_one(page, "muster_fleet_enterprises", "gauge", "Enterprises.", f.enterprises);
    metrics_one(page, "muster_fleet_tokens", "gauge", "Tokens that have not expired.", f.tokens);
}

void metrics_write_devices(struct metrics *m, struct buf *page)
{
    struct access_figures a;
    struct committer_figures c;

    access_get_figures(m->from.access, &a);
    committer_get_figures(m->from.stores->committer, &c);
    write_fleet(m, page);
    write_doors(&a, page);
    metrics_one(page, "muster_watchers", "gauge", "Commands that show events (muster tail).",
                watch_count(m->from.stores->watch));
    write_traffic(&a, page);
    write_dropped(&a, &c, page);
    metrics_head(page, "muster_reports_total", "counter", "Committed device messages by outcome.");
    metrics_sample(page, "muster_reports_total", "result", "decoded", c.decoded);
    metrics_sample(page, "muster_reports_total", "result", "undecoded", c.undecoded);
    metrics_sample(page, "muster_reports_total", "result", "echo", c.echoes);
    write_undecoded(m, page);
}
