#ifndef MUSTER_NET_NET_TESTING_H
#define MUSTER_NET_NET_TESTING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/loop.h"

/* What the tests of net/ share: loops with threads, and sockets to talk to them. Waiting is for
 * events, without a limit of its own; a test that hangs is ended by its runner. */

struct loop *testing_loop(void);          /* running */
void testing_loop_end(struct loop *loop); /* stopped, joined, destroyed */
/* Fails if the loop, which has nothing to do, goes round nevertheless. */
void testing_assert_sleeps(struct loop *loop);
/* Runs fn on the loop's thread and comes back when it has returned. */
void on_loop(struct loop *loop, void (*fn)(void *arg), void *arg);
void testing_nothing(void *arg); /* for on_loop: lets a round pass */

/* A connected pair of loopback TCP sockets; *client is blocking, *server not. */
void testing_tcp_pair(int *client, int *server);
uint16_t testing_listen(int *fd); /* a listening socket on a free port of 127.0.0.1 */
int testing_connect(uint16_t port);
/* Reads exactly len bytes, or fewer if the end comes before; -1 on a reset. */
ssize_t testing_read(int fd, void *bytes, size_t len);
void testing_send(int fd, const void *bytes, size_t len);

/* Bytes in which one that is lost, doubled or moved shows; free it. */
uint8_t *testing_pattern(size_t len);

#endif
