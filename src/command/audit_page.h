#ifndef MUSTER_COMMAND_AUDIT_PAGE_H
#define MUSTER_COMMAND_AUDIT_PAGE_H

#include "command/audit_row.h"
#include "ops/operation.h"
#include "registry/audit.h"

/* A page of the audit log: what people have changed (registry) and what enterprises have asked of devices
 * (journal), merged in the order of time. Each side is read from a place on, at most so many rows of it
 * looked at, so that a page is short whatever the log holds and the filter leaves. */
struct audit_cursor {
    struct audit_place changes; /* behind which to go on; of controls `no` is the request */
    struct audit_place controls;
};

struct audit_filter {
    int64_t before_us;
    struct str enterprise_id, kind; /* "" = any */
    struct str id;                  /* of what was changed, or an id in what it consists of; "" = any */
    enum audit_layout layout;
};

/* Appends rows to out and moves the cursor on; *end: there are no more. Texts need the calendar. The
 * errors are the stores'. */
MU_MUST_USE enum mu_err audit_page(const struct stores *s, const struct audit_filter *filter,
                                   struct audit_cursor *cursor, struct buf *out, bool *end);

#endif
