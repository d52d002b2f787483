#ifndef MUSTER_COMMAND_BACKUP_FACT_H
#define MUSTER_COMMAND_BACKUP_FACT_H

#include "ops/operation.h"

/* What a data directory knows about its last backup. It is stored when the backup has its final name, so a backup
 * that was broken off does not count. */
struct backup_fact {
    int64_t at_s; /* Unix seconds: the moment of the backup's content */
    uint64_t bytes;
    char dest[4096]; /* absolute */
};

/* MU_E_NOT_FOUND: there was no backup yet. */
MU_MUST_USE enum mu_err backup_fact_read(struct registry *reg, struct backup_fact *out);

/* Writes the input of command_op_backup_done (commands.h), which stores the fact. */
void backup_fact_request(struct buf *out, const struct backup_fact *fact);

#endif
