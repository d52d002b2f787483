#ifndef MUSTER_OPS_FILE_H
#define MUSTER_OPS_FILE_H

#include "base/buf.h"

/* Appends the whole of a text file ("-" = standard input) to out, without the mark that some
 * programs put before UTF-8. why gets one sentence on failure. */
MU_MUST_USE enum mu_err file_read(const char *path, struct buf *out, char *why, size_t why_size);
/* Makes the names in a directory durable. */
MU_MUST_USE enum mu_err file_sync_dir(const char *path, char *why, size_t why_size);
/* Removes a directory and what is in it, as far as it can. */
void file_remove_tree(const char *path);

#endif
