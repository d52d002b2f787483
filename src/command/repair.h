#ifndef MUSTER_COMMAND_REPAIR_H
#define MUSTER_COMMAND_REPAIR_H

#include <stdio.h>

#include "base/err.h"

/* Puts what is left of a damaged data directory into new stores, which agree with each other, and keeps the
 * damaged ones aside, in the directory. The caller has its lock and is its owner. What may be missing is
 * printed to `report`. MU_E_EXISTS: nothing is damaged, and nothing was done. Otherwise why gets a sentence,
 * and the directory is as it was, or repairing it again goes on. */
MU_MUST_USE enum mu_err repair_directory(const char *dir, FILE *report, char *why, size_t why_size);

#endif
