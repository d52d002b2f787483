#include "net/conn_private.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/loop_private.h"

/* What moves a connection: its descriptor's events, and the loop's list of those to be looked at
 * again at the end of a round. epoll is level-triggered, so whatever stays ready without being dealt
 * with must not be asked for: conn_update_interest decides that in one place. */

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
    conn_flush(c);
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
        conn_discard_input(c);
    else if (!conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED | CONN_QUEUED))
        conn_read(c); /* a queued one first gets what was kept */
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
    if (c->in_len)
        conn_deliver_kept(c);
    /* Input inside a transport, or an end that it has seen already, is not announced by epoll. */
    if (c->via != &transport_plain && !conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED))
        conn_read(c);
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

void transport_ready(struct conn *c)
{
    conn_ready(&c->io, EPOLLIN);
}
