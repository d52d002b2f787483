#ifndef MUSTER_OPS_DATA_DIR_H
#define MUSTER_OPS_DATA_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* New stores that wait to replace damaged ones (command/repair.c). */
#define DATA_DIR_REPAIRED "repair.ready"
/* While a copy into a directory is being made, this file is in it. It becomes the file "lock" when all is there, and
 * whoever makes the copy has it locked. */
#define DATA_DIR_COPYING "copying"

/* The data directory: one per server, mode 0700, locked while it is in use. */
struct data_dir {
    char *path;
    int lock_fd;
    bool made; /* data_dir_open made it; it was no data directory before */
};

/* Whether path is a data directory or may become one: it does not exist, is empty, or is one already. So a mistyped
 * path (--data /tmp) harms nothing. *is_new: it is not a data directory yet. On failure why gets one sentence.
 * MU_E_VALUE, MU_E_CORRUPT (an interrupted restore), MU_E_IO. */
MU_MUST_USE enum mu_err data_dir_check(const char *path, bool *is_new, char *why, size_t why_size);

/* Checks the directory, creates it if needed and locks it. On failure why gets one sentence. MU_E_LOCKED: in use;
 * MU_E_VALUE: it is the directory of something else; MU_E_IO, and the other errors of data_dir_check. */
MU_MUST_USE enum mu_err data_dir_open(struct data_dir *d, const char *path, char *why, size_t why_size);
void data_dir_close(struct data_dir *d);
/* Locks an existing data directory as long as the returned descriptor is open; creates nothing. -1 with errno on
 * failure: ENOENT: it is no data directory; EWOULDBLOCK: another process has the lock. */
int data_dir_hold(const char *path);

/* Path of the socket by which commands reach the server; malloc'ed, NULL without memory. */
char *data_dir_socket_path(const char *dir);

#endif
