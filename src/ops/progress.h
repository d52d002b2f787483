#ifndef MUSTER_OPS_PROGRESS_H
#define MUSTER_OPS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* How far a long command is: one line on stderr that is written over, if that is a terminal. about: the
 * command; NULL: it was told to be quiet. */
struct progress {
    const char *about, *what; /* the caller may change what `what` points to */
    uint64_t done, total;     /* total 0: it is not known, and no bar is shown */
    bool shown;
    int64_t next_ms;
};
struct progress progress_of(const char *about, const char *what, uint64_t total);
void progress_add(struct progress *p, uint64_t done);
/* Clears the line; other output may follow. */
void progress_end(struct progress *p);

#endif
