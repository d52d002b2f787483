#ifndef MUSTER_OPS_PRIVILEGES_H
#define MUSTER_OPS_PRIVILEGES_H

#include <stddef.h>

#include "base/err.h"

/* Raises the number of descriptors this process may hold to its hard limit. */
void privileges_raise_descriptors(void);

/* MU_E_NOT_FOUND: the machine has no such user; MU_E_VALUE: it is root. why gets one sentence. */
MU_MUST_USE enum mu_err privileges_check_user(const char *user, char *why, size_t why_size);

/* Makes dir belong to user (it is created with mode 0700 if it is missing), so that files that root creates can be
 * used after privileges_drop. On failure why gets one sentence. */
MU_MUST_USE enum mu_err privileges_give_dir(const char *dir, const char *user, char *why, size_t why_size);

/* If the process is root and the directory belongs to another user: becomes that user for good, so that no file of
 * root's is left in it. Otherwise does nothing. Call it before any thread exists. */
MU_MUST_USE enum mu_err privileges_become_owner(const char *dir, char *why, size_t why_size);

/* Becomes user for a while, with his rights, so that new files belong to him; privileges_step_up ends it. Only from
 * root, and before any thread exists that opens files. On failure why gets one sentence. */
MU_MUST_USE enum mu_err privileges_step_down(const char *user, char *why, size_t why_size);
MU_MUST_USE enum mu_err privileges_step_up(char *why, size_t why_size);

/* Becomes user for good: groups, group, user; checks that there is no way back. Call it before any thread exists. */
MU_MUST_USE enum mu_err privileges_drop(const char *user, char *why, size_t why_size);

#endif
