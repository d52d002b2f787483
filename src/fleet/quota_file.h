#ifndef MUSTER_FLEET_QUOTA_FILE_H
#define MUSTER_FLEET_QUOTA_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "model/quota.h"

/* What enterprises have used of this hour's quota, in the file `quotas` of the data directory, so that a new start goes
 * on counting; and what was granted to this node of it, in `granted`. The file is an array of struct quota by enterprise number, and it is mapped. So counting a call is a
 * write to memory, and the kernel keeps the page however the process ends. Nobody waits for the disk, so a machine that
 * loses its power may forget the last half minute.
 *
 * Each account shows whether it is whole (model/quota.h). A damaged one starts at zero, and the log says so. */
struct quota_file;

/* Opens dir/name, or creates it. MU_E_IO, MU_E_NOMEM: why gets one sentence. Before other threads use the fleet. */
MU_MUST_USE enum mu_err quota_file_open(struct quota_file **out, const char *dir, const char *name, char *why,
                                        size_t why_size);
/* Nobody may count any more. f may be NULL. */
void quota_file_close(struct quota_file *f);

/* The account of an enterprise; it lives until the file is closed. NULL: the disk is full, or the number is beyond
 * LIMIT_QUOTA_ACCOUNTS. One thread at a time. */
struct quota *quota_file_account(struct quota_file *f, uint32_t enterprise);

#endif
