#include "ops/dir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* Work inside a directory that others may write in: by descriptors, and never through a link (dir.h). */

/* Nothing of muster's lies deeper. More levels would only let others exhaust our descriptors. */
enum { REMOVED_LEVELS = 16 };

int dir_open(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int dir_open_in(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void close_keeping_errno(int fd)
{
    int reason = errno;

    close(fd);
    errno = reason;
}

static int enter_one(int at, struct str part, bool make)
{
    char name[NAME_MAX + 1];

    assert(!memchr(part.at, '/', part.len));
    if (!str_copy(name, sizeof(name), part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (make && mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return dir_open_in(at, name);
}

/* *writer: the user who owns one of the directories on the way and so may write in it; 0 if only root does. */
static int enter(int at, const char *path, bool make, const char **name, uid_t *writer)
{
    int dir = fcntl(at, F_DUPFD_CLOEXEC, 0);
    const char *slash;
    struct stat st;

    for (*writer = 0; dir >= 0; path = slash + 1) {
        if (fstat(dir, &st) == 0 && st.st_uid != 0)
            *writer = st.st_uid;
        if (!(slash = strchr(path, '/')))
            break;
        int next = enter_one(dir, (struct str){ path, (size_t)(slash - path) }, make);
        close_keeping_errno(dir);
        dir = next;
    }
    *name = path;
    return dir;
}

int dir_enter(int at, const char *path, bool make, const char **name)
{
    uid_t writer;
    return enter(at, path, make, name, &writer);
}

static enum mu_err tell(const char *path, const char *what, enum mu_err err, char *why, size_t why_size)
{
    snprintf(why, why_size, "file %s: %s", path, what);
    return err;
}

static enum mu_err tell_errno(const char *path, char *why, size_t why_size)
{
    if (errno == ELOOP || errno == ENOTDIR)
        return tell(path, "lies behind a symbolic link, which is not followed", MU_E_REFUSED, why, why_size);
    return tell(path, strerror(errno), errno == ENOENT ? MU_E_NOT_FOUND : MU_E_IO, why, why_size);
}

enum mu_err dir_open_file(int at, const char *path, int *fd, char *why, size_t why_size)
{
    const char *name;
    uid_t writer;
    struct stat st = { 0 };
    int dir = enter(at, path, false, &name, &writer);

    *fd = -1;
    if (dir < 0)
        return tell_errno(path, why, why_size);
    /* O_NONBLOCK: do not wait for the other end of a pipe. */
    int file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    close_keeping_errno(dir);
    if (file < 0)
        return tell_errno(path, why, why_size);
    if (fstat(file, &st) == 0 && S_ISREG(st.st_mode) && (geteuid() != 0 || !writer || st.st_uid == writer)) {
        *fd = file;
        return MU_OK;
    }
    close(file);
    return tell(path,
                S_ISREG(st.st_mode) ? "belongs to another user than the directory that it is in" : "is no regular file",
                MU_E_REFUSED, why, why_size);
}

int dir_create_file(int at, const char *path)
{
    const char *name;
    int dir = dir_enter(at, path, true, &name);

    if (dir < 0)
        return -1;
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    close_keeping_errno(dir);
    return fd;
}

static void remove_tree(int at, const char *name, int levels)
{
    struct dirent *entry;
    int fd;

    assert(levels >= 0 && levels <= REMOVED_LEVELS);
    if (unlinkat(at, name, 0) == 0 || levels == 0 || (fd = dir_open_in(at, name)) < 0)
        return;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_tree(fd, entry->d_name, levels - 1);
    closedir(dir);
    unlinkat(at, name, AT_REMOVEDIR);
}

void dir_remove_tree(int at, const char *name)
{
    remove_tree(at, name, REMOVED_LEVELS);
}

void dir_remove_content(int at)
{
    int fd = dir_open_in(at, ".");
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0)
            dir_remove_tree(fd, entry->d_name);
    if (dir)
        closedir(dir);
}
