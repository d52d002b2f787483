#include "net/conn_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/loop_private.h"

/* Reading goes into the loop's buffer, behind the rest that the owner has left of earlier input; what
 * it leaves this time is copied out into an allocation of just that size. So only a connection in
 * the middle of a message holds memory, and the bytes that the owner looks at stay where they are
 * even if it closes the connection meanwhile.
 *
 * epoll is level-triggered and one event leads to one read, so that no connection starves others. */

#define READ_SIZE (64 * 1024)
#define READ_LEAST (16 * 1024) /* room that is made behind a rest */

/* ---- output ---------------------------------------------------------------------------------*/

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

static void flush(struct conn *c)
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
        flush(c);
    if (!conn_has(c, CONN_ENDED | CONN_CONNECTING) && !c->out_len)
        write_failed(c, transport_write(c, bytes, len, &sent));
    if (conn_has(c, CONN_ENDED))
        return MU_E_CLOSED;
    if (sent < len)
        err = keep_output(c, (const uint8_t *)bytes + sent, len - sent);
    conn_update_interest(c);
    return err;
}

size_t conn_unsent(const struct conn *c)
{
    return c->out_len;
}

/* ---- input ----------------------------------------------------------------------------------*/

static void keep_input(struct conn *c, const uint8_t *rest, size_t len)
{
    if (len > c->in_max && !conn_has(c, CONN_PAUSED)) {
        conn_finish(c, CONN_OVERFLOW);
        return;
    }
    if (len == 0) {
        free(c->in);
        c->in = NULL;
    } else if (len != c->in_len) {
        uint8_t *in = realloc(c->in, len);
        if (!in) {
            conn_finish(c, CONN_OVERFLOW);
            return;
        }
        c->in = in;
    }
    if (len)
        memcpy(c->in, rest, len);
    c->in_len = (uint32_t)len;
}

static void deliver(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t used = c->ops->data(c, bytes, len);
    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return;
    assert(used <= len);
    keep_input(c, bytes + used, len - used);
}

/* The loop's buffer with the kept rest in front, and the room behind it. */
static uint8_t *prepare_input(struct conn *c, size_t *room)
{
    size_t size = c->in_len + READ_LEAST > READ_SIZE ? c->in_len + READ_LEAST : READ_SIZE;
    size_t most = (size_t)c->in_max + 1;

    if (size > most)
        size = most > c->in_len ? most : (size_t)c->in_len + 1;
    uint8_t *input = loop_input(c->loop, size);
    if (!input) {
        conn_finish(c, CONN_OVERFLOW);
        return NULL;
    }
    if (c->in_len)
        memcpy(input, c->in, c->in_len);
    *room = size - c->in_len;
    return input;
}

static void input_ended(struct conn *c, enum transport_status status)
{
    if (status == TRANSPORT_EOF) {
        conn_set(c, CONN_EOF);
        conn_begin_closing(c, CONN_PEER_CLOSED);
    } else {
        conn_finish(c, status == TRANSPORT_TLS_FAILED ? CONN_TLS_FAILED : CONN_PEER_CLOSED);
    }
}

static void read_input(struct conn *c)
{
    size_t room, len;
    uint8_t *input = prepare_input(c, &room);
    if (!input)
        return;

    enum transport_status status = transport_read(c, input + c->in_len, room, &len);
    if (len)
        deliver(c, input, c->in_len + len);
    /* Paused in front of the end: reading says it again when the owner goes on. */
    if (conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED))
        return;
    if (status != TRANSPORT_OK && status != TRANSPORT_AGAIN)
        input_ended(c, status);
    else if (transport_has_input(c))
        conn_queue(c);
}

static void discard_input(struct conn *c)
{
    size_t len;
    uint8_t *input = loop_input(c->loop, READ_SIZE);
    enum transport_status status = TRANSPORT_RESET;

    if (input)
        status = transport_read(c, input, READ_SIZE, &len);
    if (status == TRANSPORT_OK || status == TRANSPORT_AGAIN)
        return;
    if (status != TRANSPORT_EOF || conn_has(c, CONN_LINGERING))
        conn_finish(c, CONN_WE_CLOSED);
    else
        conn_set(c, CONN_EOF);
}

/* ---- events ---------------------------------------------------------------------------------*/

