#ifndef MUSTER_REGISTRY_COPY_ROWS_H
#define MUSTER_REGISTRY_COPY_ROWS_H

#include "registry/registry.h"

/* Copying a whole registry into another store: every row as it is, with its numbers, and the numbers that the next rows
 * get. The change feed is left out, but not its last number: each start visits everything. One at a time in a process.
 *
 * While a database is being copied into, the fact REGISTRY_COPYING is in it, and registry_open_store refuses it. So
 * what an interrupted copy has left cannot be taken for the whole. */
#define REGISTRY_COPYING "copying"

/* As registry_open_store, but opens such a database, too. */
MU_MUST_USE enum mu_err registry_open_target(struct registry **out, const char *uri, char *why, size_t why_size);
/* *begun: an interrupted copy has left something. *empty: there is nothing in it that a copy would have to keep. */
MU_MUST_USE enum mu_err registry_look_at_target(struct registry *to, bool *begun, bool *empty);
/* Sets the mark, and deletes all that is there. Only over PostgreSQL. */
MU_MUST_USE enum mu_err registry_clear_target(struct registry *to);
/* Takes the mark away. */
MU_MUST_USE enum mu_err registry_finish_target(struct registry *to);

/* Copies in one transaction, and compares how many rows each table has then. `to` is empty. step is called for each row.
 * On failure why, which is empty, may get a sentence. */
MU_MUST_USE enum mu_err registry_copy(struct registry *from, struct registry *to, void (*step)(void *ctx), void *ctx,
                                      char *why, size_t why_size);

#endif
