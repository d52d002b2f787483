#ifndef MUSTER_NET_CONN_H
#define MUSTER_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "model/cidr.h"
#include "net/loop.h"
#include "net/transport.h"

/* A TCP connection on one loop: plain, TLS, or over another transport. The owner embeds a struct conn at the start
 * of its own struct. An idle connection holds no buffers: the loop's buffer is read into, and only an unfinished
 * rest is kept. Loop thread only, or any thread while the loop does not run (before loop_start, after loop_join). */

enum conn_end {
    CONN_PEER_CLOSED, /* orderly or reset; also a conn_connect that failed */
    CONN_TLS_FAILED,  /* handshake or record error */
    CONN_OVERFLOW,    /* the peer does not read: unsent bytes over the cap */
    CONN_WE_CLOSED,   /* conn_close by the owner */
};

struct conn;

struct conn_ops {
    /* Bytes have come, at most in_max + 1 at a time. Returns how many it used. The rest is kept and comes again
     * with what follows it. At most in_max bytes are kept: if the owner leaves more, and has not paused, the
     * connection ends with CONN_OVERFLOW. May call conn_write, conn_pause and conn_close on this and other
     * connections of the loop. bytes is valid during the call, even after conn_close. What arrived before the
     * peer closed is delivered before closed(). */
    size_t (*data)(struct conn *c, const uint8_t *bytes, size_t len);

    /* The kernel has now taken what conn_write had kept (conn_unsent was above 0 and is 0), or it has room again
     * for what conn_offer left. Not called for writes that went out whole. Optional. */
    void (*drained)(struct conn *c);

    /* The connection is gone and its descriptor closed; the owner frees itself. Called exactly once, at the end
     * of a round, never from inside another call of the owner. For a loop that does not run see conn_close. */
    void (*closed)(struct conn *c, enum conn_end end);
};

/* What the connections of one owner on one loop share; it outlives them. */
struct conn_owner {
    struct loop *loop;
    struct conn_ops ops;
    uint32_t patience;        /* LOOP_PATIENT: accepted ones are; or 0 */
    uint32_t in_max, out_max; /* caps of kept input and unsent output, in bytes */
};

/* One for each device that is online, so it is small: what an idle connection does not need is allocated only
 * while it is needed. Fields are private to net/; a transport uses io and state. */
struct conn {
    struct loop_fd io;
    const struct conn_owner *owner;
    const struct transport *via;
    void *state; /* of the transport */
    union {
        struct conn_input *in;          /* unfinished; NULL = none */
        struct conn_farewell *farewell; /* while it closes: the time limit */
    };
    struct conn_output *out; /* unsent; NULL = none */
    struct conn *next_pending;
    uint16_t flags;
    uint8_t end;
};

/* Takes over an accepted descriptor (non-blocking, TCP_NODELAY), or -1 if the transport needs none. via NULL =
 * transport_plain. With TLS we are the server, and what is written before the handshake is done waits for it.
 * On failure the descriptor is closed and closed() is not called. */
MU_MUST_USE enum mu_err conn_open(struct conn *c, const struct conn_owner *owner, int fd, const struct transport *via);

/* Begins a plain outgoing connection (the simulator uses it). drained() tells that it is established, data() and
 * closed() what happens to it. from: an address of this machine, of the same family and length as `to`, with
 * port 0; NULL = any. */
MU_MUST_USE enum mu_err conn_connect(struct conn *c, const struct conn_owner *owner, const struct sockaddr *from,
                                     const struct sockaddr *to, socklen_t to_len);

/* Writes what the kernel takes now and keeps a copy of the rest. MU_OK with conn_unsent() == 0: the kernel has it
 * all. MU_E_CLOSED: the connection is ending, or is found broken. MU_E_LIMIT: the rest exceeds out_max; MU_E_NOMEM:
 * no memory for it; both end the connection with CONN_OVERFLOW. After an error closed() follows, unless the
 * connection was ending already. */
enum mu_err conn_write(struct conn *c, const void *bytes, size_t len);

/* Gives the kernel what it takes now and keeps nothing; *sent says how much that was. If it was not all, drained()
 * tells when the kernel takes more; then the same bytes must come again before any others. Takes nothing while a
 * rest of conn_write waits. MU_E_CLOSED as in conn_write. */
enum mu_err conn_offer(struct conn *c, const void *bytes, size_t len, size_t *sent);

/* Bytes of conn_write that the kernel has not taken. */
size_t conn_unsent(const struct conn *c);
/* conn_unsent and, besides, what the kernel has and the peer has not acknowledged. A system call. */
size_t conn_untaken(const struct conn *c);

void conn_pause(struct conn *c); /* stop reading; input stays in the kernel */
/* Goes on, first with what was kept. data() is called later in this round or in the next, never from here. */
void conn_resume(struct conn *c);

/* Ends it at once; data() and drained() are not called any more, closed() follows with
 * CONN_WE_CLOSED. A no-op on a connection that has ended. On a loop that does not run closed() is
 * called before this returns. */
void conn_close(struct conn *c);

/* The same, with a reset: the kernel also drops what it still has for the peer. For a peer that takes nothing:
 * otherwise the kernel would keep those bytes for minutes. */
void conn_abort(struct conn *c);

/* Ends it after what is unsent has gone; data() and drained() are not called any more. Input is read and dropped
 * until the peer closes too, so that a reset does not overtake the last answer. This takes at most 5 s. closed()
 * follows with CONN_WE_CLOSED, whatever the peer does. */
void conn_close_when_sent(struct conn *c);

/* Lets the kernel detect a peer that vanished: one that acknowledges nothing for 100 s, or that does not answer
 * the probes which begin after silent_s of silence. closed() follows with CONN_PEER_CLOSED. */
void conn_watch_peer(struct conn *c, unsigned silent_s);

bool conn_is_tls(const struct conn *c);                    /* also in closed() */
void conn_peer(const struct conn *c, struct ip_addr *out); /* all zero once it has ended */

#endif
