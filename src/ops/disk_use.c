#include "ops/disk_use.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ops/backup_scratch.h"

#define REGISTRY_FILES "registry.db" /* and its companions, whose names begin with it */
#define JOURNAL_DIR    "journal"

/* A path such as damaged-…/journal has two levels; deeper levels are not ours. */
enum { LEVELS = 3 };

static uint64_t bytes_below(int parent, const char *name, int levels)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    uint64_t bytes = 0;
    struct stat st;

    assert(levels >= 1 && levels <= LEVELS);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && levels > 1)
            bytes += bytes_below(fd, entry->d_name, levels - 1);
    }
    closedir(dir);
    return bytes;
}

static void add_entry(struct disk_use *use, int dir, const char *name)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (S_ISREG(st.st_mode))
        *(strncmp(name, REGISTRY_FILES, strlen(REGISTRY_FILES)) == 0 ? &use->registry : &use->other) +=
            (uint64_t)st.st_size;
    else if (S_ISDIR(st.st_mode) && strcmp(name, JOURNAL_DIR) == 0)
        use->journal = bytes_below(dir, name, LEVELS);
    else if (S_ISDIR(st.st_mode) && strcmp(name, BACKUP_SCRATCH) != 0)
        use->other += bytes_below(dir, name, LEVELS);
}

void disk_use_read(const char *path, struct disk_use *out)
{
    DIR *dir = opendir(path);
    struct statvfs fs;

    if (!dir)
        return;
    *out = (struct disk_use){ 0 };
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            add_entry(out, dirfd(dir), entry->d_name);
    }
    if (fstatvfs(dirfd(dir), &fs) == 0) {
        out->free = (uint64_t)fs.f_bavail * fs.f_frsize;
        out->size = (uint64_t)fs.f_blocks * fs.f_frsize;
    }
    closedir(dir);
}
