#include "peer.h"

#include <netinet/in.h>

#include "net/conn_private.h"
#include "net/loop_private.h"

/* A peer that sends a fuzzed input to a real connection. */

enum { TURNS_MAX = 10000 }; /* more rounds mean that the loop runs in a circle */

/* One connection. */
struct talk {
    const struct peer *peer;
    struct conn *conn; /* NULL: it is over */
    const uint8_t *bytes;
    size_t at, until; /* how much the server has taken, and may take */
    bool ends, ended;
    struct fuzz_split split;
    size_t room; /* for what the server says; there is more in the next round */
    bool full;   /* that was not enough */
    struct buf *heard;
    struct mail mail;
};

/* --- the transport -----------------------------------------------------------------------------------*/
static struct talk *opening;

static enum mu_err peer_open(const struct transport *via, struct conn *conn)
{
    (void)via;
    opening->conn = conn;
    conn->state = opening;
    return MU_OK;
}

static enum transport_status peer_read(struct conn *conn, uint8_t *bytes, size_t size, size_t *len)
{
    struct talk *t = conn->state;
    size_t left = t->until - t->at;

    if (left == 0 && t->ends) {
        t->ended = true;
        return TRANSPORT_EOF;
    }
    if (left == 0)
        return TRANSPORT_AGAIN;
    *len = left < size ? left : size;
    memcpy(bytes, t->bytes + t->at, *len);
    t->at += *len;
    return TRANSPORT_OK;
}

static enum transport_status peer_write(struct conn *conn, const uint8_t *bytes, size_t len, size_t *sent)
{
    struct talk *t = conn->state;

    *sent = len < t->room ? len : t->room;
    buf_append(t->heard, bytes, *sent);
    t->room -= *sent;
    t->full = *sent < len;
    return t->full ? TRANSPORT_AGAIN : TRANSPORT_OK;
}

static bool peer_has_input(const struct conn *conn)
{
    const struct talk *t = conn->state;

    return t && (t->at < t->until || (t->ends && !t->ended));
}

static void peer_close(struct conn *conn)
{
    struct talk *t = conn->state;

    t->conn = NULL;
}

static const struct transport peer_transport = {
    .open = peer_open,
    .read = peer_read,
    .write = peer_write,
    .has_input = peer_has_input,
    .close = peer_close,
};

/* --- what the peer does, in the loop's rounds ----------------------------------------------------------*/
static void connect_it(struct mail *m, struct loop *loop)
{
    static const struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f };
    struct talk *t = (struct talk *)((char *)m - offsetof(struct talk, mail));

    opening = t;
    t->peer->accept(t->peer->server, loop, -1, &peer_transport, (const struct sockaddr *)&here);
    CHECK(t->conn);
}

static void go_on(struct mail *m, struct loop *loop)
{
    struct talk *t = (struct talk *)((char *)m - offsetof(struct talk, mail));

    (void)loop;
    if (t->conn)
        conn_ready(&t->conn->io, t->full ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void run_until_idle(struct loop *loop)
{
    unsigned turns = 0;

    while (loop_turn(loop))
        CHECK(++turns < TURNS_MAX);
}

/* Has the loop do this, and all that follows from it: the peer reads on until the server has said all. */
static void deliver(struct talk *t, void (*what)(struct mail *m, struct loop *loop))
{
    unsigned rounds = 0;

    do { /* each takes more, so that the end of a large answer comes */
        t->room = SIZE_MAX;
        if (t->peer->narrow)
            t->room = fuzz_next_part(&t->split, SIZE_MAX >> 32) << (rounds < 30 ? rounds++ : 30);
        t->mail = (struct mail){ .deliver = what };
        loop_post(t->peer->loop, &t->mail);
        run_until_idle(t->peer->loop);
        what = go_on;
    } while (t->conn && t->full);
}

/* Until nothing of it is left to do. */
static void work(struct talk *t)
{
    while (t->peer->go_on && t->peer->go_on())
        deliver(t, go_on);
}

void peer_talk(const struct peer *peer, const uint8_t *bytes, size_t len, struct fuzz_split split, struct buf *heard)
{
    struct talk t = { .peer = peer, .bytes = bytes, .heard = heard, .split = split };

    deliver(&t, connect_it);
    while (t.until < len && t.conn) {
        t.until += fuzz_next_part(&t.split, len - t.until);
        deliver(&t, go_on);
    }
    work(&t);
    t.ends = true;
    deliver(&t, go_on);
    work(&t);
    CHECK(!t.conn);
}
