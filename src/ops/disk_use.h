#ifndef MUSTER_OPS_DISK_USE_H
#define MUSTER_OPS_DISK_USE_H

#include <stdint.h>

/* How much room a data directory takes, and how much its disk has. In bytes. */
struct disk_use {
    uint64_t registry, journal;
    /* Marks, quotas, and the stores that a repair has put aside. A backup that is being made is not counted: most of
     * its files are those of the stores. */
    uint64_t other;
    uint64_t free, size; /* of the disk: free for the server, and in total; 0: not known */
};

/* Looks at every file, some 2 µs each. Files may appear and disappear meanwhile. */
void disk_use_read(const char *dir, struct disk_use *out);

#endif
