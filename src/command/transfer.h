#ifndef MUSTER_COMMAND_TRANSFER_H
#define MUSTER_COMMAND_TRANSFER_H

#include <sys/types.h>

#include "ops/manifest.h"

/* Brings the files of a manifest from one directory into another. Both are open (dir.h): somebody else may
 * write in the first, and what is a link in it, or no regular file, or not what the manifest says, is not
 * taken. In the second nobody else can, as long as it takes. */
struct transfer {
    const char *about; /* the command, before its progress on a terminal */
    int from, to;
    const char *to_name; /* for a sentence */
    bool link;           /* rather shares a file than copies it, where the file system can */
    bool as_it_is;       /* also what is not what the manifest says */
    bool give;           /* what is made inside to this user and group */
    uid_t uid;
    gid_t gid;
};
/* All is synced at the end. why gets one sentence on failure; MU_E_FULL: it does not fit (of a copy on
 * another file system that is seen before it begins); MU_E_REFUSED, MU_E_CORRUPT: a file is not taken;
 * MU_E_CLOSED: SIGINT or SIGTERM came. What has been made stays. One at a time, on the main thread of a
 * command. */
MU_MUST_USE enum mu_err transfer_run(const struct transfer *t, const struct manifest *m, char *why, size_t why_size);
/* From now on SIGINT and SIGTERM do not end the process but a transfer. */
void transfer_catch_signals(void);

#endif
