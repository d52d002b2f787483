#include "ops/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum mu_err file_read(const char *path, struct buf *out, char *why, size_t why_size)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    size_t start = out->len;
    ssize_t n = -1;

    if (fd >= 0)
        do {
            uint8_t *at = buf_reserve(out, 65536);
            if (!at)
                break;
            n = read(fd, at, 65536);
            if (n > 0)
                out->len += (size_t)n;
        } while (n > 0 || (n < 0 && errno == EINTR));
    int reason = errno;
    if (fd >= 0 && !standard_input)
        close(fd);
    if (out->err != MU_OK) {
        snprintf(why, why_size, "cannot read %s: %s", path, mu_err_text(out->err));
        return out->err;
    }
    if (n != 0) {
        snprintf(why, why_size, "cannot read %s: %s", path, strerror(reason));
        return MU_E_IO;
    }
    struct str text = { (const char *)out->data + start, out->len - start };
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        out->len -= 3;
        memmove(out->data + start, text.at + 3, text.len - 3);
    }
    return MU_OK;
}

enum mu_err file_sync_dir(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (!good)
        snprintf(why, why_size, "cannot sync %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good ? MU_OK : MU_E_IO;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    remove(path);
    return 0;
}

void file_remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
