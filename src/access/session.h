#ifndef MUSTER_ACCESS_SESSION_H
#define MUSTER_ACCESS_SESSION_H

#include "access/access_loop.h"
#include "access/mqtt_packet.h"
#include "access/outgoing.h"
#include "access/qos2.h"
#include "access/topics.h"
#include "net/conn.h"

/* One MQTT connection and, once it has logged in, the device's session. Loop thread only; other
 * threads have its handle. It lives from accept until conn's closed(), which net calls at the end
 * of a round: within a call nothing here is freed. */

enum session_state {
    SESSION_NEW,   /* no CONNECT yet */
    SESSION_LIVE,
    SESSION_LEAVING, /* accounted for, and not read any more; what it has sent is being committed, and is
                        still acknowledged */
    SESSION_ENDED,   /* accounted for; the connection is on its way out */
};

/* The will of a live session: what is reported if it ends badly. */
struct will {
    size_t len;
    uint8_t payload[];
};

struct session {
    struct conn conn;                /* first: net hands it back */
    struct timer timer;              /* the next of all its deadlines; never later than it */
    struct access_loop *home;
    int64_t last_seen_ms;            /* last packet; until the login, the accept */
    int64_t slow_until_ms;           /* not read before this (rate.h); 0 = it is read */
    int64_t patient_until_ms;        /* what it sends too fast waits and does not end it */

    /* --- from the login on --- */
    const struct fleet_product *product;
    uint64_t number;                 /* at the committer: the higher one is the device's */
    struct will *will;               /* NULL = none */
    struct qos2 *qos2;               /* NULL until it is needed */
    struct session *next_paused, **prev_paused; /* prev NULL: not waiting for room */
    struct ack *first_ack, *last_ack; /* while a batch of them is written */
    struct session *next_acked;
    struct outgoing out;
    union {
        struct heartbeat_meter heartbeat;
        struct ip_addr came_from;    /* until the login, over TLS: conn_peer forgets it at the end */
    };
    struct bucket message_bucket, byte_bucket;
    session_handle handle;           /* from here on: see session_slab.c */
    uint32_t device;
    uint32_t uncommitted;            /* messages whose acknowledgement has to come */
    uint16_t announced_keep_alive;   /* seconds; 0 = none */
    uint16_t keep_alive;             /* that holds: at most --keepalive-max */
    uint8_t state;                   /* enum session_state */
    uint8_t version;                 /* enum mqtt_version */
    uint8_t farewell;                /* enum mqtt_reason, while it leaves */
    uint8_t granted[FILTER_KEPT];    /* 0 = not subscribed, else 1 + QoS */
    bool paced;
    bool asked_to_outlive;           /* its CONNECT had a session expiry above 0 */
    char did[DID_LEN + 1];
};

static inline int64_t session_now(const struct session *s)
{
    return loop_now_ms(s->home->loop);
}

static inline bool session_is_over(const struct session *s)
{
    return s->state >= SESSION_LEAVING;
}

/* What the sessions' connections on a loop have in common. */
struct conn_owner session_conns(const struct access *a, struct loop *loop);
/* Takes an accepted descriptor. */
void session_open(struct access_loop *home, int fd, const struct transport *via);

/* Ends it, with all that follows: the will, waiting controls, the end's record. The client is told
 * `why` where the protocol can: in the CONNACK of a refused login, in 5.0 also of a live session, there
 * behind the acknowledgements of what it has sent before (MQTT_SUCCESS: it gets neither, for it has gone
 * or does not read). A no-op on one that is over. */
void session_end(struct session *s, enum end_reason reason, enum mqtt_reason why);
/* Acknowledgements have been written: if it leaves, and they were the last, it goes. */
void session_acknowledged(struct session *s);
/* The client has broken a rule. */
void session_violation(struct session *s, enum mqtt_reason why);
/* What a client of 5.0 is told when we end its session for this reason. */
enum mqtt_reason session_reason(enum end_reason reason);

/* A deadline has come nearer. */
void session_arm(struct session *s);

/* --- login.c: the session in the eyes of all others ----------------------------------------------*/
/* Makes s (number, device and announced_keep_alive set by then) the device's session; one that was it before
 * is ended. MU_E_NOMEM: nothing happened. */
MU_MUST_USE enum mu_err session_login(struct session *s);
void session_logout(struct session *s, enum end_reason reason);

/* --- input.c ---------------------------------------------------------------------------------------*/
size_t session_input(struct conn *c, const uint8_t *bytes, size_t len);

#endif
