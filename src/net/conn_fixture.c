#include "net/conn_fixture.h"
#include "base/unit_test.h"

#include <stdlib.h>

#include <sys/socket.h>
#include <unistd.h>

/* A connection on a loop with its owner, and the peer's socket, for the tests of connections. */

int conn_set_up(void **state)
{
    struct conn_fixture *f = calloc(1, sizeof(*f));
    f->loop = testing_loop();
    f->o = owner_new(f->loop);
    f->peer = -1;
    *state = f;
    return 0;
}

int conn_tear_down(void **state)
{
    struct conn_fixture *f = *state;
    testing_loop_end(f->loop);
    owner_free(f->o);
    if (f->peer >= 0)
        close(f->peer);
    free(f);
    return 0;
}

void open_conn(struct conn_fixture *f, uint32_t in_max, uint32_t out_max)
{
    int fd;
    testing_tcp_pair(&f->peer, &fd);
    assert_int_equal(owner_open(f->o, fd, NULL, in_max, out_max), MU_OK);
}

void peer_closes(struct conn_fixture *f)
{
    close(f->peer);
    f->peer = -1;
}

void peer_resets(struct conn_fixture *f)
{
    struct linger at_once = { .l_onoff = 1 };
    setsockopt(f->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    peer_closes(f);
}

void shrink_buffers(struct conn_fixture *f)
{
    int size = 64 * 1024;
    setsockopt(f->peer, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(f->o->c.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}
