#ifndef MUSTER_COMMAND_CHECK_H
#define MUSTER_COMMAND_CHECK_H

#include <stdio.h>

#include "base/err.h"

/* Becomes the owner of dir (privileges_become_owner), so that no link in it leads to what is not for him.
 * Stays who it is if the owner himself cannot reach dir. */
MU_MUST_USE enum mu_err check_as_owner(const char *dir, char *why, size_t why_size);

struct check_result {
    FILE *report;                /* gets every mistake */
    FILE *counts;                /* gets what has been looked at; NULL: nobody wants it */
    unsigned long long mistakes; /* how many there are */
};

/* Looks at all that is in a directory, which nobody else uses and which stays as it is: a data directory
 * (whose lock the caller has) or a backup. MU_OK: it has looked at everything. Else why gets one sentence. */
MU_MUST_USE enum mu_err check_directory(const char *about, const char *dir, struct check_result *result, char *why,
                                        size_t why_size);

#endif
