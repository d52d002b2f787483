#ifndef MUSTER_TRANSFER_EXPORT_H
#define MUSTER_TRANSFER_EXPORT_H

#include "base/json_out.h"
#include "transfer/import.h"

/* Rows in bulk, the other way: import_rows makes the same content of them in another, empty directory. That directory
 * must have the products and apps. The rows come in an order in which they can be imported. */
struct export_page {
    enum import_kind kind;
    uint32_t product; /* 0 = any; a user belongs to the products of his app */
    uint64_t after;   /* `next` of the page before; 0 = the first one */
    uint64_t limit;   /* rows; groups all come in one page */
    struct buf *rows; /* gets a JSON object on each line */
    /* Writes what a device did into its object (export_told). */
    void (*tell)(void *ctx, uint32_t device, struct json_out *j);
    void *ctx;
    uint64_t next; /* 0: it was the last page */
};
/* A page is as of one moment. */
MU_MUST_USE enum mu_err export_rows(struct registry *reg, struct export_page *page);

/* Writes the fields of a device's row that struct import_told is read from. days are in ascending order. */
void export_told(struct json_out *j, const struct import_told *told, const int32_t *days, size_t day_count);

#endif
