#include "ops/local.h"

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
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/data_dir.h"

/* A client that sends nothing for so long has hung up; the next one is waiting. */
#define CLIENT_TIMEOUT_S 10

struct local_server {
    int fd, stop_fd;
    pthread_t thread;
    local_run_fn run;
    void *ctx;
    char *path;
};

static bool address_of(const char *dir, struct sockaddr_un *out)
{
    char *path = data_dir_socket_path(dir);
    bool fits = path && strlen(path) < sizeof(out->sun_path);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (fits)
        strcpy(out->sun_path, path);
    free(path);
    return fits;
}

static bool send_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Reads until the peer has no more to say, or `enough` says that what is there suffices. */
static bool receive(int fd, struct buf *in, bool (*enough)(const struct buf *in))
{
    for (;;) {
        if (enough && enough(in))
            return true;
        uint8_t *at = buf_reserve(in, 65536);
        if (!at)
            return false;
        ssize_t n = recv(fd, at, 65536, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            return enough == NULL;
        in->len += (size_t)n;
    }
}

/* "name\nlength\ninput": its three parts, false while something is missing. */
static bool split_request(const struct buf *in, struct str *name, struct str *input)
{
    const char *text = (const char *)in->data;
    const char *first = in->len ? memchr(text, '\n', in->len) : NULL;
    const char *second = first ? memchr(first + 1, '\n', in->len - (size_t)(first + 1 - text)) : NULL;
    int64_t length;

    if (!second || !str_int64((struct str){ first + 1, (size_t)(second - first - 1) }, &length) || length < 0)
        return false;
    *name = (struct str){ text, (size_t)(first - text) };
    *input = (struct str){ second + 1, in->len - (size_t)(second + 1 - text) };
    if (input->len < (size_t)length)
        return false;
    input->len = (size_t)length;
    return true;
}

static bool request_complete(const struct buf *in)
{
    struct str name, input;
    return split_request(in, &name, &input);
}

static uid_t uid_of(int fd)
{
    struct ucred peer = { .uid = (uid_t)-1 };
    socklen_t size = sizeof(peer);

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer.uid;
}

static void serve_client(struct local_server *s, int fd)
{
    struct buf in, answer;
    struct str name, input;
    int status = 2;

    buf_init(&in, LOCAL_INPUT_MAX);
    buf_init(&answer, LOCAL_ANSWER_MAX);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = CLIENT_TIMEOUT_S }, sizeof(struct timeval));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_sec = CLIENT_TIMEOUT_S }, sizeof(struct timeval));
    if (receive(fd, &in, request_complete) && split_request(&in, &name, &input)) {
        status = s->run(s->ctx, name, uid_of(fd), input, &answer);
        char head[16];
        snprintf(head, sizeof(head), "%d\n", status);
        if (send_all(fd, head, strlen(head)))
            send_all(fd, answer.data, answer.len);
    }
    buf_free(&in);
    buf_free(&answer);
    close(fd);
}

static void *serve_thread(void *arg)
{
    struct local_server *s = arg;
    struct pollfd fds[] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->stop_fd, .events = POLLIN } };

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents)
            break;
        int fd = fds[0].revents ? accept4(s->fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            serve_client(s, fd);
    }
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
    if (!address_of(dir, &address)) {
        snprintf(why, why_size, "the path of %s is too long for a socket in it", dir);
        goto fail;
    }
    s->path = strdup(address.sun_path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (!s->path || s->fd < 0 || s->stop_fd < 0)
        goto fail_errno;
    /* The directory is locked by us: a socket that lies there is a dead server's. */
    unlink(s->path);
    mask = umask(0177);
    int bound = bind(s->fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (bound != 0 || listen(s->fd, 16) != 0 || (errno = pthread_create(&s->thread, NULL, serve_thread, s)))
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
        abort(); /* an eventfd at 0 takes one more */
    pthread_join(s->thread, NULL);
    unlink(s->path);
    close(s->fd);
    close(s->stop_fd);
    free(s->path);
    free(s);
}

enum mu_err local_call(const char *dir, const char *command, struct str input, int *status, struct buf *answer)
{
    struct sockaddr_un address;
    char head[64];
    enum mu_err err = MU_E_IO;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return MU_E_IO;
    if (!address_of(dir, &address) || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        err = MU_E_OFFLINE;
        goto out;
    }
    snprintf(head, sizeof(head), "%s\n%zu\n", command, input.len);
    if (!send_all(fd, head, strlen(head)) || !send_all(fd, input.at, input.len) || shutdown(fd, SHUT_WR) != 0 ||
        !receive(fd, answer, NULL))
        goto out;
    const char *end = answer->len ? memchr(answer->data, '\n', answer->len) : NULL;
    int64_t number;
    if (!end || !str_int64((struct str){ (char *)answer->data, (size_t)(end - (char *)answer->data) }, &number))
        goto out;
    *status = (int)number;
    buf_consume(answer, (size_t)(end + 1 - (char *)answer->data));
    err = MU_OK;
out:
    close(fd);
    return err;
}
