#ifndef MUSTER_REGISTRY_EXPORT_H
#define MUSTER_REGISTRY_EXPORT_H

#include "base/json_out.h"
#include "registry/import.h"

/* Rows in bulk the other way: what import_rows makes the same of in another, empty directory that has
 * the products and apps. In the order in which they can be imported. */
struct export_page {
    enum import_kind kind;
    uint32_t product; /* 0 = any; a user is of the products of his app */
    uint64_t after;   /* `next` of the page before; 0 = the first one */
    uint64_t limit;   /* rows, but groups come all at once */
    struct buf *rows; /* gets a JSON object a line */
    /* Writes into the object of a device what it did (export_told). */
    void (*tell)(void *ctx, uint32_t device, struct json_out *j);
    void *ctx;
    uint64_t next; /* 0: it was the last page */
};
/* As of one moment. */
MU_MUST_USE enum mu_err export_rows(struct registry *reg, struct export_page *page);

/* The fields of a device's row that import_told is read from. days ascend. */
void export_told(struct json_out *j, const struct import_told *told, const int32_t *days, size_t day_count);

#endif
