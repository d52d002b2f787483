#ifndef MUSTER_REGISTRY_CONFIG_H
#define MUSTER_REGISTRY_CONFIG_H

#include "base/buf.h"
#include "registry/registry.h"

/* What `apply` has configured, read back: enterprises, products and apps. */

struct config_page {
    enum registry_kind kind; /* one of these three */
    bool json;               /* a JSON object a line: what config_show has of it, but no definition, and with
                                 counts; else a line of columns for people, the name last */
    uint32_t after;          /* `next` of the page before; 0 = the first one */
    uint64_t limit;
    struct buf *rows; /* gets them, in the order in which they were made */
    uint32_t next;    /* 0: it was the last page */
};
/* As of one moment. Any thread, not a loop. */
MU_MUST_USE enum mu_err config_list(struct registry *reg, struct config_page *page);
/* The line above the columns. */
void config_heading(enum registry_kind kind, struct buf *out);

/* One of them as an apply file: applied to the same registry it changes nothing. Secrets are told only where they
 * are asked for, and are kept in clear: of a product. MU_E_NOT_FOUND: nothing has this id. */
MU_MUST_USE enum mu_err config_show(struct registry *reg, enum registry_kind kind, const char *id, bool secrets,
                                    struct buf *out);

#endif
