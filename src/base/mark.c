#include "base/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"

/* Two slots are written in turn, each in a sector of its own. If a power cut leaves one half written, the other one is
 * still good.
 *
 *   "muster mark\n"(12) id(16) epoch(8) count(8) crc32 of these(4) */
#define MAGIC "muster mark\n"
enum { MAGIC_LEN = sizeof(MAGIC) - 1, SUM_AT = MAGIC_LEN + 16 + 8 + 8, SLOT_LEN = SUM_AT + 4, SLOTS = 2, SECTOR = 512 };

static void encode(uint8_t out[SECTOR], const struct mark_place *at)
{
    memset(out, 0, SECTOR);
    memcpy(out, MAGIC, MAGIC_LEN);
    memcpy(out + MAGIC_LEN, at->id, sizeof(at->id));
    bytes_put_u64be(out + MAGIC_LEN + 16, at->epoch);
    bytes_put_u64be(out + MAGIC_LEN + 24, at->count);
    bytes_put_u32be(out + SUM_AT, (uint32_t)crc32(0, out, SUM_AT));
}

static bool decode(const uint8_t slot[SLOT_LEN], struct mark_place *out)
{
    struct bytes sum = bytes_of(slot + SUM_AT, 4), in = bytes_of(slot + MAGIC_LEN + 16, 16);

    if (memcmp(slot, MAGIC, MAGIC_LEN) != 0 || bytes_u32be(&sum) != (uint32_t)crc32(0, slot, SUM_AT))
        return false;
    memcpy(out->id, slot + MAGIC_LEN, sizeof(out->id));
    out->epoch = bytes_u64be(&in);
    out->count = bytes_u64be(&in);
    return true;
}

bool mark_is_id(const uint8_t id[16])
{
    static const uint8_t none[16];
    return memcmp(id, none, sizeof(none)) != 0;
}

/* -1, 0 or 1, if a is before b, equal to it, or after it. */
static int compare(const struct mark_place *a, const struct mark_place *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    return a->count < b->count ? -1 : a->count > b->count;
}

enum mu_err mark_read(const char *path, struct mark_place *out)
{
    uint8_t slot[SLOT_LEN];
    struct mark_place place;
    enum mu_err err = MU_E_CORRUPT;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT ? MU_E_NOT_FOUND : MU_E_IO;
    for (int i = 0; i < SLOTS; i++) {
        ssize_t n = pread(fd, slot, sizeof(slot), (off_t)i * SECTOR);
        if (n < 0)
            err = MU_E_IO;
        if (n != (ssize_t)sizeof(slot) || !decode(slot, &place))
            continue;
        if (err != MU_OK || compare(&place, out) > 0)
            *out = place;
        err = MU_OK;
    }
    close(fd);
    return err;
}

enum mu_err mark_check(const char *path, const struct mark_place *there, const char *lost, char *why, size_t why_size)
{
    struct mark_place acknowledged;
    enum mu_err err = mark_read(path, &acknowledged);

    if (err == MU_E_NOT_FOUND && !mark_is_id(there->id))
        return MU_OK;
    if (err == MU_E_IO) {
        snprintf(why, why_size, "cannot read %s: %s", path, strerror(errno));
    } else if (err != MU_OK) {
        snprintf(why, why_size,
                 "%s, which says how far it was acknowledged, is %s; if nothing else of the directory "
                 "is damaged, muster repair makes a new one",
                 path, err == MU_E_CORRUPT ? "damaged" : "missing");
        err = MU_E_CORRUPT;
    } else if (mark_is_id(there->id) && memcmp(acknowledged.id, there->id, sizeof(there->id)) != 0) {
        snprintf(why, why_size, "it is of another data directory than %s: put the right one back, or " MARK_ADVICE,
                 path);
        err = MU_E_CORRUPT;
    } else if (compare(there, &acknowledged) < 0) {
        snprintf(why, why_size,
                 "it ends at commit %llu of start %llu, and commit %llu of start %llu was acknowledged; "
                 "%s was cut, changed or removed, or is an older copy: " MARK_ADVICE,
                 (unsigned long long)there->count, (unsigned long long)there->epoch,
                 (unsigned long long)acknowledged.count, (unsigned long long)acknowledged.epoch, lost);
        err = MU_E_CORRUPT;
    }
    return err;
}

static enum mu_err sync_parent(const char *path)
{
    char dir[4096];

    snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum mu_err err = fd >= 0 && fsync(fd) == 0 ? MU_OK : MU_E_IO;
    if (fd >= 0)
        close(fd);
    return err;
}

enum mu_err mark_open(struct mark *m, const char *path, const struct mark_place *at)
{
    uint8_t slot[SECTOR];
    enum mu_err err = MU_OK;

    *m = (struct mark)MARK_CLOSED;
    m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (m->fd < 0)
        return mu_err_of_errno(errno);
    /* Both slots, so that neither tells of an old place and the file never grows later. */
    encode(slot, at);
    for (int i = 0; i < SLOTS && err == MU_OK; i++)
        if (pwrite(m->fd, slot, sizeof(slot), (off_t)i * SECTOR) != (ssize_t)sizeof(slot))
            err = mu_err_of_errno(errno);
    if (err == MU_OK && (ftruncate(m->fd, (off_t)SLOTS * SECTOR) != 0 || fsync(m->fd) != 0))
        err = MU_E_IO;
    if (err == MU_OK)
        err = sync_parent(path);
    if (err != MU_OK)
        mark_close(m);
    m->synced_ms = clock_mono_ms();
    return err;
}

void mark_put(struct mark *m, const struct mark_place *at)
{
    uint8_t slot[SECTOR];

    if (m->fd < 0)
        return;
    encode(slot, at);
    bool good = pwrite(m->fd, slot, sizeof(slot), (off_t)m->slot * SECTOR) == (ssize_t)sizeof(slot);
    if (!good && !m->failed)
        log_event(LOG_ERROR, "mark_failed", "error=%s", LOG_Q(strerror(errno), -1));
    m->failed = !good;
    if (!good)
        return;
    m->slot = (m->slot + 1) % SLOTS;
    /* Starts the writing and does not wait; the next sync of a log flushes it from the disk's cache. */
    int64_t now = clock_mono_ms();
    if (now - m->synced_ms >= MARK_SYNC_MS) {
        sync_file_range(m->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        m->synced_ms = now;
    }
}

void mark_close(struct mark *m)
{
    if (m->fd >= 0) {
        fdatasync(m->fd);
        close(m->fd);
    }
    *m = (struct mark)MARK_CLOSED;
}