void conn_update_interest(struct conn *c)
{
    uint32_t events = 0;

    if (conn_has(c, CONN_ENDED | CONN_DETACHED))
        return;
    bool reading = !conn_has(c, CONN_CONNECTING | CONN_EOF) &&
                   (!conn_has(c, CONN_PAUSED) || conn_has(c, CONN_CLOSING));
    bool writing = conn_has(c, CONN_CONNECTING | CONN_OWES_DRAIN);
    if (reading || (writing && conn_has(c, TLS_WRITE_WANTS_READ)))
        events |= EPOLLIN;
    if ((writing && !conn_has(c, TLS_WRITE_WANTS_READ)) ||
        (reading && conn_has(c, TLS_READ_WANTS_WRITE)))
        events |= EPOLLOUT;
    loop_fd_want(c->loop, &c->io, events);
}

static bool connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error)
        return false;
    conn_unset(c, CONN_CONNECTING);
    conn_set(c, CONN_OWES_DRAIN);
    return true;
}

static void write_ready(struct conn *c)
{
    flush(c);
    if (conn_has(c, CONN_ENDED) || c->out_len || !conn_has(c, CONN_OWES_DRAIN))
        return;
    conn_unset(c, CONN_OWES_DRAIN);
    if (conn_has(c, CONN_CLOSING))
        conn_closing_sent(c);
    else if (c->ops->drained)
        c->ops->drained(c);
}

/* A dead connection whose owner does not want input now: epoll would report it again and again. */
static void detach(struct conn *c)
{
    if (c->out_len) {
        conn_finish(c, CONN_PEER_CLOSED);
        return;
    }
    loop_fd_remove(c->loop, &c->io);
    conn_set(c, CONN_DETACHED);
}

void conn_ready(struct loop_fd *io, uint32_t events)
{
    struct conn *c = (struct conn *)io;
    bool dead = events & (EPOLLERR | EPOLLHUP);

    if (conn_has(c, CONN_CONNECTING) && !connected(c)) {
        conn_finish(c, CONN_PEER_CLOSED);
        return;
    }
    /* What a dead connection has left to read is read before a failing write ends it. */
    if (!dead || conn_has(c, CONN_CLOSING))
        write_ready(c);
    if (conn_has(c, CONN_CLOSING) && !conn_has(c, CONN_ENDED | CONN_EOF))
        discard_input(c);
    else if (!conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED | CONN_QUEUED))
        read_input(c); /* a queued one first gets what was kept */
    else if (dead && conn_has(c, CONN_PAUSED) && !conn_has(c, CONN_ENDED | CONN_CLOSING))
        detach(c);
    conn_update_interest(c);
}

void conn_queue(struct conn *c)
{
    if (conn_has(c, CONN_QUEUED))
        return;
    conn_set(c, CONN_QUEUED);
    c->next_pending = c->loop->pending;
    c->loop->pending = c;
}

static void go_on(struct conn *c)
{
    if (conn_has(c, CONN_CLOSING | CONN_PAUSED))
        return;
    if (c->in_len) {
        size_t room;
        uint8_t *input = prepare_input(c, &room);
        if (input)
            deliver(c, input, c->in_len);
    }
    /* Input inside TLS, or an end that it has seen already, is not announced by epoll. */
    if (c->tls && !conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED))
        read_input(c);
    conn_update_interest(c);
}

static struct conn *next_pending(struct conn **list)
{
    struct conn *c = *list;
    if (c) {
        *list = c->next_pending;
        conn_unset(c, CONN_QUEUED);
    }
    return c;
}

void conn_run_pending(struct loop *loop)
{
    struct conn *list = loop->pending, *c;

    loop->pending = NULL;
    while ((c = next_pending(&list))) {
        if (conn_has(c, CONN_ENDED))
            c->ops->closed(c, c->end);
        else
            go_on(c);
    }
}

void conn_report_ended(struct loop *loop)
{
    struct conn *c;

    while ((c = next_pending(&loop->pending)))
        if (conn_has(c, CONN_ENDED))
            c->ops->closed(c, c->end);
}

void conn_pause(struct conn *c)
{
    conn_set(c, CONN_PAUSED);
    conn_update_interest(c);
}

void conn_resume(struct conn *c)
{
    if (conn_has(c, CONN_ENDED | CONN_CLOSING) || !conn_has(c, CONN_PAUSED))
        return;
    conn_unset(c, CONN_PAUSED);
    if (conn_has(c, CONN_DETACHED)) {
        conn_unset(c, CONN_DETACHED);
        if (loop_fd_add(c->loop, &c->io, EPOLLIN) != MU_OK) {
            conn_finish(c, CONN_PEER_CLOSED);
            return;
        }
    }
    conn_queue(c);
    conn_update_interest(c);
}
