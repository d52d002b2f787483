#include "fleet/quota_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

/* The mapping has its full length from the start, so that no account ever moves. The file grows by pages as enterprises
 * are added. Touching a page that the file does not have raises a signal, so no account beyond `count` is touched. */

#define MAPPED (LIMIT_QUOTA_ACCOUNTS * sizeof(struct quota))
#define A_PAGE 4096

struct quota_file {
    int fd;
    struct quota *accounts;
    size_t count; /* accounts that the file has room for */
};

/* The blocks are allocated now, so that a full disk cannot show in the middle of a page. */
static bool grow(struct quota_file *f, size_t count)
{
    size_t bytes = (count * sizeof(struct quota) + A_PAGE - 1) / A_PAGE * A_PAGE;

    if (count > LIMIT_QUOTA_ACCOUNTS || posix_fallocate(f->fd, 0, (off_t)bytes) != 0)
        return false;
    f->count = bytes / sizeof(struct quota);
    return true;
}

static void begin_damaged_anew(struct quota_file *f)
{
    unsigned damaged = 0;

    for (size_t i = 0; i < f->count; i++) {
        if (quota_is_whole(&f->accounts[i]))
            continue;
        atomic_store(&f->accounts[i].word, 0);
        damaged++;
    }
    if (damaged)
        log_event(LOG_WARN, "quotas_damaged", "accounts=%u hint=\"their count of this hour starts at zero\"", damaged);
}

/* Takes the accounts that the file has, and rounds its length up to whole pages. */
static void load(struct quota_file *f, size_t bytes)
{
    size_t count = bytes / sizeof(struct quota);

    if (count > LIMIT_QUOTA_ACCOUNTS)
        count = LIMIT_QUOTA_ACCOUNTS;
    if (count && grow(f, count))
        begin_damaged_anew(f);
}

enum mu_err quota_file_open(struct quota_file **out, const char *dir, const char *name, char *why, size_t why_size)
{
    struct quota_file *f = malloc(sizeof(*f));
    char *path = NULL;
    struct stat st;
    enum mu_err err = MU_E_NOMEM;

    *out = NULL;
    snprintf(why, why_size, "out of memory");
    if (!f)
        return err;
    *f = (struct quota_file){ .fd = -1, .accounts = MAP_FAILED };
    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        goto out;
    }
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd >= 0 && fstat(f->fd, &st) == 0)
        f->accounts = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    if (f->accounts == MAP_FAILED) {
        snprintf(why, why_size, "cannot open %s: %s", path, strerror(errno));
        err = MU_E_IO;
        goto out;
    }
    load(f, (size_t)st.st_size);
    why[0] = '\0';
    err = MU_OK;
    *out = f;
    f = NULL;
out:
    free(path);
    quota_file_close(f);
    return err;
}

void quota_file_close(struct quota_file *f)
{
    if (!f)
        return;
    if (f->accounts != MAP_FAILED)
        munmap(f->accounts, MAPPED);
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

struct quota *quota_file_account(struct quota_file *f, uint32_t enterprise)
{
    if (enterprise >= f->count && !grow(f, (size_t)enterprise + 1))
        return NULL;
    assert(enterprise < f->count);
    return &f->accounts[enterprise];
}
