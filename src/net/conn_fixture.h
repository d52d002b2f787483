#ifndef MUSTER_NET_CONN_FIXTURE_H
#define MUSTER_NET_CONN_FIXTURE_H

#include "net/net_owner.h"
#include "net/net_testing.h"

/* For the tests of connections: one on a loop with its owner, and the peer's blocking socket. */

enum { IN_MAX = 1000, OUT_MAX = 64 * 1024 };

struct conn_fixture {
    struct loop *loop;
    struct owner *o;
    int peer; /* -1 = closed */
};

int conn_set_up(void **state);
int conn_tear_down(void **state); /* the connection must have ended, or end with its loop */

void open_conn(struct conn_fixture *f, uint32_t in_max, uint32_t out_max);
void peer_closes(struct conn_fixture *f);
void peer_resets(struct conn_fixture *f); /* closes with a reset instead of an orderly end */
/* Not below 32 KiB, the loopback's segment: a smaller window is filled only once per probe timer. */
void shrink_buffers(struct conn_fixture *f);

#endif
