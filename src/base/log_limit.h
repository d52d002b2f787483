#ifndef MUSTER_BASE_LOG_LIMIT_H
#define MUSTER_BASE_LOG_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Limits the log lines of one kind, so that a failure that repeats, or a peer, does not fill the log: `at_once` of them,
 * and then one in `every_ms`. All zero: none was written yet. */
struct log_limit {
    _Atomic int64_t paid_ms; /* every line that was written has had its every_ms by then */
    _Atomic uint32_t left_out;
};

/* Whether a line may be written. If so, *suppressed is how many were left out since the last one; if not, this one is
 * counted. Nothing of it blocks. mono_ms is a monotonic clock. Any thread. */
bool log_limit_may(struct log_limit *l, int64_t every_ms, int64_t at_once, int64_t mono_ms, uint32_t *suppressed);

#endif
