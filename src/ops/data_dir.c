#include "ops/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/file.h"
#include "ops/manifest.h"

/* The data directory: whether a path may be one, and its lock. Two processes never have the same one open. */

enum mu_err data_dir_check(const char *path, bool *is_new, char *why, size_t why_size)
{
    DIR *dir = opendir(path);
    bool foreign = false, ours = false, marked = false, copying = false;

    *is_new = true;
    if (!dir && errno == ENOENT)
        return MU_OK;
    if (!dir) {
        enum mu_err err = errno == ENOTDIR ? MU_E_VALUE : MU_E_IO;
        snprintf(why, why_size, "cannot open the directory %s: %s", path, strerror(errno));
        return err;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        foreign |= entry->d_name[0] != '.';
        ours |= strcmp(entry->d_name, "lock") == 0;
        marked |= strcmp(entry->d_name, "registry.mark") == 0;
        copying |= strcmp(entry->d_name, DATA_DIR_COPYING) == 0;
    }
    closedir(dir);
    *is_new = !ours;
    if (manifest_is_in(path)) {
        snprintf(why, why_size,
                 "%s is a backup, which stays as it is; make a data directory of it with "
                 "muster restore --data NEWDIR %s",
                 path, path);
        return MU_E_VALUE;
    }
    if (copying) {
        snprintf(why, why_size, "a copy into %s runs, or was interrupted; muster copy begins it anew", path);
        return MU_E_CORRUPT;
    }
    if (marked && !ours) {
        snprintf(why, why_size,
                 "%s has no file 'lock'. If a restore into it was interrupted, repeat the restore in a new "
                 "directory (muster restore). If the file was removed, put an empty one back",
                 path);
        return MU_E_CORRUPT;
    }
    if (foreign && !ours) {
        snprintf(why, why_size, "%s holds other things; a data directory is empty at first", path);
        return MU_E_VALUE;
    }
    return MU_OK;
}

enum mu_err data_dir_open(struct data_dir *d, const char *path, char *why, size_t why_size)
{
    struct stat st;
    char *lock_path = NULL;
    bool is_new;
    enum mu_err err = MU_E_IO;

    *d = (struct data_dir){ .lock_fd = -1, .path = strdup(path) };
    if (!d->path || asprintf(&lock_path, "%s/lock", path) < 0) {
        snprintf(why, why_size, "out of memory");
        lock_path = NULL;
        err = MU_E_NOMEM;
        goto out;
    }
    if ((err = data_dir_check(path, &is_new, why, why_size)) != MU_OK)
        goto out;
    if ((err = file_make_dir(path, why, why_size)) != MU_OK)
        goto out;
    err = MU_E_IO;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        snprintf(why, why_size, "%s is not a directory", path);
        goto out;
    }
    /* The directory holds secrets that the protocols need in clear: nobody else may look in. */
    if ((st.st_mode & 077) && chmod(path, 0700) != 0) {
        snprintf(why, why_size, "%s is open to others and its mode cannot be changed: %s", path, strerror(errno));
        goto out;
    }
    d->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    d->made = d->lock_fd >= 0;
    if (!d->made && errno == EEXIST)
        d->lock_fd = open(lock_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (d->lock_fd < 0) {
        snprintf(why, why_size, "cannot open %s: %s", lock_path, strerror(errno));
        err = mu_err_of_errno(errno);
        goto out;
    }
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(why, why_size, "the data directory %s is in use by another process", path);
        err = MU_E_LOCKED;
        goto out;
    }
    err = MU_OK;
out:
    free(lock_path);
    if (err != MU_OK)
        data_dir_close(d);
    return err;
}

int data_dir_hold(const char *path)
{
    char lock[4096];

    snprintf(lock, sizeof(lock), "%s/lock", path);
    int fd = open(lock, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

void data_dir_close(struct data_dir *d)
{
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    free(d->path);
    *d = (struct data_dir){ .lock_fd = -1 };
}

char *data_dir_socket_path(const char *dir)
{
    char *path = NULL;
    return asprintf(&path, "%s/control.sock", dir) < 0 ? NULL : path;
}
