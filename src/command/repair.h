#ifndef MUSTER_COMMAND_REPAIR_H
#define MUSTER_COMMAND_REPAIR_H

#include <stdio.h>

#include "base/err.h"

/* Puts what is readable of a damaged data directory into new stores, which agree with each other. The damaged stores
 * are kept in the directory, under another name. The caller has its lock and is its owner. What may be missing is
 * printed to `report`. MU_E_EXISTS: nothing is damaged, and nothing was done. On other errors why gets a sentence,
 * and the directory is as before, or another repair continues this one. */
MU_MUST_USE enum mu_err repair_directory(const char *dir, FILE *report, char *why, size_t why_size);

#endif
