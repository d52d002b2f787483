#include "net/conn_private.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_private.h"

/* How a connection ends. A TCP socket that is closed with unread input sends a reset, and a reset can destroy the
 * last answer on its way or in the peer's buffer (RFC 9112, 9.6). So an orderly close sends everything and then
 * ends its own half only. Input is dropped until the peer ends the other half, or the time is up. */

#define FAREWELL_MS 5000

struct conn_farewell {
    struct timer timer;
    struct conn *conn;
};

static void drop_input(struct conn *c)
{
    free(c->in);
    c->in = NULL;
}

static void drop_farewell(struct conn *c)
{
    timer_stop(&c->farewell->timer);
    free(c->farewell);
    c->farewell = NULL;
}

static void time_is_up(struct timer *t)
{
    struct conn_farewell *f = (struct conn_farewell *)t;
    conn_finish(f->conn, CONN_WE_CLOSED);
}

void conn_finish(struct conn *c, enum conn_end end)
{
    if (conn_has(c, CONN_ENDED))
        return;
    assert(loop_may_touch(conn_loop(c)));
    assert(!conn_has(c, CONN_CLOSING) || c->farewell);
    /* The owner is told why the close began, not what interrupted it. */
    if (!conn_has(c, CONN_CLOSING))
        c->end = (uint8_t)end;
    if (end == CONN_WE_CLOSED && !conn_has(c, CONN_LINGERING))
        transport_say_goodbye(c);
    conn_set(c, CONN_ENDED);
    if (conn_has(c, CONN_CLOSING))
        drop_farewell(c);
    else
        drop_input(c);
    transport_close(c);
    loop_fd_remove(conn_loop(c), &c->io);
    if (c->io.fd >= 0)
        close(c->io.fd);
    c->io.fd = -1;
    free(c->out);
    c->out = NULL;
    conn_queue(c);
}

void conn_closing_sent(struct conn *c)
{
    assert(conn_has(c, CONN_CLOSING) && !c->out);
    if (conn_has(c, CONN_EOF)) {
        conn_finish(c, CONN_WE_CLOSED);
        return;
    }
    conn_unset(c, CONN_OWES_DRAIN);
    conn_set(c, CONN_LINGERING);
    transport_say_goodbye(c);
    shutdown(c->io.fd, SHUT_WR);
}

void conn_begin_closing(struct conn *c, enum conn_end end)
{
    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return;
    struct conn_farewell *f = NULL;
    bool peer_is_waiting = !conn_has(c, CONN_EOF);
    if (c->out || peer_is_waiting)
        f = malloc(sizeof(*f));
    if (!f) {
        conn_finish(c, end);
        return;
    }
    *f = (struct conn_farewell){ .timer.fire = time_is_up, .conn = c };
    drop_input(c);
    c->farewell = f;
    c->end = (uint8_t)end;
    conn_set(c, CONN_CLOSING);
    timer_start(conn_loop(c), &f->timer, FAREWELL_MS);
    conn_queue(c); /* epoll does not report again what is left to read */
    if (!c->out && !conn_has(c, CONN_CONNECTING))
        conn_closing_sent(c);
    conn_update_interest(c);
}

void conn_close(struct conn *c)
{
    conn_finish(c, CONN_WE_CLOSED);
    if (!loop_is_current(conn_loop(c)))
        conn_report_ended(conn_loop(c));
}

void conn_abort(struct conn *c)
{
    if (c->io.fd >= 0)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
    conn_close(c);
}

void conn_close_when_sent(struct conn *c)
{
    conn_begin_closing(c, CONN_WE_CLOSED);
}
