#ifndef MUSTER_NET_CONN_H
#define MUSTER_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "model/cidr.h"
#include "net/loop.h"
#include "net/transport.h"

/* A TCP connection, plain or TLS (or what a transport makes of it), on one loop. The owner embeds a struct conn at the start of its
 * own struct. An idle connection holds no buffers: reading goes through a buffer of the loop, and
 * only an unfinished rest is kept. Loop thread only, or any thread while the loop does not run
 * (before loop_start, after loop_join). */

enum conn_end {
    CONN_PEER_CLOSED, /* orderly or reset; also a conn_connect that failed */
    CONN_TLS_FAILED,  /* handshake or record error */
    CONN_OVERFLOW,    /* the peer does not read: unsent bytes over the cap */
    CONN_WE_CLOSED,   /* conn_close by the owner */
};

struct conn;

struct conn_ops {
    /* Bytes have come, at most in_max + 1 at a time. Returns how many were used; the rest is kept
     * and comes again, with more behind it (at most in_max bytes are kept: an owner that leaves more
     * unused, and has not paused, is closed with CONN_OVERFLOW). May call conn_write, conn_pause,
     * conn_close on this and other connections of the loop. bytes is valid during the call, even
     * after conn_close. What arrived before the peer closed is delivered before closed(). */
    size_t (*data)(struct conn *c, const uint8_t *bytes, size_t len);

    /* What conn_write could not give to the kernel at once has been given to it now: conn_unsent,
     * which was above 0, is 0; or there is room again for what conn_offer left. Not called for writes
     * that went out whole. Optional. */
    void (*drained)(struct conn *c);

    /* The connection is gone and its descriptor closed; the owner frees itself. Called exactly
     * once, never from inside another call of the owner's but when the round's events, timers and
     * mail have been dealt with (conn_close says what happens on a loop that does not run). */
    void (*closed)(struct conn *c, enum conn_end end);
};

/* What an owner's connections on one loop have in common; it outlives them. */
struct conn_owner {
    struct loop *loop;
    struct conn_ops ops;
    uint32_t patience;        /* LOOP_PATIENT: accepted ones are; or 0 */
    uint32_t in_max, out_max; /* caps of kept input and unsent output, in bytes */
};

/* There are as many as devices that are online: what an idle one does not need is allocated while it is
 * needed. Fields are private to net/ and, as far as it has to do with them, to the transport. */
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

/* Takes over an accepted descriptor: non-blocking, TCP_NODELAY; or -1 if the transport needs none.
 * via NULL = transport_plain; with TLS we are the server, and what is written before the handshake is done
 * waits for it. On failure the descriptor is closed and closed() is not called. */
MU_MUST_USE enum mu_err conn_open(struct conn *c, const struct conn_owner *owner, int fd, const struct transport *via);

/* Begins a plain outgoing connection (the simulator); data and closed report what becomes of it,
 * drained the moment it is established. from: an address of this machine, of the same family and
 * length as `to`, with port 0; NULL = any. */
MU_MUST_USE enum mu_err conn_connect(struct conn *c, const struct conn_owner *owner, const struct sockaddr *from,
                                     const struct sockaddr *to, socklen_t to_len);

/* Writes now what the kernel takes and keeps the rest (a copy). MU_OK with conn_unsent() == 0: the
 * kernel has it all. MU_E_CLOSED if the connection is ending or turned out to be broken, MU_E_LIMIT
 * (and the connection ends with CONN_OVERFLOW) if the rest would exceed the cap, MU_E_NOMEM
 * likewise. Except for a connection that was ending already, closed() follows. */
enum mu_err conn_write(struct conn *c, const void *bytes, size_t len);

/* Gives the kernel what it takes now and keeps nothing; *sent says how much that was. If it is not all,
 * drained() tells when the kernel takes more; the same bytes must then come again before any others.
 * Nothing is taken while conn_write's rest waits. MU_E_CLOSED as with conn_write. */
enum mu_err conn_offer(struct conn *c, const void *bytes, size_t len, size_t *sent);

/* Bytes of conn_write not yet given to the kernel. */
size_t conn_unsent(const struct conn *c);
/* These, and those that the kernel has and the peer has not acknowledged. A system call. */
size_t conn_untaken(const struct conn *c);

void conn_pause(struct conn *c);  /* stop reading; input stays in the kernel */
void conn_resume(struct conn *c); /* go on, first with what was kept; data() is called later in
                                      this round or in the next, never from here */

/* Ends it at once; data() and drained() are not called any more, closed() follows with
 * CONN_WE_CLOSED. A no-op on a connection that has ended. On a loop that does not run closed() is
 * called before this returns. */
void conn_close(struct conn *c);

/* The same, by a reset: what the kernel still has for the peer is thrown away, too. For a peer that takes
 * nothing: otherwise the kernel would keep it for minutes. */
void conn_abort(struct conn *c);

/* Ends it after what is unsent has gone; data() and drained() are not called any more. Input is read
 * and thrown away until the peer closes too, so that a reset does not overtake the last answer; all
 * that for at most 5 s. closed() follows with CONN_WE_CLOSED, whatever the peer does. */
void conn_close_when_sent(struct conn *c);

/* Lets the kernel find out that the peer has gone without a word: when it has not acknowledged for 100 s
 * what was written to it, and when it has not answered the probes that begin after silent_s without a word
 * from it. closed() follows with CONN_PEER_CLOSED. */
void conn_watch_peer(struct conn *c, unsigned silent_s);

bool conn_is_tls(const struct conn *c);                    /* also in closed() */
void conn_peer(const struct conn *c, struct ip_addr *out); /* all zero once it has ended */

#endif
