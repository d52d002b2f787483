#ifndef MUSTER_COMMAND_AUDIT_ROW_H
#define MUSTER_COMMAND_AUDIT_ROW_H

#include "base/buf.h"
#include "model/calendar.h"
#include "registry/audit.h"

/* How a row of the audit log is written. */
enum audit_layout {
    AUDIT_BLOCK, /* a few lines that fit a terminal of 80 columns */
    AUDIT_WIDE,  /* columns, one line */
    AUDIT_JSON,  /* one line */
    AUDIT_LAYOUTS,
};

/* Writes the heading of wide columns. */
void audit_row_heading(struct buf *out);
/* error: the API's error code of a control; 0 = none. A failure is stored in the buffer (buf.err). */
void audit_row_write(struct buf *out, enum audit_layout layout, const struct calendar *calendar,
                     const struct audit_row *row, uint32_t error);

#endif
