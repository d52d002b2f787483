#ifndef MUSTER_TRANSFER_CONFIG_H
#define MUSTER_TRANSFER_CONFIG_H

#include "base/buf.h"
#include "registry/registry.h"

/* Reads back what `apply` has configured: enterprises, products and apps. */

struct config_page {
    enum registry_kind kind; /* one of the three */
    /* true: a JSON object on each line, like that of config_show but without definitions and with counts. false: a line
     * of columns for people, the name last. */
    bool json;
    uint32_t after; /* `next` of the page before; 0 = the first one */
    uint64_t limit;
    struct buf *rows; /* gets the lines, in the order in which the things were made */
    uint32_t next;    /* 0: it was the last page */
};
/* A page is as of one moment. Any thread but an event loop's. */
MU_MUST_USE enum mu_err config_list(struct registry *reg, struct config_page *page);
/* Appends the line above the columns. */
void config_heading(enum registry_kind kind, struct buf *out);

/* Writes one of them as an apply file. Applied to the same registry, the file changes nothing. Secrets are written only
 * if `secrets` is set, and only those that are kept in clear: a product's. MU_E_NOT_FOUND: nothing has this id. */
MU_MUST_USE enum mu_err config_show(struct registry *reg, enum registry_kind kind, const char *id, bool secrets,
                                    struct buf *out);

#endif
