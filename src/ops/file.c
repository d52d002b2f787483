#include "ops/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/dir.h"

/* Reading whole files, and making directories and names durable. Each failure becomes one sentence. */

enum mu_err file_fail(char *why, size_t why_size, const char *what, const char *path)
{
    int reason = errno;

    snprintf(why, why_size, "cannot %s %s: %s", what, path, strerror(reason));
    return mu_err_of_errno(reason);
}

enum mu_err file_read_open(int fd, const char *path, struct buf *out, char *why, size_t why_size)
{
    ssize_t n = -1;

    do {
        uint8_t *at = buf_reserve(out, 65536);
        if (!at)
            break;
        n = read(fd, at, 65536);
        if (n > 0)
            out->len += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (out->err != MU_OK) {
        snprintf(why, why_size, "cannot read %s: %s", path, mu_err_text(out->err));
        return out->err;
    }
    if (n != 0) {
        snprintf(why, why_size, "cannot read %s: %s", path, strerror(errno));
        return MU_E_IO;
    }
    return MU_OK;
}

enum mu_err file_read(const char *path, struct buf *out, char *why, size_t why_size)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        snprintf(why, why_size, "cannot read %s: %s", path, strerror(errno));
        return MU_E_IO;
    }
    enum mu_err err = file_read_open(fd, path, out, why, why_size);
    if (!standard_input)
        close(fd);
    return err;
}

enum mu_err file_make_dir(const char *path, char *why, size_t why_size)
{
    if (mkdir(path, 0700) == 0)
        return file_sync_parent(path, why, why_size);
    if (errno == EEXIST)
        return MU_OK;
    bool no_parent = errno == ENOENT || errno == ENOTDIR;
    enum mu_err err = file_fail(why, why_size, "create", path);
    return no_parent ? MU_E_NOT_FOUND : err;
}

static enum mu_err sync_open_dir(int fd, const char *path, char *why, size_t why_size)
{
    bool good = fd >= 0 && fsync(fd) == 0;

    if (!good)
        snprintf(why, why_size, "cannot sync %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good ? MU_OK : MU_E_IO;
}

enum mu_err file_sync_dir(const char *path, char *why, size_t why_size)
{
    return sync_open_dir(dir_open(path), path, why, why_size);
}

enum mu_err file_sync_parent(const char *path, char *why, size_t why_size)
{
    char *copy = strdup(path), *parent = copy ? dirname(copy) : NULL;
    int fd = parent ? dir_open(parent) : -1;
    enum mu_err err = MU_OK;

    if (!parent)
        err = MU_E_NOMEM;
    else if (fd < 0 && errno == EACCES)
        sync(); /* the directory may be written, but not read */
    else
        err = sync_open_dir(fd, parent, why, why_size);
    free(copy);
    return err;
}
