#ifndef MUSTER_OPS_APPLY_COMMAND_H
#define MUSTER_OPS_APPLY_COMMAND_H

#include "base/buf.h"
#include "base/text.h"
#include "registry/registry.h"

/* Applies a file's content to an open registry; report gets what the operator is told. Returns the
 * exit status of `muster apply`: 0 applied, 2 mistakes in the file (a line each), 1 anything else.
 * Nothing of the file was taken unless it is 0. Not on a loop. */
int apply_content(struct registry *reg, struct str json, struct buf *report);

#endif
