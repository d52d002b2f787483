#include "net/conn_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

/* The kernel is given what it takes at once. The rest is kept as one run of bytes, which goes out when epoll
 * reports room. */

static bool write_failed(struct conn *c, enum transport_status status)
{
    if (status == TRANSPORT_OK || status == TRANSPORT_AGAIN)
        return false;
    conn_finish(c, status == TRANSPORT_TLS_FAILED ? CONN_TLS_FAILED : CONN_PEER_CLOSED);
    return true;
}

void conn_flush(struct conn *c)
{
    struct conn_output *out = c->out;
    size_t sent;

    if (!out || write_failed(c, transport_write(c, out->bytes + out->at, out->len, &sent)))
        return;
    assert(sent <= out->len);
    out->at += (uint32_t)sent;
    out->len -= (uint32_t)sent;
    if (!out->len) {
        free(out);
        c->out = NULL;
    }
}

static enum mu_err keep_output(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t unsent = conn_unsent(c), need = unsent + len, max = c->owner->out_max;
    struct conn_output *out = c->out;

    if (need > max) {
        conn_finish(c, CONN_OVERFLOW);
        return MU_E_LIMIT;
    }
    if (!out || out->at + need > out->cap) {
        size_t cap = unsent ? need * 2 : need; /* a single large answer is kept to size */
        cap = cap > max ? max : cap;
        if (!(out = malloc(sizeof(*out) + cap))) {
            conn_finish(c, CONN_OVERFLOW);
            return MU_E_NOMEM;
        }
        *out = (struct conn_output){ .len = (uint32_t)unsent, .cap = (uint32_t)cap };
        if (unsent)
            memcpy(out->bytes, c->out->bytes + c->out->at, unsent);
        free(c->out);
        c->out = out;
    }
    assert(out->at + out->len + len <= out->cap);
    memcpy(out->bytes + out->at + out->len, bytes, len);
    out->len += (uint32_t)len;
    conn_set(c, CONN_OWES_DRAIN);
    return MU_OK;
}

enum mu_err conn_write(struct conn *c, const void *bytes, size_t len)
{
    enum mu_err err = MU_OK;
    size_t sent = 0;

    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return MU_E_CLOSED;
    /* There is unsent output, which epoll watches. Before the cap ends the connection, try to send it now. */
    if (conn_unsent(c) + len > c->owner->out_max && !conn_has(c, CONN_CONNECTING))
        conn_flush(c);
    if (!conn_has(c, CONN_ENDED | CONN_CONNECTING) && !c->out)
        write_failed(c, transport_write(c, bytes, len, &sent));
    if (conn_has(c, CONN_ENDED))
        return MU_E_CLOSED;
    assert(sent <= len);
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
    if (!c->out && !conn_has(c, CONN_CONNECTING))
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
    return conn_unsent(c) + (size_t)unacknowledged;
}

size_t conn_unsent(const struct conn *c)
{
    return c->out ? c->out->len : 0;
}
