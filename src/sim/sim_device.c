#include "sim/sim_device.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/sim_mqtt.h"
#include "sim/sim_register.h"

/* One simulated device: registering, provisioning, logging in, reporting, and starting again after a failure. */

#define RETRY_MS     1000
#define RETRY_MS_MAX 30000
#define PING_MS      50000 /* the firmware's */
#define INPUT_MAX    65536

static const struct conn_ops register_ops, mqtt_ops;

static void connect_step(struct sim_device *d)
{
    bool http = d->step == SIM_REGISTER || d->step == SIM_PROVISION;
    const struct net_address *to = http ? &d->options->http : &d->broker, *from = &d->options->from;

    d->connected = false;
    d->again = false;
    d->owner = (struct conn_owner){
        .loop = d->loop, .ops = http ? register_ops : mqtt_ops, .in_max = INPUT_MAX, .out_max = INPUT_MAX
    };
    if (conn_connect(&d->conn, &d->owner, from->len ? (const struct sockaddr *)&from->sa : NULL,
                     (const struct sockaddr *)&to->sa, to->len) != MU_OK) {
        d->failures++;
        timer_start(d->loop, &d->timer, RETRY_MS);
        return;
    }
    d->open = true;
    d->stats->open++;
}

static void report_due(struct sim_device *d);

static void timer_fired(struct timer *t)
{
    struct sim_device *d = (struct sim_device *)((char *)t - offsetof(struct sim_device, timer));

    if (d->step == SIM_RUN)
        report_due(d);
    else if (d->step != SIM_STOPPED)
        connect_step(d);
}

static void ping_fired(struct timer *t)
{
    struct sim_device *d = (struct sim_device *)((char *)t - offsetof(struct sim_device, ping));

    sim_mqtt_ping(d);
    timer_start(d->loop, &d->ping, PING_MS);
}

/* --- reports ----------------------------------------------------------------------------------------*/

/* Reports sent and not acknowledged. */
static uint64_t in_flight(const struct sim_device *d)
{
    return d->sent - d->settled;
}

uint16_t sim_packet_id(uint64_t number)
{
    return (uint16_t)(number % 65535 + 1);
}

static void send_report(struct sim_device *d, int64_t due_us)
{
    sim_values_wander(&d->values);
    sim_mqtt_report(d);
    d->stats->sent++;
    if (d->options->qos == 1)
        d->due_of[d->sent++ % d->options->window] = due_us;
}

/* At a fixed rate every report has a moment at which it is due, and its latency counts from there,
 * however late it is sent: a server that stalls does not slow its measurement down. A device that stops
 * sends what was due by then, and no more. */
static void report_due(struct sim_device *d)
{
    const struct sim_options *o = d->options;
    int64_t now = d->stopping ? d->stopped_us : clock_mono_us();

    if (d->stopping && o->interval_us <= 0)
        return; /* nothing is due at a certain moment */
    while (d->step == SIM_RUN && (o->qos == 0 || in_flight(d) < o->window)) {
        if (o->interval_us == 0) {
            send_report(d, now);
            if (o->qos == 0 && conn_unsent(&d->conn) > 0)
                break; /* drained() goes on */
            continue;
        }
        if (d->due_us > now)
            break;
        send_report(d, d->due_us);
        d->due_us += o->interval_us;
    }
    if (d->step == SIM_RUN && !d->stopping && o->interval_us > 0) {
        int64_t wait_ms = (d->due_us - clock_mono_us()) / 1000;
        timer_start(d->loop, &d->timer, wait_ms > 1 ? wait_ms : 1);
    }
}

static void logout_if_done(struct sim_device *d)
{
    if (in_flight(d) == 0)
        sim_mqtt_logout(d);
}

void sim_device_acked(struct sim_device *d, uint16_t id)
{
    if (in_flight(d) == 0 || id != sim_packet_id(d->settled))
        return; /* acknowledgements come in order; anything else is not ours */
    sim_stats_latency(d->stats, clock_mono_us() - d->due_of[d->settled++ % d->options->window]);
    d->stats->acked++;
    report_due(d);
    if (d->stopping) {
        d->stats->acked_late++;
        logout_if_done(d);
    }
}

/* --- steps ------------------------------------------------------------------------------------------*/

void sim_device_registered(struct sim_device *d, const char *did)
{
    memcpy(d->did, did, DID_LEN + 1);
    d->stats->registered++;
    d->step = SIM_PROVISION;
    d->again = true;
    conn_close(&d->conn);
}

