#include "command/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ops/file.h"
#include "ops/progress.h"

enum { PIECE = 1024 * 1024 };

static volatile sig_atomic_t broken_off;

static void on_signal(int signal)
{
    (void)signal;
    broken_off = 1;
}

void transfer_catch_signals(void)
{
    sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
}

static enum mu_err fail(char *why, size_t why_size, const char *what, const char *path)
{
    int reason = errno;

    snprintf(why, why_size, "cannot %s %s: %s", what, path, strerror(reason));
    return reason == ENOSPC || reason == EDQUOT ? MU_E_FULL : MU_E_IO;
}

static enum mu_err copy_bytes(int in, int out, struct progress *progress, char *why, size_t why_size)
{
    static uint8_t bytes[PIECE];
    ssize_t n;

    while ((n = read(in, bytes, PIECE)) > 0) {
        for (ssize_t at = 0, w; at < n; at += w)
            if ((w = write(out, bytes + at, (size_t)(n - at))) < 0)
                return MU_E_IO;
        if (broken_off) {
            snprintf(why, why_size, "broken off");
            return MU_E_CLOSED;
        }
        progress_add(progress, (uint64_t)n);
    }
    return n < 0 ? MU_E_IO : MU_OK;
}

static enum mu_err copy_file(const struct transfer *t, const char *from, const char *to,
                             struct progress *progress, char *why, size_t why_size)
{
    enum mu_err err = MU_OK;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in >= 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

    if (in < 0)
        err = fail(why, why_size, "read", from);
    else if (out < 0 || (t->give && fchown(out, t->uid, t->gid) != 0))
        err = fail(why, why_size, "write", to);
    else if ((err = copy_bytes(in, out, progress, why, why_size)) == MU_E_IO ||
             (err == MU_OK && fsync(out) != 0))
        err = fail(why, why_size, "copy to", to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return err;
}

static enum mu_err sync_file(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum mu_err err = fd >= 0 && fsync(fd) == 0 ? MU_OK : fail(why, why_size, "sync", path);

    if (fd >= 0)
        close(fd);
    return err;
}

static enum mu_err bring_file(const struct transfer *t, const struct manifest_file *file,
                              struct progress *progress, char *why, size_t why_size)
{
    char from[4096], to[4096];

    snprintf(from, sizeof(from), "%s/%s", t->from, file->path);
    snprintf(to, sizeof(to), "%s/%s", t->to, file->path);
    if (t->link && link(from, to) == 0) {
        progress_add(progress, file->bytes);
        return sync_file(to, why, why_size);
    }
    return copy_file(t, from, to, progress, why, why_size);
}

static enum mu_err check_room(const struct transfer *t, uint64_t bytes, char *why, size_t why_size)
{
    struct stat from, to;
    struct statvfs fs;

    if (t->link && stat(t->from, &from) == 0 && stat(t->to, &to) == 0 && from.st_dev == to.st_dev)
        return MU_OK;
    if (statvfs(t->to, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes)
        return MU_OK; /* what cannot be asked is told by the writing */
    snprintf(why, why_size, "%llu MiB are needed in %s, and %llu MiB are free",
             (unsigned long long)(bytes >> 20) + 1, t->to,
             (unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
    return MU_E_FULL;
}

/* The one that a file lies in, made when the first file of it comes. */
static enum mu_err make_parent(const struct transfer *t, const struct manifest_file *file, char *why,
                               size_t why_size)
{
    char path[4096];
    const char *slash = strchr(file->path, '/');

    if (!slash)
        return MU_OK;
    snprintf(path, sizeof(path), "%s/%.*s", t->to, (int)(slash - file->path), file->path);
    if (mkdir(path, 0700) == 0 && t->give && chown(path, t->uid, t->gid) != 0)
        return fail(why, why_size, "give away", path);
    return MU_OK;
}

static enum mu_err sync_directories(const struct transfer *t, const struct manifest *m, char *why,
                                    size_t why_size)
{
    enum mu_err err = MU_OK;
    char path[4096];

    for (size_t i = 0; i < m->file_count && err == MU_OK; i++) {
        const char *slash = strchr(m->files[i].path, '/');
        size_t len = slash ? (size_t)(slash - m->files[i].path) : 0;
        if (!slash || (i > 0 && strncmp(m->files[i - 1].path, m->files[i].path, len + 1) == 0))
            continue;
        snprintf(path, sizeof(path), "%s/%.*s", t->to, (int)len, m->files[i].path);
        err = file_sync_dir(path, why, why_size);
    }
    return err == MU_OK ? file_sync_dir(t->to, why, why_size) : err;
}

enum mu_err transfer_run(const struct transfer *t, const struct manifest *m, char *why, size_t why_size)
{
    struct progress progress = progress_of(t->about, "copying", manifest_bytes(m));
    enum mu_err err = check_room(t, manifest_bytes(m), why, why_size);

    for (size_t i = 0; i < m->file_count && err == MU_OK; i++)
        if ((err = make_parent(t, &m->files[i], why, why_size)) == MU_OK)
            err = bring_file(t, &m->files[i], &progress, why, why_size);
    progress_end(&progress);
    return err == MU_OK ? sync_directories(t, m, why, why_size) : err;
}
