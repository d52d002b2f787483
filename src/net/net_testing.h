#ifndef MUSTER_NET_TESTING_H
#define MUSTER_NET_TESTING_H

#include "base/buf.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"

/* What the tests of net/ share: loops with threads, and an owner that records what a connection tells
 * it. Waiting is for events, without a limit of its own; a test that hangs is ended by its runner. */

struct loop *testing_loop(void);              /* running */
void testing_loop_end(struct loop *loop);     /* stopped, joined, destroyed */
/* Fails if the loop, which has nothing to do, goes round nevertheless. */
void testing_assert_sleeps(struct loop *loop);
/* Runs fn on the loop's thread and comes back when it has returned. */
void on_loop(struct loop *loop, void (*fn)(void *arg), void *arg);

/* A connected pair of loopback TCP sockets; *client is blocking, *server not. */
void testing_tcp_pair(int *client, int *server);
uint16_t testing_listen(int *fd); /* a listening socket on a free port of 127.0.0.1 */
int testing_connect(uint16_t port);
/* Reads exactly len bytes, or fewer if the end comes before; -1 on a reset. */
ssize_t testing_read(int fd, void *bytes, size_t len);
void testing_send(int fd, const void *bytes, size_t len);

/* A connection's owner. Its fields are the loop's while it runs, under the tests' lock: read them
 * after owner_wait_*, in on_loop, or by owner_counter. */
struct owner {
    struct conn c; /* first: conn.h */
    struct loop *loop;
    /* Told of data and drained; NULL takes everything into got. */
    size_t (*on_data)(struct owner *o, const uint8_t *bytes, size_t len);
    void (*on_drained)(struct owner *o);
    void *ctx;
    struct buf got;
    unsigned data_calls, drained_calls, closed_calls;
    enum conn_end end;
    bool inside;      /* one of its calls runs */
    bool told_inside; /* closed() came from within another call: never allowed */
};

struct owner *owner_new(struct loop *loop); /* freed by owner_free, after closed() */
void owner_free(struct owner *o);
enum mu_err owner_open(struct owner *o, int fd, struct tls_context *tls, uint32_t in_max,
                       uint32_t out_max);
extern const struct conn_ops owner_ops;

size_t owner_take(struct owner *o, const uint8_t *bytes, size_t len); /* into got; returns len */
void owner_wait_got(struct owner *o, size_t len);
void owner_wait_drained(struct owner *o, unsigned calls);
void owner_wait_closed(struct owner *o);
/* Waits until *counter, which a callback increases, is at least value. */
void owner_wait_counter(const unsigned *counter, unsigned value);
unsigned owner_counter(const unsigned *counter);

#endif