void sim_device_provisioned(struct sim_device *d, const struct net_address *broker)
{
    d->broker = *broker;
    d->step = SIM_LOGIN;
    d->again = true;
    conn_close(&d->conn);
}

void sim_device_running(struct sim_device *d)
{
    d->step = SIM_RUN;
    d->failures = 0;
    d->stats->connected++;
    timer_start(d->loop, &d->ping, PING_MS);
    if (d->options->interval_us < 0)
        return;
    /* The first report says where everything stands; the others follow spread over the interval, so
     * that a fleet does not report in step. After a new login what has become due meanwhile is made
     * up for: to the measurement it is late, not gone. */
    if (d->due_us == 0) {
        d->due_us = clock_mono_us();
        if (d->options->interval_us > 0) {
            send_report(d, d->due_us);
            d->due_us += (int64_t)(d->values.random % (uint64_t)d->options->interval_us);
        }
    }
    report_due(d);
}

static size_t register_data(struct conn *c, const uint8_t *bytes, size_t len)
{
    return sim_register_data((struct sim_device *)c, bytes, len);
}

static size_t mqtt_data(struct conn *c, const uint8_t *bytes, size_t len)
{
    return sim_mqtt_data((struct sim_device *)c, bytes, len);
}

static void drained(struct conn *c)
{
    struct sim_device *d = (struct sim_device *)c;

    if (d->connected) {
        if (d->step == SIM_RUN && d->options->qos == 0 && d->options->interval_us == 0)
            report_due(d);
        return;
    }
    d->connected = true;
    if (d->step == SIM_LOGIN)
        sim_mqtt_login(d);
    else
        sim_register_request(d);
}

static void closed(struct conn *c, enum conn_end end)
{
    struct sim_device *d = (struct sim_device *)c;

    d->open = false;
    d->stats->open--;
    timer_stop(&d->timer);
    timer_stop(&d->ping);
    d->stats->failed += in_flight(d);
    d->settled = d->sent;
    if (d->stopping) {
        d->step = SIM_STOPPED;
        return;
    }
    if (d->again) { /* the step is done; on with the next */
        connect_step(d);
        return;
    }
    if (d->step == SIM_RUN || d->step == SIM_SUBSCRIBE)
        d->step = SIM_LOGIN;
    if (end != CONN_WE_CLOSED)
        d->stats->closed++;
    d->failures++;
    int64_t wait = (int64_t)RETRY_MS << (d->failures < 6 ? d->failures - 1 : 5);
    timer_start(d->loop, &d->timer, wait < RETRY_MS_MAX ? wait : RETRY_MS_MAX);
}

static const struct conn_ops register_ops = { register_data, drained, closed };
static const struct conn_ops mqtt_ops = { mqtt_data, drained, closed };

/* --- life -------------------------------------------------------------------------------------------*/

enum mu_err sim_device_init(struct sim_device *d, const struct sim_options *options, uint64_t seed)
{
    d->options = options;
    d->step = options->plain_broker ? SIM_LOGIN : SIM_REGISTER;
    d->broker = options->mqtt;
    d->timer.fire = timer_fired;
    d->ping.fire = ping_fired;
    buf_init(&d->scratch, INPUT_MAX);
    d->due_of = calloc(options->window, sizeof(*d->due_of));
    return d->due_of ? sim_values_init(&d->values, options->plan, seed) : MU_E_NOMEM;
}

void sim_device_start(struct sim_device *d, struct loop *loop, struct sim_stats *stats)
{
    d->loop = loop;
    d->stats = stats;
    if (d->options->plain_broker && !*d->did)
        did_new(d->did);
    connect_step(d);
}

void sim_device_stop(struct sim_device *d)
{
    d->stopping = true;
    d->stopped_us = clock_mono_us();
    timer_stop(&d->timer);
    if (!d->open) {
        d->step = SIM_STOPPED;
    } else if (d->step == SIM_RUN) {
        report_due(d);
        logout_if_done(d);
    } else {
        conn_close(&d->conn);
    }
}

uint64_t sim_device_unsettled(const struct sim_device *d)
{
    uint64_t unsent = 0;

    if (d->due_us != 0 && d->options->interval_us > 0 && d->due_us <= d->stopped_us)
        unsent = (uint64_t)((d->stopped_us - d->due_us) / d->options->interval_us) + 1;
    return in_flight(d) + unsent;
}

void sim_device_free(struct sim_device *d)
{
    sim_values_free(&d->values);
    buf_free(&d->scratch);
    free(d->due_of);
}
