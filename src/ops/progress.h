#ifndef MUSTER_OPS_PROGRESS_H
#define MUSTER_OPS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Shows the progress of a long command: one line on stderr that is overwritten, if stderr is a terminal. about: the
 * command; NULL: show nothing (--quiet). */
struct progress {
    const char *about, *what; /* the caller may change the text that `what` points to */
    uint64_t done, total;     /* total 0: not known, so no bar is shown */
    bool shown;
    int64_t next_ms;
};
struct progress progress_of(const char *about, const char *what, uint64_t total);
void progress_add(struct progress *p, uint64_t done);
/* Clears the line; other output may follow. */
void progress_end(struct progress *p);

#endif
