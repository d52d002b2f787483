/* The server's end of the command socket: a thread that accepts, and one for each client. */

#include "ops/local_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

/* A client that sends or takes nothing for so long counts as gone. */
#define CLIENT_TIMEOUT_S 10
/* Enough for operators who watch, and for a script that runs commands at the same time. */
#define CLIENTS_MAX 64
/* Without a descriptor for it, a client stays in the backlog, where poll sees it again at once. */
#define PAUSE_MS 1000

struct local_client {
    struct local_server *server;
    int fd;
    pthread_t thread;
    bool goes_on; /* its status has been sent */
    bool over;    /* its thread is ending; guarded by the server's lock */
    struct local_client *next;
};

struct local_server {
    int fd, stop_fd; /* stop_fd becomes readable when the server ends; all threads wait for it, too */
    pthread_t thread;
    local_run_fn run;
    void *ctx;
    char *path;
    pthread_mutex_t lock; /* guards `over` of the clients */
    struct local_client *clients;
    unsigned client_count;
};

/* --- a request ------------------------------------------------------------------------------------------ */

/* Splits "name\nlength\ninput" into its parts; false while something is missing. */
static bool split_request(const struct buf *in, struct local_request *out)
{
    const char *text = (const char *)in->data;
    const char *first = in->len ? memchr(text, '\n', in->len) : NULL;
    const char *second = first ? memchr(first + 1, '\n', in->len - (size_t)(first + 1 - text)) : NULL;
    int64_t length;

    if (!second || !str_int64((struct str){ first + 1, (size_t)(second - first - 1) }, &length) || length < 0)
        return false;
    out->name = (struct str){ text, (size_t)(first - text) };
    out->input = (struct str){ second + 1, in->len - (size_t)(second + 1 - text) };
    if (out->input.len < (size_t)length)
        return false;
    out->input.len = (size_t)length;
    return true;
}

static bool read_request(int fd, struct buf *in, struct local_request *out)
{
    while (!split_request(in, out))
        if (local_receive(fd, in) != LOCAL_READ)
            return false;
    return true;
}

static uid_t uid_of(int fd)
{
    struct ucred peer = { .uid = (uid_t)-1 };
    socklen_t size = sizeof(peer);

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer.uid;
}

static void send_answer(int fd, int status, const struct buf *answer)
{
    char head[16];

    snprintf(head, sizeof(head), "%d\n", status);
    if (local_send_all(fd, head, strlen(head)))
        local_send_all(fd, answer->data, answer->len);
}

static void serve_client(struct local_client *c)
{
    struct local_server *s = c->server;
    struct local_request request = { .client = c, .uid = uid_of(c->fd) };
    struct buf in, answer;

    buf_init(&in, LOCAL_INPUT_MAX);
    buf_init(&answer, LOCAL_ANSWER_MAX);
    if (read_request(c->fd, &in, &request)) {
        int status = s->run(s->ctx, &request, &answer);
        if (!c->goes_on)
            send_answer(c->fd, status, &answer);
    }
    buf_free(&in);
    buf_free(&answer);
}

/* --- a command that goes on ----------------------------------------------------------------------------- */

void local_go_on(struct local_client *c)
{
    assert(!c->goes_on);
    c->goes_on = true;
    local_send_all(c->fd, "0\n", 2);
}

/* Waits until the client is ready for `events`, or has left. A client sends nothing after its request, so POLLHUP
 * (both directions closed) means that it has left. false: it has left, or the server ends. */
static bool wait_for(struct local_client *c, short events, int ms, bool *ready)
{
    struct pollfd fds[] = { { .fd = c->fd, .events = events }, { .fd = c->server->stop_fd, .events = POLLIN } };
    int n = poll(fds, 2, ms);

    *ready = n > 0 && (fds[0].revents & events);
    return (n >= 0 || errno == EINTR) && !(n > 0 && (fds[1].revents || (fds[0].revents & (POLLHUP | POLLERR))));
}

bool local_rest(struct local_client *c, int ms)
{
    bool ready;
    return wait_for(c, 0, ms, &ready);
}

