#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* One line per event to stderr: time=… level=… event=… key=value …
 *
 * The format writes the key=value pairs. A value that comes from outside goes through LOG_Q, which quotes and escapes
 * it, so that it stays one value on one line. Secrets, tokens and passcodes are never passed to these functions. Each
 * line is one write(2), so lines of several threads do not mix. Any thread.
 *
 * Between log_start and log_stop no call waits for the reader of stderr. A line that finds LIMIT_LOG_WAITING bytes
 * waiting is lost and counted, and event=log_lost tells how many were lost. Before and after, log_event writes the line
 * itself. */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level); /* error, warn, info, debug */
bool log_enabled(enum log_level level);

void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Starts the thread that writes. MU_E_NOMEM: it could not be started. Main thread, before others log. */
MU_MUST_USE enum mu_err log_start(void);
/* Before a sudden end: waits until all lines are written, but not for long (2 s). Any thread. */
void log_flush(void);
/* The same, then ends the thread. If the reader has stalled, the thread goes on until the process ends. Main thread; a
 * no-op without log_start. */
void log_stop(void);
/* Lines that were not written since the start. Any thread. */
uint64_t log_lost(void);

/* `text` quoted and escaped; at most 120 bytes of it are kept. A negative len means up to its
 * terminator; a NULL text gives "". Never NULL. For use inside log_event's arguments: the result
 * lives in `box`, which LOG_Q makes on the caller's stack. */
struct log_box {
    char text[500];
};
const char *log_quote(struct log_box *box, const char *text, long len);
#define LOG_Q(text, len) log_quote(&(struct log_box){ { 0 } }, (text), (long)(len))

#endif
