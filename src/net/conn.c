#include "net/conn_private.h"

#include <assert.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/loop_private.h"

/* What drives a connection: the events of its descriptor, and the loop's list of connections to look at again
 * at the end of a round. epoll is edge-triggered: it reports input once. So a pause costs nothing, and a request
 * needs no system call but its read and its write. Code that leaves input unread (conn_read, conn_resume,
 * conn_begin_closing) puts the connection into that list. EPOLLOUT is requested only while output waits. */

void conn_update_interest(struct conn *c)
{
    bool writing = conn_has(c, CONN_CONNECTING | CONN_OWES_DRAIN) && !conn_has(c, TLS_WRITE_WANTS_READ);

    if (!conn_has(c, CONN_ENDED))
        loop_fd_want(conn_loop(c), &c->io,
                     writing || conn_has(c, TLS_READ_WANTS_WRITE) ? CONN_EVENTS | EPOLLOUT : CONN_EVENTS);
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
    if (conn_has(c, CONN_ENDED) || c->out || !conn_has(c, CONN_OWES_DRAIN))
        return;
    conn_unset(c, CONN_OWES_DRAIN);
    if (conn_has(c, CONN_CLOSING))
        conn_closing_sent(c);
    else if (c->owner->ops.drained)
        c->owner->ops.drained(c);
}

void conn_ready(struct loop_fd *io, uint32_t events)
{
    struct conn *c = (struct conn *)io;
    bool dead = events & (EPOLLERR | EPOLLHUP);

    if (dead || events & EPOLLRDHUP)
        conn_set(c, CONN_END_WAITS);
    if (conn_has(c, CONN_CONNECTING) && !connected(c)) {
        conn_finish(c, CONN_PEER_CLOSED);
        return;
    }
    /* The peer is gone, but its last input is still here: read it before a failed write ends the connection. */
    if (!dead || conn_has(c, CONN_CLOSING))
        write_ready(c);
    if (conn_has(c, CONN_CLOSING) && !conn_has(c, CONN_ENDED | CONN_EOF))
        conn_discard_input(c);
    else if (!conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED | CONN_QUEUED))
        conn_read(c); /* a queued connection is read at the end of the round */
    else if (dead && conn_has(c, CONN_OWES_DRAIN) && conn_has(c, CONN_PAUSED) &&
             !conn_has(c, CONN_ENDED | CONN_CLOSING))
        conn_finish(c, CONN_PEER_CLOSED);
    conn_update_interest(c);
}

void conn_queue(struct conn *c)
{
    assert(loop_may_touch(conn_loop(c)));
    if (conn_has(c, CONN_QUEUED))
        return;
    conn_set(c, CONN_QUEUED);
    c->next_pending = conn_loop(c)->pending;
    conn_loop(c)->pending = c;
}

static void go_on(struct conn *c)
{
    if (conn_has(c, CONN_CONNECTING | CONN_EOF))
        return;
    if (conn_has(c, CONN_CLOSING))
        conn_discard_input(c);
    else if (!conn_has(c, CONN_PAUSED))
        conn_read(c);
    conn_update_interest(c);
}

static struct conn *next_pending(struct conn **list)
{
    struct conn *c = *list;
    if (c) {
        assert(conn_has(c, CONN_QUEUED));
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
            c->owner->ops.closed(c, c->end);
        else
            go_on(c);
    }
}

void conn_report_ended(struct loop *loop)
{
    struct conn *c;

    while ((c = next_pending(&loop->pending)))
        if (conn_has(c, CONN_ENDED))
            c->owner->ops.closed(c, c->end);
}

void conn_pause(struct conn *c)
{
    conn_set(c, CONN_PAUSED);
}

void conn_resume(struct conn *c)
{
    if (conn_has(c, CONN_ENDED | CONN_CLOSING) || !conn_has(c, CONN_PAUSED))
        return;
    conn_unset(c, CONN_PAUSED);
    conn_set(c, CONN_RESUMED);
    conn_queue(c);
}

void transport_ready(struct conn *c)
{
    conn_ready(&c->io, EPOLLIN);
}