bool local_send(struct local_client *c, struct buf *answer)
{
    bool stays = true, ready;

    assert(c->goes_on);
    for (size_t sent = 0; stays && sent < answer->len;) {
        stays = wait_for(c, POLLOUT, -1, &ready);
        if (!stays || !ready)
            continue;
        ssize_t n = send(c->fd, answer->data + sent, answer->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else
            stays = n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    buf_clear(answer);
    return stays;
}

/* --- clients -------------------------------------------------------------------------------------------- */

static void *client_thread(void *arg)
{
    struct local_client *c = arg;

    serve_client(c);
    shutdown(c->fd, SHUT_RDWR); /* not close: the number could become another file's before reap uses it */
    pthread_mutex_lock(&c->server->lock);
    c->over = true;
    pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

/* Joins the threads of clients that are over, and frees the clients. all: the others, too; they get no further
 * input, and their commands are waited for. */
static void reap(struct local_server *s, bool all)
{
    for (struct local_client **at = &s->clients, *c; (c = *at);) {
        pthread_mutex_lock(&s->lock);
        bool over = c->over;
        pthread_mutex_unlock(&s->lock);
        if (!over && !all) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        if (!over)
            shutdown(c->fd, SHUT_RD);
        assert(s->client_count > 0);
        pthread_join(c->thread, NULL);
        close(c->fd);
        free(c);
        s->client_count--;
    }
}

static void refuse(int fd, const char *why)
{
    struct buf answer;

    buf_init(&answer, LOCAL_ANSWER_MAX);
    buf_append_str(&answer, why);
    send_answer(fd, 1, &answer);
    buf_free(&answer);
    close(fd);
}

static void welcome(struct local_server *s, int fd)
{
    const struct timeval patience = { .tv_sec = CLIENT_TIMEOUT_S };
    struct local_client *c = s->client_count < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (c) {
        *c = (struct local_client){ .server = s, .fd = fd, .next = s->clients };
        if (thread_start(&c->thread, "command", client_thread, c) == MU_OK) {
            s->clients = c;
            s->client_count++;
            return;
        }
        free(c);
    }
    refuse(fd, "too many commands are running in the server; try again\n");
}

static void *accept_thread(void *arg)
{
    struct local_server *s = arg;
    struct pollfd fds[] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->stop_fd, .events = POLLIN } };

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents)
            break;
        reap(s, false);
        int fd = fds[0].revents ? accept4(s->fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            welcome(s, fd);
        else if (fds[0].revents)
            poll(&fds[1], 1, PAUSE_MS);
    }
    reap(s, true);
    assert(!s->clients && s->client_count == 0);
    return NULL;
}

enum mu_err local_serve(struct local_server **out, const char *dir, local_run_fn run, void *ctx, char *why,
                        size_t why_size)
{
    struct sockaddr_un address;
    struct local_server *s = calloc(1, sizeof(*s));
    mode_t mask;

    *out = NULL;
    if (!s)
        return MU_E_NOMEM;
    *s = (struct local_server){ .fd = -1, .stop_fd = -1, .run = run, .ctx = ctx };
    pthread_mutex_init(&s->lock, NULL);
    if (!local_address(dir, &address)) {
        snprintf(why, why_size, "the path of %s is too long for a socket in it", dir);
        goto fail;
    }
    s->path = strdup(address.sun_path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); /* poll waits, not accept */
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (!s->path || s->fd < 0 || s->stop_fd < 0)
        goto fail_errno;
    /* We hold the directory's lock, so an existing socket belongs to a dead server. */
    unlink(s->path);
    mask = umask(0177);
    int bound = bind(s->fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (bound != 0 || listen(s->fd, CLIENTS_MAX) != 0 ||
        thread_start(&s->thread, "commands", accept_thread, s) != MU_OK)
        goto fail_errno;
    *out = s;
    return MU_OK;
fail_errno:
    snprintf(why, why_size, "cannot open the command socket in %s: %s", dir, strerror(errno));
fail:
    if (s->fd >= 0)
        close(s->fd);
    if (s->stop_fd >= 0)
        close(s->stop_fd);
    free(s->path);
    free(s);
    return MU_E_IO;
}

void local_stop(struct local_server *s)
{
    if (!s)
        return;
    uint64_t one = 1;
    if (write(s->stop_fd, &one, sizeof(one)) != sizeof(one))
        abort(); /* cannot happen: the eventfd is at 0 and takes one more */
    pthread_join(s->thread, NULL);
    unlink(s->path);
    close(s->fd);
    close(s->stop_fd);
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}
