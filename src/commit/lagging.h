#ifndef MUSTER_COMMIT_LAGGING_H
#define MUSTER_COMMIT_LAGGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The devices whose state in the journal lags: it does not count their last messages yet, and a start reads these
 * messages too (catch_up.h). A device that reports often joins a line. Its state is written when LAG_MESSAGES more
 * messages have come from all devices, or after LAG_LONGEST_US. Then it goes to the end of the line if it has reported
 * meanwhile, or leaves the line. So these numbers limit what a start has to read, whatever the fleet does. The
 * committer's thread.
 *
 * A batch asks lagging_due and lagging_may_enter while it is filled, and reports the result after it is committed. A
 * commit that fails changes nothing here. */
#define LAG_MESSAGES   (256 * 1024)             /* a start decodes them again in half a second */
#define LAG_DEVICES    (64 * 1024)              /* it takes another half to find where each one's messages begin */
#define LAG_LONGEST_US (600 * INT64_C(1000000)) /* far below the shortest retention */
#define LAG_AT_ONCE    4096                     /* at most this many states are due in one commit */

enum { LAG_MARKS = 8 };

struct lag {
    uint32_t device;
    uint64_t number; /* running number of the last message that its state counts */
    uint64_t since;  /* value of lagging.messages when it joined the line */
    int64_t since_us;
};

struct lagging {
    struct lag *at; /* a ring of LAG_DEVICES */
    uint32_t first, count;
    uint64_t *has; /* a bit for each device number */
    uint32_t words;
    uint64_t messages;          /* of all devices, committed so far */
    int64_t mark_us[LAG_MARKS]; /* when each LAG_MESSAGES / LAG_MARKS of them had come, in turn */
    int64_t now_us;             /* moment of the last commit; monotonic */
};

/* false: no memory. */
bool lagging_init(struct lagging *l);
void lagging_free(struct lagging *l);

bool lagging_has(const struct lagging *l, uint32_t device);
/* Whether there is room for one more device besides `entering` others. false also without memory. */
bool lagging_may_enter(struct lagging *l, uint32_t device, uint32_t entering);
/* The time in which the last LAG_MESSAGES messages came, at most LAG_LONGEST_US. A device whose messages are further
 * apart gains nothing here. */
int64_t lagging_span_us(const struct lagging *l);

/* How many devices, from the front of the line, are due when `messages` more are committed. */
uint32_t lagging_due(const struct lagging *l, size_t messages, int64_t now_us);
const struct lag *lagging_peek(const struct lagging *l, uint32_t place);

/* After a commit that has succeeded: the first `due` devices leave and `messages` are counted. Then lagging_enter is
 * called for each device that joins. */
void lagging_committed(struct lagging *l, uint32_t due, size_t messages, int64_t now_us);
void lagging_enter(struct lagging *l, uint32_t device, uint64_t number);

#endif
