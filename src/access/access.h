#ifndef MUSTER_ACCESS_ACCESS_H
#define MUSTER_ACCESS_ACCESS_H

#include "access/refusal_reason.h"
#include "access/refusals.h"
#include "commit/committer.h"
#include "commit/control_request.h"
#include "fleet/fleet.h"
#include "net/http.h"
#include "net/listener.h"
#include "net/loop.h"
#include "registry/registry.h"

/* The device side: registration over HTTP (/dev) and sessions over MQTT 3.1, 3.1.1 and 5.0
 * (device-access 1 and 2). */
struct access;

struct access_options {
    struct fleet *fleet;
    struct registry *registry;
    struct committer *committer;
    struct watch *watch; /* is told of refusals and registrations; NULL = nobody is */
    struct workers *workers;
    struct loop *const *loops;
    unsigned loop_count;
    const char *geoip_db;       /* NULL = none */
    const char *mqtt_advertise; /* "HOST:PORT", NULL = the request's host and mqtt_port */
    uint16_t mqtt_port;
    /* Whether this node has been without the store for so long that devices should ask another one; NULL: never. */
    bool (*is_late)(void *nodes);
    void *nodes; /* for it */
    /* limits; 0 = none */
    double device_messages, device_messages_burst; /* per second, and at once */
    double device_bytes;                           /* per second; a burst of the same size */
    double address_registrations;                  /* per minute and source address; loopback exempt */
    double address_connections;                    /* per minute and source address; loopback exempt */
    double product_registrations;                  /* per minute and product */
    double address_guesses;        /* wrong passcodes over /dev per minute and source address; loopback exempt */
    double device_guesses;         /* and per device, from its own address and from all others each */
    uint16_t keep_alive_max;       /* seconds, also for a device that announces none; 0: 65,535 */
    uint32_t mqtt_packet_max;      /* bytes; LIMIT_MQTT_PACKET if 0 or above it */
    uint32_t mqtt_connections_max; /* all loops together */
};

/* Opens what it needs (the place database); why gets a sentence on failure. Before the loops run. */
MU_MUST_USE enum mu_err access_create(struct access **out, const struct access_options *options, char *why,
                                      size_t why_size);
/* The listener_accept function of the MQTT listeners; ctx is the access. */
void access_mqtt_accept(void *access, struct loop *loop, int fd, const struct transport *via,
                        const struct sockaddr *peer);
/* The routes under /dev. */
struct http_table *access_http_table(struct access *a);

/* Ends every session with `reason`; new ones are refused from then on. Waits until the ends are handed to the
 * committer and, for a few seconds at most, until what the devices had sent is acknowledged. Not on a loop; the
 * committer must run. */
void access_shutdown(struct access *a, enum end_reason reason);
void access_destroy(struct access *a); /* after the loops have ended */

/* How the enterprise side reaches the sessions (commit/control_request.h). */
struct control_port access_control_port(struct access *a);

/* --- for the operator: why is this device connected, or not? ---------------------------------------*/
struct access_session {
    struct ip_addr peer;
    bool tls;
    uint8_t version;               /* of MQTT: 3 (3.1), 4 (3.1.1), 5 */
    uint16_t announced_keep_alive; /* seconds; 0 = none */
    uint16_t keep_alive;           /* seconds that are applied */
    int64_t connected_s;           /* since the login */
    int64_t silent_s;              /* since its last packet */
    uint32_t heartbeats;
    bool hears_controls; /* it has subscribed to app2dev */
    bool paced;
    uint32_t waiting_controls; /* not sent yet */
    uint32_t uncommitted;      /* its messages that are not acknowledged yet */
};
/* Asks the session's loop, and waits for it: while the loops run, and not on one of them. MU_E_OFFLINE:
 * the device has no session. */
MU_MUST_USE enum mu_err access_find_session(struct access *a, uint32_t device, struct access_session *out);
/* Has the device's session ended, if there is one. Any thread, never blocks. */
void access_order_end(struct access *a, uint32_t device, enum end_reason reason);
/* Ends the device's session, and returns when it has ended; its end is handed to the committer then. The device may
 * log in again. As above; MU_E_NOMEM. */
MU_MUST_USE enum mu_err access_end_session(struct access *a, uint32_t device, enum end_reason reason);
/* The last refusals of a did, a mac or an address, the last one first; returns how many. */
unsigned access_find_refusals(struct access *a, struct str name, struct refusal out[REFUSALS_PER_NAME]);

/* --- figures for /metrics ---------------------------------------------------------------------*/
#define ACCESS_DROP_TABLE(X)               \
    X(DROP_FOREIGN_TOPIC, "foreign_topic") \
    X(DROP_UNKNOWN_TOPIC, "unknown_topic") \
    X(DROP_RATE, "rate")                   \
    X(DROP_SIZE, "size")                   \
    X(DROP_JOURNAL, "journal")             \
    X(DROP_NOT_SENT, "not_sent")
enum access_drop {
#define X(name, text) name,
    ACCESS_DROP_TABLE(X)
#undef X
        DROP_COUNT
};
struct access_figures {
    uint64_t sessions, connections; /* now */
    uint64_t logins, takeovers, slowdowns;
    uint64_t messages_in, messages_out, bytes_in, bytes_out, pings;
    uint64_t dropped[DROP_COUNT];
    uint64_t ends[END_REASON_COUNT];
    uint64_t registrations;
    uint64_t refused[REFUSAL_COUNT];
};
void access_get_figures(struct access *a, struct access_figures *out);

#endif
