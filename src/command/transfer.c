#include "command/transfer.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ops/dir.h"
#include "ops/file.h"
#include "ops/progress.h"

/* Brings files of a backup from one directory to another, by copying or linking, and compares them with the manifest
 * (transfer.h). */

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

/* A file that is being brought over, and what is known of it so far. */
struct passing {
    const struct manifest_file *file;
    int in, out;
    uint64_t bytes;
    struct progress *progress;
};

/* The digest is computed from the bytes that are written; a second reading might return others. */
static enum mu_err copy_bytes(struct passing *p, struct digest *digest, char *why, size_t why_size)
{
    static uint8_t bytes[PIECE];
    ssize_t n;

    while ((n = read(p->in, bytes, PIECE)) > 0) {
        for (ssize_t at = 0, w; at < n; at += w)
            if ((w = write(p->out, bytes + at, (size_t)(n - at))) < 0)
                return file_fail(why, why_size, "copy", p->file->path);
        if (broken_off) {
            snprintf(why, why_size, "interrupted");
            return MU_E_CLOSED;
        }
        digest_add(digest, bytes, (size_t)n);
        p->bytes += (uint64_t)n;
        progress_add(p->progress, (uint64_t)n);
    }
    return n < 0 || fsync(p->out) != 0 ? file_fail(why, why_size, "copy", p->file->path) : MU_OK;
}

static enum mu_err copy_file(const struct transfer *t, struct passing *p, char *why, size_t why_size)
{
    struct digest *digest = digest_new();
    char hash[DIGEST_TEXT];
    enum mu_err err;

    assert(p->in >= 0);
    p->out = dir_create_file(t->to, p->file->path);
    if (p->out < 0 || (t->give && fchown(p->out, t->uid, t->gid) != 0))
        err = file_fail(why, why_size, "write", p->file->path);
    else
        err = copy_bytes(p, digest, why, why_size);
    if (p->out >= 0)
        close(p->out);
    digest_end(digest, hash);
    if (err == MU_OK && !t->as_it_is && !manifest_file_matches(p->file, p->bytes, hash, why, why_size))
        err = MU_E_CORRUPT;
    return err;
}

/* Links the open file itself, whatever file has that name by now. */
static bool link_file(const struct transfer *t, const struct passing *p)
{
    char open_file[64];
    const char *name;
    int dir = dir_enter(t->to, p->file->path, true, &name);

    assert(p->in >= 0);
    snprintf(open_file, sizeof(open_file), "/proc/self/fd/%d", p->in);
    bool linked = dir >= 0 && linkat(AT_FDCWD, open_file, dir, name, AT_SYMLINK_FOLLOW) == 0;
    if (dir >= 0)
        close(dir);
    return linked;
}

/* A linked file is not read; only its size is compared. */
static enum mu_err finish_link(struct passing *p, char *why, size_t why_size)
{
    struct stat st;

    if (fstat(p->in, &st) != 0 || fsync(p->in) != 0)
        return file_fail(why, why_size, "sync", p->file->path);
    progress_add(p->progress, p->file->bytes);
    return manifest_file_matches(p->file, (uint64_t)st.st_size, p->file->sha256, why, why_size) ? MU_OK : MU_E_CORRUPT;
}

static enum mu_err bring_file(const struct transfer *t, const struct manifest_file *file, struct progress *progress,
                              char *why, size_t why_size)
{
    struct passing p = { .file = file, .progress = progress };
    enum mu_err err = dir_open_file(t->from, file->path, &p.in, why, why_size);

    if (err != MU_OK)
        return err;
    err = t->link && link_file(t, &p) ? finish_link(&p, why, why_size) : copy_file(t, &p, why, why_size);
    close(p.in);
    return err;
}

static enum mu_err check_room(const struct transfer *t, uint64_t bytes, char *why, size_t why_size)
{
    struct stat from, to;
    struct statvfs fs;

    if (t->link && fstat(t->from, &from) == 0 && fstat(t->to, &to) == 0 && from.st_dev == to.st_dev)
        return MU_OK;
    if (fstatvfs(t->to, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes)
        return MU_OK; /* if the room is not known, the writing will tell */
    snprintf(why, why_size, "%llu MiB are needed in %s, and %llu MiB are free", (unsigned long long)(bytes >> 20) + 1,
             t->to_name, (unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
    return MU_E_FULL;
}

/* When the last file of a directory is done, the directory is given to its owner and synced. */
static enum mu_err finish_directory(const struct transfer *t, const char *path, char *why, size_t why_size)
{
    const char *name;
    int dir = dir_enter(t->to, path, false, &name);
    bool good = dir >= 0 && (name == path || !t->give || fchown(dir, t->uid, t->gid) == 0) && fsync(dir) == 0;
    enum mu_err err = good ? MU_OK : file_fail(why, why_size, "sync the directory of", path);

    if (dir >= 0)
        close(dir);
    return err;
}

static bool is_last_of_its_directory(const struct manifest *m, size_t i)
{
    const char *path = m->files[i].path, *slash = strchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;

    assert(i < m->file_count);
    return i + 1 == m->file_count || (slash && strncmp(m->files[i + 1].path, path, len) != 0);
}

enum mu_err transfer_run(const struct transfer *t, const struct manifest *m, char *why, size_t why_size)
{
    struct progress progress = progress_of(t->about, "copying", manifest_bytes(m));
    enum mu_err err = check_room(t, manifest_bytes(m), why, why_size);

    for (size_t i = 0; i < m->file_count && err == MU_OK; i++)
        if ((err = bring_file(t, &m->files[i], &progress, why, why_size)) == MU_OK && is_last_of_its_directory(m, i))
            err = finish_directory(t, m->files[i].path, why, why_size);
    progress_end(&progress);
    if (err == MU_OK && fsync(t->to) != 0)
        err = file_fail(why, why_size, "sync", t->to_name);
    return err;
}
