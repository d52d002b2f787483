#ifndef MUSTER_FLEET_QUOTA_FILE_H
#define MUSTER_FLEET_QUOTA_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "model/quota.h"

/* What enterprises have used of this hour's quota, in the data directory's file `quotas`, so that a new
 * start goes on counting. The file is an array of struct quota by the enterprise's number, and it is
 * mapped: counting a call is counting in memory, and whatever ends the process, the kernel has the page.
 * Nobody waits for the disk, so a machine that loses its power may forget its last half minute.
 *
 * An account says itself whether it is whole (model/quota.h); one that is not begins anew, and the log
 * tells. */
struct quota_file;

/* Opens dir/quotas, or makes it. why gets one sentence: MU_E_IO, MU_E_NOMEM. Before other threads use
 * the fleet. */
MU_MUST_USE enum mu_err quota_file_open(struct quota_file **out, const char *dir, char *why, size_t why_size);
/* Nobody counts any more. NULL is allowed. */
void quota_file_close(struct quota_file *f);

/* The account of an enterprise, which lives until the file is closed. NULL: the disk is full, or the
 * number beyond LIMIT_QUOTA_ACCOUNTS. One thread at a time. */
struct quota *quota_file_account(struct quota_file *f, uint32_t enterprise);

#endif
