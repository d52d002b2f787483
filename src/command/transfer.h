#ifndef MUSTER_COMMAND_TRANSFER_H
#define MUSTER_COMMAND_TRANSFER_H

#include <sys/types.h>

#include "ops/manifest.h"

/* Brings the files of a manifest from one directory into another. Both are open (dir.h). Somebody else may write in
 * the first: links, files that are not regular, and files that differ from the manifest are not taken. Nobody else
 * may be able to write in the second until the transfer is done. */
struct transfer {
    const char *about; /* the command's name, for progress on a terminal; NULL: no progress */
    int from, to;
    const char *to_name; /* for error texts */
    bool link;           /* link files instead of copying them, where the file system can */
    bool as_it_is;       /* take files that differ from the manifest, too */
    bool give;           /* give files and directories made inside to this user and group */
    uid_t uid;
    gid_t gid;
};
/* Brings all files and syncs them. On failure why gets one sentence. MU_E_FULL: there is no room (for a copy to
 * another file system this is seen before it begins); MU_E_REFUSED, MU_E_CORRUPT: a file is not taken; MU_E_CLOSED:
 * SIGINT or SIGTERM came. What has been made stays. One at a time, on the main thread of a command. */
MU_MUST_USE enum mu_err transfer_run(const struct transfer *t, const struct manifest *m, char *why, size_t why_size);
/* From now on SIGINT and SIGTERM end a transfer instead of the process. */
void transfer_catch_signals(void);

#endif
