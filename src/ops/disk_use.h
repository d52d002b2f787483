#ifndef MUSTER_OPS_DISK_USE_H
#define MUSTER_OPS_DISK_USE_H

#include <stdint.h>

/* How much room a data directory takes, and how much its disk has. Bytes. */
struct disk_use {
    uint64_t registry, journal;
    uint64_t other;      /* marks, quotas, what a repair has put aside; not a backup that is just being made,
                            whose files are mostly those of the stores */
    uint64_t free, size; /* of the disk: what the server may still use, and all; 0: not known */
};

/* Looks at every file, some 2 µs each. Files may come and go meanwhile. */
void disk_use_read(const char *dir, struct disk_use *out);

#endif
