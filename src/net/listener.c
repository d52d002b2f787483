#include "net/listener.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* Accepting more at once would delay the open connections. */
#define ACCEPT_BATCH 64
#define PAUSE_MS     1000

/* Descriptors that connections leave free for the rest of the program: a journal that cannot open its next file
 * keeps nothing. It opens at most 512 tables. */
#define SPARE_FDS 640

struct listener_socket {
    struct loop_fd io;
    struct timer resume;
    struct loop *loop;
    struct listener *listener;
};

struct listener {
    listener_accept accept;
    void *ctx;
    const struct transport *via;
    int fd_end; /* connections have descriptors below it */
    unsigned count;
    struct listener_socket socket[];
};

static struct listener_socket *socket_of_io(struct loop_fd *io)
{
    return (struct listener_socket *)((char *)io - offsetof(struct listener_socket, io));
}

static struct listener_socket *socket_of_timer(struct timer *t)
{
    return (struct listener_socket *)((char *)t - offsetof(struct listener_socket, resume));
}

static void resume(struct timer *t)
{
    struct listener_socket *s = socket_of_timer(t);
    loop_fd_want(s->loop, &s->io, EPOLLIN);
}

/* The connection stays in the backlog, so its event would come again at once. */
static void pause_accepting(struct listener_socket *s, int error)
{
    log_event(LOG_WARN, "accept_paused", "loop=%u reason=%s pause_ms=%d", loop_index(s->loop),
              LOG_Q(strerror(error), strlen(strerror(error))), PAUSE_MS);
    loop_fd_want(s->loop, &s->io, 0);
    timer_start(s->loop, &s->resume, PAUSE_MS);
}

static void accept_ready(struct loop_fd *io, uint32_t events)
{
    struct listener_socket *s = socket_of_io(io);
    struct listener *l = s->listener;
    (void)events;

    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= l->fd_end) { /* the kernel gives out the lowest one that is free */
            close(fd);
            pause_accepting(s, EMFILE);
            return;
        }
        if (fd >= 0) {
            l->accept(l->ctx, s->loop, fd, l->via, (const struct sockaddr *)&peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(s, errno);
        /* Any other error belongs to one connection, which is gone already. */
        if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO)
            return;
    }
}

static int open_socket(const struct net_address *address, bool shared)
{
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;

    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (address->sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (const struct sockaddr *)&address->sa, address->len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* With SO_REUSEPORT a second program of the same user would share the port unnoticed and get half of the
 * connections. So first a socket without it is bound: that fails while anybody listens. */
static bool is_free(const struct net_address *address)
{
    int fd = open_socket(address, false);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static enum mu_err add_socket(struct listener *l, struct loop *loop, struct net_address *address)
{
    struct listener_socket *s = &l->socket[l->count];
    int fd = open_socket(address, true);
    if (fd < 0)
        return MU_E_IO;

    *s = (struct listener_socket){
        .io = { .fd = fd, .ready = accept_ready },
        .resume = { .fire = resume },
        .loop = loop,
        .listener = l,
    };
    l->count++;
    /* If the port was 0, the first socket decides it for the others. */
    if (listen(fd, SOMAXCONN) != 0 || getsockname(fd, (struct sockaddr *)&address->sa, &address->len) != 0)
        return MU_E_IO;
    return loop_fd_add(loop, &s->io, EPOLLIN);
}

static int find_fd_end(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    rlim_t spare = limit.rlim_cur / 4;
    return (int)(limit.rlim_cur - (spare < SPARE_FDS ? spare : SPARE_FDS));
}

enum mu_err listener_open(struct listener **out, struct net_address *address, const struct listener_options *options,
                          char *why, size_t why_size)
{
    enum mu_err err = MU_E_IO;
    struct net_address bound = *address;
    struct listener *l = calloc(1, sizeof(*l) + options->loop_count * sizeof(l->socket[0]));

    *out = NULL;
    if (!l) {
        snprintf(why, why_size, "%s", mu_err_text(MU_E_NOMEM));
        return MU_E_NOMEM;
    }
    l->accept = options->accept;
    l->ctx = options->ctx;
    l->via = options->via;
    l->fd_end = find_fd_end();

    if (net_address_port(address) && !is_free(address))
        goto out;
    for (unsigned i = 0; i < options->loop_count; i++)
        if ((err = add_socket(l, options->loops[i], &bound)) != MU_OK)
            goto out;
    *address = bound;
    *out = l;
    return MU_OK;
out:
    if (why_size) {
        int error = errno;
        char text[NET_ADDRESS_TEXT];
        net_address_text(address, text);
        snprintf(why, why_size, "%s: %s", text, strerror(error));
    }
    listener_close(l);
    return err;
}

void listener_close(struct listener *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < l->count; i++) {
        struct listener_socket *s = &l->socket[i];
        timer_stop(&s->resume);
        loop_fd_remove(s->loop, &s->io);
        close(s->io.fd);
    }
    free(l);
}
