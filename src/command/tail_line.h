#ifndef MUSTER_COMMAND_TAIL_LINE_H
#define MUSTER_COMMAND_TAIL_LINE_H

#include "commit/watch.h"
#include "model/calendar.h"

/* The line that muster tail shows for an event, with its newline. A failure is stored in the buffer (buf.err). Pure. */

/* "2026-11-30 10:59:15.123+08:00 DID report {"switch":1}"; the time is in the calendar's zone. */
void tail_line_text(struct buf *out, const struct watch_event *e, const struct calendar *calendar);
/* The same as a JSON object. */
void tail_line_json(struct buf *out, const struct watch_event *e);
/* The line that says that events were left out. */
void tail_line_lost(struct buf *out, uint64_t count, bool json);

#endif
