#include "net/conn_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* How a connection begins: accepted or outgoing, and its socket's options. */

static enum mu_err start(struct conn *c, const struct conn_owner *owner, int fd, const struct transport *via)
{
    *c = (struct conn){ .io = { .fd = fd, .ready = conn_ready }, .owner = owner, .via = via };
    if (fd < 0)
        return MU_OK;
    /* An answer is one write: waiting for more would only delay it. */
    int on = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 ? MU_OK : MU_E_IO;
}

enum mu_err conn_open(struct conn *c, const struct conn_owner *owner, int fd, const struct transport *via)
{
    if (!via)
        via = &transport_plain;
    enum mu_err err = start(c, owner, fd, via);

    if (err == MU_OK && via->open)
        err = via->open(via, c);
    if (err == MU_OK)
        err = loop_fd_add(owner->loop, &c->io, CONN_EVENTS | owner->patience);
    if (err != MU_OK) {
        transport_close(c);
        if (fd >= 0)
            close(fd);
    }
    return err;
}

enum mu_err conn_connect(struct conn *c, const struct conn_owner *owner, const struct sockaddr *from,
                         const struct sockaddr *to, socklen_t to_len)
{
    enum mu_err err;
    int on = 1;
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return MU_E_IO;
    if ((err = start(c, owner, fd, &transport_plain)) != MU_OK)
        goto out;
    conn_set(c, CONN_CONNECTING);
    /* The kernel chooses the port at the connect: one that is free towards `to`. */
    if (from &&
        (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 || bind(fd, from, to_len) != 0)) {
        err = MU_E_IO;
        goto out;
    }
    if (connect(fd, to, to_len) != 0 && errno != EINPROGRESS) {
        err = MU_E_IO;
        goto out;
    }
    err = loop_fd_add(owner->loop, &c->io, EPOLLOUT);
out:
    if (err != MU_OK)
        close(fd);
    return err;
}

#define UNHEARD_MS    100000
#define PROBE_EVERY_S 10
#define PROBES        3
#define SILENT_MAX_S  32767 /* the kernel's own bound */

/* The kernel applies UNHEARD_MS to probes too: a peer that has been silent for longer is given up after the first
 * probe. So all probes are sent only if silent_s is 75 or less. */
void conn_watch_peer(struct conn *c, unsigned silent_s)
{
    const struct {
        int level, name, value;
    } options[] = {
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, silent_s < SILENT_MAX_S ? (int)silent_s : SILENT_MAX_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S },
        { IPPROTO_TCP, TCP_KEEPCNT, PROBES },
        { IPPROTO_TCP, TCP_USER_TIMEOUT, UNHEARD_MS },
    };

    if (c->io.fd < 0)
        return;
    /* If an option fails, the owner's own deadlines still end the peer. */
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(c->io.fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

bool conn_is_tls(const struct conn *c)
{
    return conn_has(c, CONN_TLS);
}

void conn_peer(const struct conn *c, struct ip_addr *out)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);

    memset(out, 0, sizeof(*out));
    if (!conn_has(c, CONN_ENDED) && getpeername(c->io.fd, (struct sockaddr *)&peer, &len) == 0)
        ip_of_sockaddr((const struct sockaddr *)&peer, out);
}
