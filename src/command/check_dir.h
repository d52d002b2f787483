#ifndef MUSTER_COMMAND_CHECK_DIR_H
#define MUSTER_COMMAND_CHECK_DIR_H

#include <stdio.h>

#include "ops/stores.h"

/* Becomes the owner of dir (privileges_become_owner), so that links in it lead to nothing that he may not read. Does
 * not change the user if the owner himself cannot reach dir. */
MU_MUST_USE enum mu_err check_dir_as_owner(const char *dir, char *why, size_t why_size);

/* Becomes its owner, as above, and locks a data directory as long as *fd is open. A backup has no lock: *fd stays -1.
 * MU_E_LOCKED: it is in use. */
MU_MUST_USE enum mu_err check_dir_lock(const char *dir, int *fd, char *why, size_t why_size);
/* Open the stores of a place that nobody else uses, so that nothing in it changes. */
MU_MUST_USE enum mu_err check_dir_open_registry(struct registry **out, const struct stores_where *where, char *why,
                                                size_t why_size);
MU_MUST_USE enum mu_err check_dir_open_journal(struct journal **out, const struct stores_where *where,
                                               struct registry *registry, char *why, size_t why_size);

struct check_dir_result {
    FILE *report;                /* every mistake is printed here */
    FILE *counts;                /* counts of what was read are printed here; NULL: nowhere */
    unsigned long long mistakes; /* number of mistakes */
};

/* Checks everything in a data directory (the caller has its lock), in a backup, or in a database. Nobody else may use it
 * (MU_E_LOCKED: a database is in use); nothing in it is changed. MU_OK: everything was read. Otherwise why gets one
 * sentence. */
MU_MUST_USE enum mu_err check_dir(const char *about, const struct stores_where *where, struct check_dir_result *result,
                                  char *why, size_t why_size);

#endif
