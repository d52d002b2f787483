#ifndef MUSTER_NET_NET_OWNER_H
#define MUSTER_NET_NET_OWNER_H

#include "base/buf.h"
#include "net/conn.h"

/* For tests: an owner that records what its connection tells it. */

/* A connection's owner. Its fields are the loop's while it runs, under the tests' lock: read them
 * after owner_wait_*, in on_loop, or by owner_counter. */
struct owner {
    struct conn c; /* first: conn.h */
    struct conn_owner shared;
    struct loop *loop;
    /* Told of data and drained; NULL takes everything into got. */
    size_t (*on_data)(struct owner *o, const uint8_t *bytes, size_t len);
    void (*on_drained)(struct owner *o);
    void *ctx;
    struct buf got;
    unsigned data_calls, drained_calls, closed_calls;
    enum conn_end end;
    bool holds_buffers;
    bool inside;      /* one of its calls runs */
    bool told_inside; /* closed() came from within another call: never allowed */
};

struct owner *owner_new(struct loop *loop); /* freed by owner_free, after closed() */
void owner_free(struct owner *o);
enum mu_err owner_open(struct owner *o, int fd, const struct transport *via, uint32_t in_max, uint32_t out_max);

size_t owner_take(struct owner *o, const uint8_t *bytes, size_t len); /* into got; returns len */
void owner_wait_got(struct owner *o, size_t len);
void owner_wait_drained(struct owner *o, unsigned calls);
void owner_wait_closed(struct owner *o);
void owner_end(struct owner *o); /* closes, and expects to be told so */
/* Waits until *counter, which a callback increases, is at least value. */
void owner_wait_counter(const unsigned *counter, unsigned value);
unsigned owner_counter(const unsigned *counter);

/* For on_loop; arg is the owner. */
void owner_close_now(void *arg);
void owner_pause_now(void *arg);
void owner_resume_now(void *arg);
void owner_look_for_buffers(void *arg); /* sets holds_buffers */

struct owner_writing {
    struct owner *o;
    const uint8_t *bytes;
    size_t len;
    size_t chunk;  /* of each conn_write; 0 = all at once */
    bool close;    /* conn_close_when_sent behind it */
    size_t unsent; /* out, as the error of the last write */
    enum mu_err err;
};
void owner_write_now(void *writing);

#endif
