#ifndef MUSTER_OPS_STORES_PRIVATE_H
#define MUSTER_OPS_STORES_PRIVATE_H

#include "ops/stores.h"

/* The two places that stores have: each opens the registry first, and later the journal. */

/* --- stores_dir.c: a data directory ---------------------------------------------------------------------- */

/* Checks both stores before either is changed. registry_begin then goes on with the registry. */
MU_MUST_USE enum mu_err stores_dir_look(struct registry **registry, const char *dir, struct registry_place *place,
                                        char *why, size_t why_size);
MU_MUST_USE enum mu_err stores_dir_open_journal(struct stores *s, unsigned retention_days, char *why, size_t why_size);

/* --- stores_database.c: a database ----------------------------------------------------------------------- */

/* Compares the directory with the database that it was used with, and notes this one in a new directory. */
MU_MUST_USE enum mu_err stores_database_note(const struct stores *s, char *why, size_t why_size);
/* What opening would refuse. Changes nothing. *out is the registry, to be closed also after a failure. */
MU_MUST_USE enum mu_err stores_database_check(struct registry **out, const struct stores_where *where, char *why,
                                              size_t why_size);
/* MU_E_LOCKED: another process has it open. */
MU_MUST_USE enum mu_err stores_database_open_journal(struct stores *s, unsigned retention_days, char *why,
                                                     size_t why_size);

/* For a command that changes only the registry, beside servers: MU_E_LOCKED if another process has the database alone. */
MU_MUST_USE enum mu_err stores_database_share(struct stores *s, char *why, size_t why_size);

#endif
