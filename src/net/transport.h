#ifndef MUSTER_NET_TRANSPORT_H
#define MUSTER_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* How the bytes of a connection travel: plainly over its socket (transport_plain), through TLS (tls.h), or in another
 * way, even without a descriptor. One object serves all connections of its kind and outlives them. Its functions are
 * called on the connection's loop. */
struct conn;

enum transport_status {
    TRANSPORT_OK,
    TRANSPORT_AGAIN,
    TRANSPORT_EOF,
    TRANSPORT_RESET,
    TRANSPORT_TLS_FAILED,
};

struct transport {
    /* c->io.fd is set; what the transport keeps for it goes to c->state. Optional. */
    enum mu_err (*open)(const struct transport *via, struct conn *c);
    /* Reads at most size bytes and adds what has come to *len, also if the status tells of an end
     * behind them. OK: there may be more. */
    enum transport_status (*read)(struct conn *c, uint8_t *bytes, size_t size, size_t *len);
    /* OK: all len bytes were taken. Otherwise *sent (0 before) tells how many. After AGAIN the bytes not
     * taken must come again, perhaps with more behind them. */
    enum transport_status (*write)(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent);
    /* True if input waits inside the transport, where epoll does not see it. Optional. */
    bool (*has_input)(const struct conn *c);
    /* Tells the peer that nothing more comes, so that it knows its answer is not cut off. Optional. */
    void (*say_goodbye)(struct conn *c);
    /* Frees c->state. The descriptor is closed after it. Optional. */
    void (*close)(struct conn *c);
};

extern const struct transport transport_plain;

/* For a transport whose connections have no descriptor (conn_open's fd is -1): tells that there is something to read,
 * or the end. Not from inside a call of the connection's owner. Loop thread. */
void transport_ready(struct conn *c);

#endif
