#include "net/conn_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

/* What is written goes to the kernel at once as far as it takes it. The rest is one run of bytes that
 * epoll empties: c->out from out_at on, out_len bytes. */

static void drop_output(struct conn *c)
{
    free(c->out);
    c->out = NULL;
    c->out_at = c->out_len = c->out_cap = 0;
}

static bool write_failed(struct conn *c, enum transport_status status)
{
    if (status == TRANSPORT_OK || status == TRANSPORT_AGAIN)
        return false;
    conn_finish(c, status == TRANSPORT_TLS_FAILED ? CONN_TLS_FAILED : CONN_PEER_CLOSED);
    return true;
}

void conn_flush(struct conn *c)
{
    size_t sent;

    if (!c->out_len)
        return;
    if (write_failed(c, transport_write(c, c->out + c->out_at, c->out_len, &sent)))
        return;
    c->out_at += (uint32_t)sent;
    c->out_len -= (uint32_t)sent;
    if (!c->out_len)
        drop_output(c);
}

static enum mu_err keep_output(struct conn *c, const uint8_t *bytes, size_t len)
{
    if (c->out_len + len > c->out_max) {
        conn_finish(c, CONN_OVERFLOW);
        return MU_E_LIMIT;
    }
    if (c->out_at + c->out_len + len > c->out_cap) {
        size_t need = c->out_len + len;
        size_t cap = c->out_len ? need * 2 : need; /* a single large answer is kept to size */
        cap = cap > c->out_max ? c->out_max : cap;
        uint8_t *out = malloc(cap);
        if (!out) {
            conn_finish(c, CONN_OVERFLOW);
            return MU_E_NOMEM;
        }
        if (c->out_len)
            memcpy(out, c->out + c->out_at, c->out_len);
        free(c->out);
        c->out = out;
        c->out_at = 0;
        c->out_cap = (uint32_t)cap;
    }
    memcpy(c->out + c->out_at + c->out_len, bytes, len);
    c->out_len += (uint32_t)len;
    conn_set(c, CONN_OWES_DRAIN);
    return MU_OK;
}

enum mu_err conn_write(struct conn *c, const void *bytes, size_t len)
{
    enum mu_err err = MU_OK;
    size_t sent = 0;

    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return MU_E_CLOSED;
    /* Behind unsent output, which epoll watches; but rather than give up, see whether it goes now. */
    if (c->out_len + len > c->out_max && !conn_has(c, CONN_CONNECTING))
        conn_flush(c);
    if (!conn_has(c, CONN_ENDED | CONN_CONNECTING) && !c->out_len)
        write_failed(c, transport_write(c, bytes, len, &sent));
    if (conn_has(c, CONN_ENDED))
        return MU_E_CLOSED;
    if (sent < len)
        err = keep_output(c, (const uint8_t *)bytes + sent, len - sent);
    conn_update_interest(c);
    return err;
}

enum mu_err conn_offer(struct conn *c, const void *bytes, size_t len, size_t *sent)
{
    *sent = 0;
    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return MU_E_CLOSED;
    if (!c->out_len && !conn_has(c, CONN_CONNECTING))
        write_failed(c, transport_write(c, bytes, len, sent));
    if (conn_has(c, CONN_ENDED))
        return MU_E_CLOSED;
    if (*sent < len)
        conn_set(c, CONN_OWES_DRAIN);
    conn_update_interest(c);
    return MU_OK;
}

size_t conn_untaken(const struct conn *c)
{
    int unacknowledged = 0;

    if (c->io.fd < 0 || ioctl(c->io.fd, SIOCOUTQ, &unacknowledged) != 0)
        unacknowledged = 0;
    return c->out_len + (size_t)unacknowledged;
}

size_t conn_unsent(const struct conn *c)
{
    return c->out_len;
}
