#include "ops/backup_scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "ops/file.h"

int backup_lock(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        errno = EWOULDBLOCK;
        fd = -1;
    }
    return fd;
}

void backup_clear_left(const char *dir)
{
    char path[4096];
    int fd = backup_lock(dir);

    if (fd < 0)
        return;
    snprintf(path, sizeof(path), "%s/" BACKUP_SCRATCH, dir);
    file_remove_tree(path);
    close(fd);
}
