#ifndef MUSTER_COMMAND_TRANSFER_H
#define MUSTER_COMMAND_TRANSFER_H

#include <sys/types.h>

#include "ops/manifest.h"

/* Brings the files of a manifest from one directory into another, which exists. */
struct transfer {
    const char *about;         /* the command, before its progress on a terminal */
    const char *from, *to;
    bool link;                 /* rather shares a file than copies it, where the file system can */
    bool give;                 /* to this user and group */
    uid_t uid;
    gid_t gid;
};
/* All is synced at the end. why gets one sentence on failure; MU_E_FULL: it does not fit (of a copy on
 * another file system that is seen before it begins); MU_E_CLOSED: SIGINT or SIGTERM came. What has
 * been made stays. One at a time, on the main thread of a command. */
MU_MUST_USE enum mu_err transfer_run(const struct transfer *t, const struct manifest *m, char *why,
                                     size_t why_size);
/* From now on SIGINT and SIGTERM do not end the process but a transfer. */
void transfer_catch_signals(void);

#endif
