/* The command's end of the command socket, and functions that both ends use. */

#include "ops/local_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops/data_dir.h"

enum { READ_BYTES = 65536 };

bool local_address(const char *dir, struct sockaddr_un *out)
{
    char *path = data_dir_socket_path(dir);
    bool fits = path && strlen(path) < sizeof(out->sun_path);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (fits)
        strcpy(out->sun_path, path);
    free(path);
    return fits;
}

bool local_send_all(int fd, const void *bytes, size_t len)
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

enum local_read local_receive(int fd, struct buf *in)
{
    uint8_t *at = buf_reserve(in, READ_BYTES);
    ssize_t n;

    if (!at)
        return LOCAL_READ_FAILED;
    do
        n = recv(fd, at, READ_BYTES, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        in->len += (size_t)n;
    return n > 0 ? LOCAL_READ : n == 0 ? LOCAL_READ_END : LOCAL_READ_FAILED;
}

/* Removes the status from the beginning of an answer; false: it is not complete yet. */
static bool take_status(struct buf *answer, int *status)
{
    const char *text = (const char *)answer->data, *end = answer->len ? memchr(text, '\n', answer->len) : NULL;
    int64_t number;

    if (!end || !str_int64((struct str){ text, (size_t)(end - text) }, &number))
        return false;
    *status = (int)number;
    buf_consume(answer, (size_t)(end + 1 - text));
    return true;
}

static enum mu_err hear(int fd, const struct local_listener *listener, int *status, struct buf *answer)
{
    bool has_status = false;
    enum local_read read;

    while ((read = local_receive(fd, answer)) == LOCAL_READ) {
        has_status = has_status || take_status(answer, status);
        if (has_status && *status == 0 && listener) {
            listener->hear(listener->ctx, (struct str){ (const char *)answer->data, answer->len });
            buf_clear(answer);
        }
    }
    /* Of a command that it refuses the server does not read all, and so what it says ends with a reset. */
    return has_status && (read == LOCAL_READ_END || *status != 0) ? MU_OK : MU_E_IO;
}

enum mu_err local_call(const char *dir, const char *command, struct str input, const struct local_listener *listener,
                       int *status, struct buf *answer)
{
    struct sockaddr_un address;
    char head[64];
    enum mu_err err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return MU_E_IO;
    snprintf(head, sizeof(head), "%s\n%zu\n", command, input.len);
    if (!local_address(dir, &address) || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        err = MU_E_OFFLINE;
    } else {
        if (local_send_all(fd, head, strlen(head)) && local_send_all(fd, input.at, input.len))
            shutdown(fd, SHUT_WR);
        err = hear(fd, listener, status, answer);
    }
    close(fd);
    return err;
}
