#ifndef MUSTER_COMMAND_AUDIT_PAGE_H
#define MUSTER_COMMAND_AUDIT_PAGE_H

#include "command/audit_row.h"
#include "ops/operation.h"
#include "registry/audit.h"

/* A page of the audit log: changes by people (registry) and controls by enterprises (journal), merged by time. Each
 * side is read from a given place on. Only a limited number of its rows is read, so a page is fast however long the
 * log is and however few rows pass the filter. */
struct audit_cursor {
    struct audit_place changes; /* the page begins after these places; in controls, `no` is the request */
    struct audit_place controls;
};

struct audit_filter {
    int64_t before_us;
    struct str enterprise_id, kind; /* "" = any */
    struct str id;                  /* of the changed thing, or an id in the text of the change; "" = any */
    enum audit_layout layout;
};

/* Appends rows to out and moves the cursor forward. *end: there are no more. Texts need the calendar. Returns errors
 * of the stores. */
MU_MUST_USE enum mu_err audit_page(const struct stores *s, const struct audit_filter *filter,
                                   struct audit_cursor *cursor, struct buf *out, bool *end);

#endif
