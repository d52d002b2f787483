#include <errno.h>
#include <sys/socket.h>

#include "net/conn.h"

static enum transport_status plain_read(struct conn *c, uint8_t *bytes, size_t size, size_t *len)
{
    ssize_t n;

    do
        n = recv(c->io.fd, bytes, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? TRANSPORT_AGAIN : TRANSPORT_RESET;
    *len = (size_t)n;
    return n > 0 ? TRANSPORT_OK : TRANSPORT_EOF;
}

static enum transport_status plain_write(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent)
{
    while (*sent < len) {
        ssize_t n = send(c->io.fd, bytes + *sent, len - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            *sent += (size_t)n;
        else if (errno == EAGAIN)
            return TRANSPORT_AGAIN;
        else if (errno != EINTR)
            return TRANSPORT_RESET;
    }
    return TRANSPORT_OK;
}

const struct transport transport_plain = { .read = plain_read, .write = plain_write };
