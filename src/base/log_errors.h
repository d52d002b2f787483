#ifndef MUSTER_BASE_LOG_ERRORS_H
#define MUSTER_BASE_LOG_ERRORS_H

#include <stddef.h>
#include <stdint.h>

/* The last errors of the log, kept in memory for `muster status`: one for each event name, since a full disk causes many
 * lines a second. */

enum { LOG_ERRORS_KEPT = 8 };

struct log_error {
    char event[48];
    char line[400];          /* its key=value pairs, cut; may be cut within a character */
    int64_t first_s, last_s; /* Unix seconds */
    uint64_t count;
};

/* The last one first; returns how many. Any thread. */
size_t log_errors(struct log_error out[LOG_ERRORS_KEPT]);

/* For log_event. pairs is terminated. Any thread. */
void log_errors_keep(const char *event, const char *pairs, int64_t now_s);

#endif
