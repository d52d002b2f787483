#ifndef MUSTER_COMMAND_EXPORT_OPERATION_H
#define MUSTER_COMMAND_EXPORT_OPERATION_H

#include "ops/operation.h"
#include "registry/import.h"

/* A page of rows from the place where the data directory is open. */

#define EXPORT_PAGE_MAX (60u * 1024 * 1024) /* less than an answer; half a million groups come in one */

/* after: `next` of the page before, 0 = the first one. product_key: NULL = of all. */
void export_operation_request(struct buf *out, enum import_kind kind, uint64_t after, const char *product_key);
/* Of an answer that is done: JSON objects, one a line; *next is 0 after the last page. */
bool export_operation_answer(struct str answer, uint64_t *next, struct str *rows);

#endif
