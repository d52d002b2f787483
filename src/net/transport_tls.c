#include <openssl/err.h>

#include "net/conn_private.h"
#include "net/tls_private.h"

/* What a failed OpenSSL call means. During a handshake or a key update a read may have to wait until the socket is
 * writable, and a write until it is readable. */
static enum transport_status tls_status(struct conn *c, int result, bool reading)
{
    switch (SSL_get_error(c->state, result)) {
    case SSL_ERROR_WANT_READ:
        if (!reading)
            conn_set(c, TLS_WRITE_WANTS_READ);
        return TRANSPORT_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        if (reading)
            conn_set(c, TLS_READ_WANTS_WRITE);
        return TRANSPORT_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return TRANSPORT_EOF;
    case SSL_ERROR_SYSCALL: return TRANSPORT_RESET;
    default: return TRANSPORT_TLS_FAILED;
    }
}

static enum transport_status tls_read(struct conn *c, uint8_t *bytes, size_t size, size_t *len)
{
    /* This may also be what a write waited for. */
    conn_unset(c, TLS_READ_WANTS_WRITE | TLS_WRITE_WANTS_READ);
    while (*len < size) {
        size_t n = 0;
        ERR_clear_error(); /* SSL_get_error looks at the thread's queue, which others fill too */
        int result = SSL_read_ex(c->state, bytes + *len, size - *len, &n);
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
        int result = SSL_write_ex(c->state, bytes + *sent, len - *sent, &n);
        if (result <= 0)
            return tls_status(c, result, false);
        *sent += n;
    }
    return TRANSPORT_OK;
}

static enum mu_err tls_open(const struct transport *via, struct conn *c)
{
    conn_set(c, CONN_TLS);
    c->state = tls_accept(tls_of(via), c->io.fd);
    return c->state ? MU_OK : MU_E_NOMEM;
}

static bool tls_has_input(const struct conn *c)
{
    return SSL_pending(c->state) > 0;
}

static void tls_say_goodbye(struct conn *c)
{
    if (SSL_is_init_finished(c->state)) {
        ERR_clear_error();
        SSL_shutdown(c->state); /* if the socket is full the peer learns it from TCP alone */
    }
}

static void tls_close(struct conn *c)
{
    SSL_free(c->state);
}

const struct transport transport_tls = {
    .open = tls_open,
    .read = tls_read,
    .write = tls_write,
    .has_input = tls_has_input,
    .say_goodbye = tls_say_goodbye,
    .close = tls_close,
};
