#ifndef MUSTER_BASE_MARK_H
#define MUSTER_BASE_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A mark: a small file beside a store that tells up to which commit the store has acknowledged.
 *
 * A store's own log ends at the first byte that cannot be read, whatever the reason: a batch that a crash left half
 * written looks like one that was cut off a year later. The mark tells the two apart. It is written after a commit is on
 * disk and before anybody is told so. So a store that ends before its mark has lost something.
 *
 * Writing it costs one pwrite and no sync. So after a power cut (not after a crash of the program) the mark may be some
 * MARK_SYNC_MS behind: then it promises too little, never too much. */
#define MARK_SYNC_MS 1000

struct mark_place {
    uint8_t id[16];        /* of the data directory */
    uint64_t epoch, count; /* a place: compared by epoch, then by count */
};

/* The last place that was marked. MU_E_NOT_FOUND: there is no such file; MU_E_CORRUPT: it is no mark, or
 * damaged; MU_E_IO. Any thread. */
MU_MUST_USE enum mu_err mark_read(const char *path, struct mark_place *out);
/* Whether it is an id; false: all zero, of a store that has none. */
bool mark_is_id(const uint8_t id[16]);

/* What an operator can do about a store that has lost something; the end of a sentence. */
#define MARK_ADVICE "bring back a backup (muster restore), or go on with what is left (muster repair)"
/* Whether a store that ends at `there` holds everything that was acknowledged, by the mark at `path`. A store without an
 * id needs no mark: it is new, or of a version that made none. MU_E_CORRUPT: it does not; why gets what is wrong ("it
 * ends at …"), and `lost` names the files that may have lost it. MU_E_IO. */
MU_MUST_USE enum mu_err mark_check(const char *path, const struct mark_place *there, const char *lost, char *why,
                                   size_t why_size);

/* One thread at a time. */
struct mark {
    int fd;
    unsigned slot; /* the next one to write */
    int64_t synced_ms;
    bool failed; /* the last write; logged once */
};
#define MARK_CLOSED \
    {               \
        .fd = -1    \
    }

/* Opens the file, or makes it, and marks `at`: on disk, with its directory, when this returns MU_OK.
 * MU_E_FULL, MU_E_IO. */
MU_MUST_USE enum mu_err mark_open(struct mark *m, const char *path, const struct mark_place *at);
/* Marks `at`, which is on disk. A failure is logged only: after damage the mark then promises less. */
void mark_put(struct mark *m, const struct mark_place *at);
void mark_close(struct mark *m);

#endif
