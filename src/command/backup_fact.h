#ifndef MUSTER_COMMAND_BACKUP_FACT_H
#define MUSTER_COMMAND_BACKUP_FACT_H

#include "ops/operation.h"

/* What a data directory knows of its last backup. It is written when the backup has its name, so that one
 * which was broken off does not count. */
struct backup_fact {
    int64_t at_s; /* Unix seconds: the moment that it is of */
    uint64_t bytes;
    char dest[4096]; /* absolute */
};

/* MU_E_NOT_FOUND: there was none. */
MU_MUST_USE enum mu_err backup_fact_read(struct registry *reg, struct backup_fact *out);

/* The input of command_op_backup_done (commands.h), which keeps it. */
void backup_fact_request(struct buf *out, const struct backup_fact *fact);

#endif
