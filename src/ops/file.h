#ifndef MUSTER_OPS_FILE_H
#define MUSTER_OPS_FILE_H

#include "base/buf.h"

/* Appends the whole of a file ("-" = standard input) to out. why gets one sentence on failure. */
MU_MUST_USE enum mu_err file_read(const char *path, struct buf *out, char *why, size_t why_size);

#endif
