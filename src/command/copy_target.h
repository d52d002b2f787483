#ifndef MUSTER_COMMAND_COPY_TARGET_H
#define MUSTER_COMMAND_COPY_TARGET_H

#include "ops/stores.h"

/* Where a copy goes: a new directory, or an empty database. Until copy_target_finish no server starts there, whatever
 * happens: a directory has the file DATA_DIR_COPYING and no lock, a database has the fact REGISTRY_COPYING. */
struct copy_target {
    struct stores_where where;
    int dir, lock; /* open descriptors of a directory and of its DATA_DIR_COPYING; -1: none */
    bool again;    /* an interrupted copy had left something, which is gone now */
    struct registry *registry;
    struct journal *journal;
};

/* Locks it, and opens its registry, which is empty; of a database the journal, too. On failure why gets a sentence.
 * MU_E_VALUE: it is not empty; MU_E_LOCKED: it is in use. In any case it must be closed. */
MU_MUST_USE enum mu_err copy_target_open(struct copy_target *t, char *why, size_t why_size);
/* Opens the journal of a directory when the registry has been copied. */
MU_MUST_USE enum mu_err copy_target_open_journal(struct copy_target *t, char *why, size_t why_size);
/* Closes the stores; then the place can be used. */
MU_MUST_USE enum mu_err copy_target_finish(struct copy_target *t, char *why, size_t why_size);
void copy_target_close(struct copy_target *t);

#endif
