#ifndef MUSTER_OPS_PRIVILEGES_H
#define MUSTER_OPS_PRIVILEGES_H

#include <stddef.h>

#include "base/err.h"

/* Raises the number of descriptors this process may hold to its hard limit. */
void privileges_raise_descriptors(void);

/* MU_E_NOT_FOUND: the machine has no such user; MU_E_VALUE: it is root. why gets one sentence. */
MU_MUST_USE enum mu_err privileges_check_user(const char *user, char *why, size_t why_size);

/* Makes dir (created with mode 0700 if it is missing) belong to user, so that what root has
 * created can be used after privileges_drop. why gets one sentence on failure. */
MU_MUST_USE enum mu_err privileges_give_dir(const char *dir, const char *user, char *why, size_t why_size);

/* Started as root on a directory of somebody else's: becomes that user for good, so that no file of
 * root's is left in it. Otherwise nothing. Before any thread exists. */
MU_MUST_USE enum mu_err privileges_become_owner(const char *dir, char *why, size_t why_size);

/* Becomes user for a while, to do what he may and leave files that are his; privileges_step_up ends it.
 * Only from root, and before any thread exists that opens files. why gets one sentence on failure. */
MU_MUST_USE enum mu_err privileges_step_down(const char *user, char *why, size_t why_size);
MU_MUST_USE enum mu_err privileges_step_up(char *why, size_t why_size);

/* Becomes user for good: groups, group, user; checks that there is no way back. Before any thread
 * exists. */
MU_MUST_USE enum mu_err privileges_drop(const char *user, char *why, size_t why_size);

#endif
