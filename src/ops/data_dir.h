#ifndef MUSTER_OPS_DATA_DIR_H
#define MUSTER_OPS_DATA_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* New stores that wait to take the places of damaged ones (command/repair.c). */
#define DATA_DIR_REPAIRED "repair.ready"

/* The data directory: one per server, mode 0700, locked while it is in use. */
struct data_dir {
    char *path;
    int lock_fd;
    bool made; /* by data_dir_open: it was none before */
};

/* Whether path may become or is a data directory: it is not there, is empty, or is one already. So a
 * slip (--data /tmp) harms nothing. *is_new: it is none yet. why gets one sentence. MU_E_VALUE, MU_E_IO. */
MU_MUST_USE enum mu_err data_dir_check(const char *path, bool *is_new, char *why, size_t why_size);

/* Checks it, creates it if needed and locks it. why gets one sentence. MU_E_LOCKED: in use; MU_E_VALUE:
 * something else's directory; MU_E_IO. */
MU_MUST_USE enum mu_err data_dir_open(struct data_dir *d, const char *path, char *why, size_t why_size);
void data_dir_close(struct data_dir *d);
/* Keeps others away from a data directory as long as the descriptor is open, and makes nothing. -1 with errno:
 * ENOENT: it is none; EWOULDBLOCK: somebody has it. */
int data_dir_hold(const char *path);

/* path of the socket by which commands reach the server; malloc'ed, NULL without memory. */
char *data_dir_socket_path(const char *dir);

#endif
