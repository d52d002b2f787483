#include "ops/backup_scratch.h"

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "ops/dir.h"

int backup_scratch_lock(const char *dir)
{
    int fd = dir_open(dir);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        errno = EWOULDBLOCK;
        fd = -1;
    }
    return fd;
}

void backup_scratch_clear(const char *dir)
{
    int fd = backup_scratch_lock(dir);

    if (fd < 0)
        return;
    dir_remove_tree(fd, BACKUP_SCRATCH);
    close(fd);
}
