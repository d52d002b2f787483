#ifndef MUSTER_ACCESS_SESSION_H
#define MUSTER_ACCESS_SESSION_H

#include "access/access_loop.h"
#include "access/mqtt_packet.h"
#include "access/outgoing.h"
#include "access/qos2.h"
#include "access/topics.h"
#include "model/quota.h"
#include "net/conn.h"

/* One MQTT connection and, once it has logged in, the device's session. Loop thread only; other
 * threads have its handle. It lives from accept until conn's closed(), which net calls at the end
 * of a round: within a call nothing here is freed. */

/*
 *            CONNECT is good         login is on record: CONNACK           ends, and something is uncommitted
 *     NEW ───────────────► CLAIMING ───────────────────────────► LIVE ─────────────────────────────► LEAVING
 *      │                      │                                    │ ends                             │ acknowledged
 *      │ refused              │ refused, taken over, ended         ▼                                  ▼
 *      └──────────────────────┴────────────────────────────────► ENDED ◄──────────────────────────────┘
 *
 * While it claims its device (claim.h) it is not read: what the client sends behind CONNECT, or that it closes, is
 * seen after CONNACK. It counts as no session yet: no control reaches it, and the figures leave it out. */
enum session_state {
    SESSION_NEW,      /* no CONNECT yet */
    SESSION_CLAIMING, /* its login is being committed, or waits for the end of the session before it */
    SESSION_LIVE,
    SESSION_LEAVING, /* its end is recorded; not read any more, but what it sent is still acknowledged */
    SESSION_ENDED,   /* its end is recorded, if its login is; the connection is closing */
};

/* The will of a live session: reported if the session ends without DISCONNECT. */
struct will {
    size_t len;
    uint8_t payload[];
};

/* What few sessions need, and only for a while; allocated when it is needed and then dropped. */
struct session_more {
    struct will *will;                          /* NULL = none */
    struct qos2 *qos2;                          /* NULL until it is needed */
    struct session *next_paused, **prev_paused; /* prev NULL: not waiting for room */
    int64_t slow_until_ms;                      /* not read before this (rate.h); 0 = it is read */
    int64_t patient_until_ms;                   /* what it sends too fast waits and does not end it */
};

/* One for each device that is online: in a large fleet each byte here is a megabyte. */
struct session {
    struct conn conn;   /* first: net hands it back */
    struct timer timer; /* the next of all its deadlines; never later than it */
    struct access_loop *home;
    struct session_more *more;

    /* --- from the login on --- */
    const struct fleet_product *product;
    union {
        struct claim *claim; /* while it claims its device */
        uint64_t number;     /* then: at the committer, the session's; the higher one is the device's */
    };
    struct outgoing out;
    struct bucket message_bucket, byte_bucket;
    union {
        struct heartbeat_meter heartbeat;
        struct ip_addr came_from; /* until CONNECT, over TLS: conn_peer forgets it at the end */
        uint8_t farewell;         /* enum mqtt_reason, while it leaves */
    };
    uint32_t uncommitted;          /* messages whose acknowledgement has to come; while it claims: its login */
    uint32_t first_ack;            /* acks.c, while a batch of them is written; 0 = none */
    uint16_t announced_keep_alive; /* seconds; 0 = none */
    uint16_t granted;              /* session_granted() */
    char did[DID_LEN + 1];

    /* --- always --- */
    enum session_state state : 3;
    enum mqtt_version version : 3;
    bool paced : 1;
    bool asked_to_outlive : 1; /* its CONNECT had a session expiry above 0 */
    uint32_t seen_tenths;      /* loop time of the last packet, upwards; until the login, of the accept */
    uint32_t device;           /* from here on: see session_slab.c */
    session_handle handle;
};

static inline int64_t session_now(const struct session *s)
{
    return loop_now_ms(s->home->loop);
}

static inline void session_seen(struct session *s)
{
    s->seen_tenths = (uint32_t)((session_now(s) + 99) / 100);
}

/* In milliseconds of the loop's time. */
static inline int64_t session_seen_ms(const struct session *s)
{
    return s->seen_tenths * INT64_C(100);
}

static inline bool session_is_over(const struct session *s)
{
    return s->state >= SESSION_LEAVING;
}

/* paused: waits for the committer's room (access_loop_has_room). slow: not read, since it sent too fast (rate.h). */
static inline bool session_is_paused(const struct session *s)
{
    return s->more && s->more->prev_paused;
}
static inline bool session_is_slow(const struct session *s)
{
    return s->more && s->more->slow_until_ms;
}

/* What a device may be sent there: 0 = it has not subscribed, else 1 + QoS. */
static inline unsigned session_granted(const struct session *s, enum topic_filter_kind kind)
{
    return s->granted >> 2 * kind & 3u;
}
static inline void session_grant(struct session *s, enum topic_filter_kind kind, unsigned granted)
{
    s->granted = (uint16_t)((s->granted & ~(3u << 2 * kind)) | granted << 2 * kind);
}

/* The keepalive that is applied, in seconds: at most --keepalive-max. Otherwise a device without one, or with a very
 * long one, would stay online for ever after its power is cut. */
static inline uint16_t session_keep_alive(const struct session *s)
{
    uint16_t announced = s->announced_keep_alive, most = s->home->access->options.keep_alive_max;
    return announced == 0 || announced > most ? most : announced;
}

static inline struct qos2 *session_qos2(const struct session *s)
{
    return s->more ? s->more->qos2 : NULL;
}
/* Its session_more, made if there is none yet; NULL without memory. */
struct session_more *session_more(struct session *s);

/* What the sessions' connections on a loop have in common. */
struct conn_owner session_conns(const struct access *a, struct loop *loop);
/* Takes an accepted descriptor. */
void session_open(struct access_loop *home, int fd, const struct transport *via);

/* Ends it: sends the will, fails waiting controls, records the end. The client is told `why` where the protocol allows
 * it: in the CONNACK of a refused login (one that claims its device is told what handle_claim_ended says), and in 5.0 in a DISCONNECT behind the acknowledgements of what it has sent.
 * With MQTT_SUCCESS it gets neither, for it has gone or does not read. A no-op on one that is over. */
void session_end(struct session *s, enum end_reason reason, enum mqtt_reason why);
/* Acknowledgements have been written. If it is leaving and they were the last, it ends. */
void session_acknowledged(struct session *s);
/* The item that it hands to the committer now; the tag comes back after the commit. */
struct commit_item session_item(const struct session *s, uint64_t tag);
/* The client has broken a rule. */
void session_violation(struct session *s, enum mqtt_reason why);
/* What a client of 5.0 is told when we end its session for this reason. */
enum mqtt_reason session_reason(enum end_reason reason);

/* A deadline has come nearer. */
void session_arm(struct session *s);

/* --- login.c: makes the session known to the rest of the program ----------------------------------*/
/* Makes s (device and announced_keep_alive set by then) the device's session; one that was it before is ended. The
 * outcome comes as an acknowledgement: handle_claimed. names_client: CONNACK will name the client. MU_E_NOMEM: nothing
 * happened. */
MU_MUST_USE enum mu_err session_claim(struct session *s, bool names_client);
/* Its login is on record. It is read again after this call. */
void session_go_live(struct session *s);
/* The end of one that claims its device, and of a live one. */
void session_unclaim(struct session *s, enum end_reason reason);
void session_logout(struct session *s, enum end_reason reason);

/* --- input.c ---------------------------------------------------------------------------------------*/
size_t session_input(struct conn *c, const uint8_t *bytes, size_t len);

#endif
