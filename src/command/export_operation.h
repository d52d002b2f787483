#ifndef MUSTER_COMMAND_EXPORT_OPERATION_H
#define MUSTER_COMMAND_EXPORT_OPERATION_H

#include "ops/operation.h"
#include "transfer/import.h"

/* A page of exported rows, from the process that has the data directory open. */

#define EXPORT_PAGE_MAX (60u * 1024 * 1024) /* less than an answer may have; half a million groups come in one page */

/* Writes the request. after: `next` of the previous page; 0: the first page. product_key: NULL = all products. */
void export_operation_request(struct buf *out, enum import_kind kind, uint64_t after, const char *product_key);
/* Splits a successful answer: rows are JSON objects, one in each line; *next is 0 after the last page. */
bool export_operation_answer(struct str answer, uint64_t *next, struct str *rows);

#endif
