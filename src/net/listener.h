#ifndef MUSTER_NET_LISTENER_H
#define MUSTER_NET_LISTENER_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/text.h"
#include "net/loop.h"
#include "net/transport.h"

/* "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80", "localhost:1883"; a host name is resolved (which may
 * block), its IPv4 address preferred. MU_E_SYNTAX or MU_E_NOT_FOUND. */
struct net_address {
    struct sockaddr_storage sa;
    socklen_t len;
};
MU_MUST_USE enum mu_err net_address_parse(struct str text, struct net_address *out);
#define NET_ADDRESS_TEXT 64
void net_address_text(const struct net_address *a, char out[NET_ADDRESS_TEXT]);
uint16_t net_address_port(const struct net_address *a);

/* One address on which every given loop listens with a socket of its own (SO_REUSEPORT), so that a connection
 * stays on the loop that accepted it. */
struct listener;

/* Called on the loop for each new connection; owns fd (conn_open it, or close it). */
typedef void (*listener_accept)(void *ctx, struct loop *loop, int fd, const struct transport *via,
                                const struct sockaddr *peer);

struct listener_options {
    struct loop *const *loops;
    unsigned loop_count;
    listener_accept accept;
    void *ctx;
    const struct transport *via; /* NULL: the socket itself */
};

/* address: port 0 takes a free one and writes it back; "[::]" takes IPv4 connections too. Before the loops start.
 * MU_E_IO with why, also if another program listens there. Without free descriptors accepting pauses for a second,
 * with one warning. */
MU_MUST_USE enum mu_err listener_open(struct listener **out, struct net_address *address,
                                      const struct listener_options *options, char *why, size_t why_size);
/* Stops accepting. Before the loops have started or after they have been joined. NULL is a no-op. */
void listener_close(struct listener *l);

#endif
