#ifndef MUSTER_SIM_SIM_DEVICE_H
#define MUSTER_SIM_SIM_DEVICE_H

#include <netinet/in.h>

#include "base/limits.h"
#include "model/id.h"
#include "net/conn.h"
#include "net/listener.h"
#include "sim/sim_stats.h"
#include "sim/sim_values.h"

/* One simulated device, as the field's firmware behaves: registers over HTTP, asks where the broker
 * is, logs in over MQTT, makes its three subscriptions one after the other, then reports at a fixed
 * rate, answers what it is told and pings. Whatever breaks is tried again after a while. */

struct sim_options {
    struct net_address http;
    char http_host[NET_ADDRESS_TEXT];
    /* No HTTP: log in to any MQTT broker, with an invented did if a device has none. */
    bool plain_broker;
    bool has_mqtt;
    struct net_address mqtt; /* else where the server says */
    struct net_address from; /* where devices come from, port 0; all zero = any */
    const char *product_key;
    const struct datapoint_plan *plan;
    int64_t interval_us; /* 0 = as fast as acknowledgements allow; below: no reports */
    unsigned qos;        /* 0 or 1 */
    unsigned level;      /* 3, 4 or 5: MQTT 3.1, 3.1.1, 5.0 */
    unsigned window;     /* unacknowledged reports per device */
};

enum sim_step { SIM_REGISTER, SIM_PROVISION, SIM_LOGIN, SIM_SUBSCRIBE, SIM_RUN, SIM_STOPPED };

struct sim_device {
    struct conn conn;        /* of the present step */
    struct conn_owner owner; /* of that */
    struct timer timer;      /* next report, or the next try */
    struct timer ping;
    const struct sim_options *options;
    struct sim_stats *stats; /* of its loop */
    struct loop *loop;
    enum sim_step step;
    bool open, connected, again, stopping;
    unsigned subscribed, failures;
    char mac[LIMIT_MAC + 1], passcode[LIMIT_PASSCODE + 1], did[DID_LEN + 1];
    struct net_address broker;
    struct sim_values values;
    struct buf scratch;     /* the packet being written */
    int64_t due_us;         /* when the next report is due; 0 = it has never run */
    int64_t stopped_us;     /* when it was stopped */
    uint64_t sent, settled; /* reports of QoS 1; settled: acknowledged or failed */
    int64_t *due_of;        /* when each one in flight was due, by its number modulo window */
};

MU_MUST_USE enum mu_err sim_device_init(struct sim_device *d, const struct sim_options *options, uint64_t seed);
/* Loop thread. */
void sim_device_start(struct sim_device *d, struct loop *loop, struct sim_stats *stats);
/* Sends what was due by now, and logs out when all of it is acknowledged. Loop thread. */
void sim_device_stop(struct sim_device *d);
/* Of a device that was stopped: reports that were due by then, and neither acknowledged nor counted as failed. */
uint64_t sim_device_unsettled(const struct sim_device *d);
/* The packet id of the report of that number: 1 to 65535, over and over. */
uint16_t sim_packet_id(uint64_t number);
void sim_device_free(struct sim_device *d);

#endif
