#ifndef MUSTER_NET_HTTP_CONN_PRIVATE_H
#define MUSTER_NET_HTTP_CONN_PRIVATE_H

#include "net/http_internal.h"

/* What http_conn.c (life, deadlines), http_input.c, http_output.c and http_held.c share of a connection.
 * It reads one request at a time:
 *
 *   HTTP_AT_HEAD -> [HTTP_AT_BODY ->] answered at once, and on with HTTP_AT_HEAD
 *                  -> HTTP_AWAY (paused: pipelined requests stay in the kernel) -> HTTP_AT_HEAD
 *   any  -> HTTP_ENDING   after an answer that closes; the connection sends the rest and goes
 *
 * Answers gather in home->out, so that one write answers all pipelined requests. So every entry from the loop ends
 * with http_conn_settle(), or with http_gather(), which delays it to the end of the round.
 *
 * Deadlines are lazy: a request moves deadline_ms only. The timer runs on and checks it when it fires. */

enum http_conn_state { HTTP_AT_HEAD, HTTP_AT_BODY, HTTP_AWAY, HTTP_ENDING };

/* What the deadline limits. */
enum http_conn_wait {
    WAIT_NOTHING,
    WAIT_FIRST, /* the first request's head; no byte of it has come */
    WAIT_HEAD,  /* the rest of a head */
    WAIT_BODY,
    WAIT_NEXT, /* another request */
    WAIT_SENT, /* the peer takes its answer */
};

struct http_conn {
    struct conn c; /* first: conn.h */
    struct http_loop *home;
    struct http_conn *next, **prev;
    struct exchange *x; /* the request at hand; NULL in HTTP_AT_HEAD */
    struct timer timer;
    int64_t deadline_ms;
    int64_t alarm_ms; /* when the timer fires; 0 = not running */
    uint64_t mark;    /* x->body_raw, or untaken bytes, when the deadline was set */
    struct str rest;  /* of a large answer: what the kernel has not taken */
    void *owned;      /* the memory that it is in; NULL if it is constant */
    size_t owned_size;
    size_t held;                        /* what it has counted to home->held; above 0 it is in home's list */
    struct http_conn *staler, *fresher; /* its neighbours there */
    uint32_t scanned;                   /* of an incomplete head */
    uint8_t state;                      /* enum http_conn_state */
    uint8_t wait;                       /* enum http_conn_wait */
    bool paused, refused;
    uint8_t gathered; /* 1 + index in home->waiting; 0 = its answers do not wait */
    struct ip_addr peer;
};

/* Ends every entry from the loop: writes what has gathered, closes or pauses, sets the deadline. partial: some
 * bytes of a head have come. */
void http_conn_settle(struct http_conn *hc, bool partial);

/* Bytes of its answers that the kernel has not taken; and those that its peer has not taken. */
size_t http_conn_unsent(const struct http_conn *hc);
size_t http_conn_untaken(const struct http_conn *hc);
/* Frees what is left of a large answer. */
void http_conn_drop_rest(struct http_conn *hc);

/* --- http_held.c -------------------------------------------------------------------------------*/
/* Counts what is kept for its peer: an answer that it does not take, and a body that it has not finished. If this is
 * too much over all peers, those that have stalled longest are ended. false: this connection was one of them. */
bool http_held_count(struct http_conn *hc);
/* Its peer has taken or sent something. */
void http_held_moved(struct http_conn *hc);
void http_held_forget(struct http_conn *hc);
/* Ends it; logs and counts the end. */
void http_held_end(struct http_conn *hc, enum http_ended why);

/* Lets the bytes in home->out wait for the end of the round; then they are sent, and http_conn_settle follows.
 * False: they should not wait, and nothing has changed. */
bool http_gather(struct http_conn *hc);
/* Sends what waits for this connection, if anything does. */
void http_gather_send(struct http_conn *hc);
/* It has gone. */
void http_gather_drop(struct http_conn *hc);

/* Appends the response of hc->x and ends that exchange. */
void http_conn_send(struct http_conn *hc);

/* Answers with an error of the server's own and ends the connection. */
void http_conn_fail(struct http_conn *hc, int status, const char *detail);

/* Sets the deadline for what the connection waits for now. partial: some bytes of a head have come. */
void http_conn_update_deadline(struct http_conn *hc, bool partial);

/* conn_ops.drained */
void http_conn_drained(struct conn *c);
/* conn_ops.data */
size_t http_conn_data(struct conn *c, const uint8_t *bytes, size_t len);

#endif
