#ifndef MUSTER_OPS_FILE_H
#define MUSTER_OPS_FILE_H

#include "base/buf.h"

/* In each function, why gets one sentence on failure. Any thread. */

/* For a system call that has just failed, with its errno: why becomes "cannot WHAT PATH: REASON". MU_E_FULL or
 * MU_E_IO. */
MU_MUST_USE enum mu_err file_fail(char *why, size_t why_size, const char *what, const char *path);

/* Appends the whole content of a file ("-" = standard input) to out. */
MU_MUST_USE enum mu_err file_read(const char *path, struct buf *out, char *why, size_t why_size);
/* The same for an open file; path is only for the sentence. */
MU_MUST_USE enum mu_err file_read_open(int fd, const char *path, struct buf *out, char *why, size_t why_size);

/* Makes a directory durably, with access for its owner only. An existing directory is left as it is. */
MU_MUST_USE enum mu_err file_make_dir(const char *path, char *why, size_t why_size);
/* Makes the names in a directory durable; file_sync_parent: the name of a file or directory in its parent directory. */
MU_MUST_USE enum mu_err file_sync_dir(const char *path, char *why, size_t why_size);
MU_MUST_USE enum mu_err file_sync_parent(const char *path, char *why, size_t why_size);

#endif
