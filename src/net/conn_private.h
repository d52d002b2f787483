#ifndef MUSTER_NET_CONN_PRIVATE_H
#define MUSTER_NET_CONN_PRIVATE_H

#include <sys/epoll.h>

#include "net/conn.h"

/* What the files of a connection share: conn.c (events), conn_open.c, conn_read.c, conn_write.c,
 * conn_close.c. Private to net/. */

enum conn_flag {
    CONN_PAUSED = 1 << 0,
    CONN_CONNECTING = 1 << 1,
    CONN_CLOSING = 1 << 2,    /* the owner gets no more data; unsent output still goes */
    CONN_LINGERING = 1 << 3,  /* all output has gone; waiting for the peer to close */
    CONN_ENDED = 1 << 4,      /* descriptor closed; closed() is due */
    CONN_QUEUED = 1 << 5,     /* in loop->pending */
    CONN_OWES_DRAIN = 1 << 6, /* output was kept: drained() is due when it has gone */
    CONN_END_WAITS = 1 << 7,  /* epoll reported the end; input before it is left to read */
    CONN_EOF = 1 << 8,        /* the peer sends no more */
    CONN_TLS = 1 << 9,
    TLS_READ_WANTS_WRITE = 1 << 10,
    TLS_WRITE_WANTS_READ = 1 << 11,
    CONN_RESUMED = 1 << 12, /* what was kept is to be delivered, even if nothing more has come */
};

/* Input that the owner has not used yet. */
struct conn_input {
    uint32_t len;
    uint8_t bytes[];
};

/* Output that the kernel has not taken yet: len bytes, from `at` on; len is above 0. */
struct conn_output {
    uint32_t at, len, cap;
    uint8_t bytes[];
};

static inline struct loop *conn_loop(const struct conn *c)
{
    return c->owner->loop;
}

static inline bool conn_has(const struct conn *c, unsigned flags)
{
    return (c->flags & flags) != 0;
}

static inline void conn_set(struct conn *c, unsigned flag)
{
    c->flags = (uint16_t)(c->flags | flag);
}

static inline void conn_unset(struct conn *c, unsigned flag)
{
    c->flags = (uint16_t)(c->flags & ~flag);
}

/* The events that every connection waits for. */
#define CONN_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

void conn_ready(struct loop_fd *io, uint32_t events);

/* Looks at the connection again after this round's mail. */
void conn_queue(struct conn *c);

/* Asks epoll for what the connection's state wants. */
void conn_update_interest(struct conn *c);

/* Reads once and gives the owner what has come, behind what was kept. */
void conn_read(struct conn *c);
/* Reads once and drops it; queues the connection if more may wait. */
void conn_discard_input(struct conn *c);

/* Gives the kernel what it takes of the unsent output. */
void conn_flush(struct conn *c);

/* Closes and releases everything; closed() will be called. Does nothing the second time. */
void conn_finish(struct conn *c, enum conn_end end);

/* Delivers no more, sends what is unsent, then ends. */
void conn_begin_closing(struct conn *c, enum conn_end end);
/* The next step of closing, when everything has been sent. */
void conn_closing_sent(struct conn *c);

static inline enum transport_status transport_read(struct conn *c, uint8_t *bytes, size_t size, size_t *len)
{
    *len = 0;
    return c->via->read(c, bytes, size, len);
}

static inline enum transport_status transport_write(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent)
{
    *sent = 0;
    return c->via->write(c, bytes, len, sent);
}

static inline bool transport_has_input(const struct conn *c)
{
    return c->via->has_input && c->via->has_input(c);
}

static inline void transport_say_goodbye(struct conn *c)
{
    if (c->via->say_goodbye)
        c->via->say_goodbye(c);
}

static inline void transport_close(struct conn *c)
{
    if (c->via->close && c->state)
        c->via->close(c);
    c->state = NULL;
}

#endif
