#ifndef MUSTER_TRANSFER_IMPORT_AHEAD_H
#define MUSTER_TRANSFER_IMPORT_AHEAD_H

#include "transfer/apply_entry.h"

/* For the rows of one transaction. */
struct import_ahead;
struct import_ahead *import_ahead_new(enum import_kind kind); /* NULL: no memory */
void import_ahead_free(struct import_ahead *a);               /* NULL is allowed */

/* Call it before each row; `rows` begins with it. After the last row, tx_end_ahead. */
MU_MUST_USE enum mu_err import_look_ahead(struct import_ahead *a, const struct apply *apply, struct str rows);

#endif
