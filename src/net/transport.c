#include "net/conn_private.h"

#include <errno.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* The two ways bytes go: the socket itself, or OpenSSL on the socket. */

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

static enum transport_status plain_write(struct conn *c, const uint8_t *bytes, size_t len,
                                         size_t *sent)
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

/* What a failed call of OpenSSL means. The handshake, and key updates after it, make a read wait for
 * writing and the reverse. */
static enum transport_status tls_status(struct conn *c, int result, bool reading)
{
    switch (SSL_get_error(c->tls, result)) {
    case SSL_ERROR_WANT_READ:
        if (!reading)
            conn_set(c, TLS_WRITE_WANTS_READ);
        return TRANSPORT_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        if (reading)
            conn_set(c, TLS_READ_WANTS_WRITE);
        return TRANSPORT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return TRANSPORT_EOF;
    case SSL_ERROR_SYSCALL:
        return TRANSPORT_RESET;
    default:
        return TRANSPORT_TLS_FAILED;
    }
}

static enum transport_status tls_read(struct conn *c, uint8_t *bytes, size_t size, size_t *len)
{
    /* A write that waited for the peer may have got what it waited for, too. */
    conn_unset(c, TLS_READ_WANTS_WRITE | TLS_WRITE_WANTS_READ);
    while (*len < size) {
        size_t n = 0;
        ERR_clear_error(); /* SSL_get_error looks at the thread's queue, which others fill too */
        int result = SSL_read_ex(c->tls, bytes + *len, size - *len, &n);
        if (result <= 0)
            return tls_status(c, result, true);
        *len += n;
    }
    return TRANSPORT_OK;
}

static enum transport_status tls_write(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent)
{
    conn_unset(c, TLS_WRITE_WANTS_READ);
    while (*sent < len) {
        size_t n = 0;
        ERR_clear_error();
        int result = SSL_write_ex(c->tls, bytes + *sent, len - *sent, &n);
        if (result <= 0)
            return tls_status(c, result, false);
        *sent += n;
    }
    return TRANSPORT_OK;
}

enum transport_status transport_read(struct conn *c, uint8_t *bytes, size_t size, size_t *len)
{
    *len = 0;
    return c->tls ? tls_read(c, bytes, size, len) : plain_read(c, bytes, size, len);
}

enum transport_status transport_write(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent)
{
    *sent = 0;
    return c->tls ? tls_write(c, bytes, len, sent) : plain_write(c, bytes, len, sent);
}

bool transport_has_input(const struct conn *c)
{
    return c->tls && SSL_pending(c->tls) > 0;
}

void transport_say_goodbye(struct conn *c)
{
    if (c->tls && SSL_is_init_finished(c->tls)) {
        ERR_clear_error();
        SSL_shutdown(c->tls); /* if the socket is full the peer learns it from TCP alone */
    }
}

void transport_free(struct conn *c)
{
    SSL_free(c->tls);
    c->tls = NULL;
}
