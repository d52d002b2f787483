#ifndef MUSTER_FLEET_LAGGING_H
#define MUSTER_FLEET_LAGGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The devices whose state in the journal lags: their last messages are not counted in it yet, and a start reads
 * these as well (catch_up.h). A device that reports often gets into line; when LAG_MESSAGES more have come from
 * all, or after LAG_LONGEST_US, its state is written, and it goes to the end of the line if it has reported
 * meanwhile, or out of it. What a start has to read is bounded by these numbers, whatever the fleet does.
 * The committer's thread.
 *
 * A batch asks (lagging_due, lagging_may_enter) while it is filled, and tells what became of it when it is
 * committed: a commit that fails has changed nothing here. */
#define LAG_MESSAGES   (256 * 1024)             /* half a second of a start, to decode them again */
#define LAG_DEVICES    (64 * 1024)              /* another half, to find where each one's begin */
#define LAG_LONGEST_US (600 * INT64_C(1000000)) /* far below the shortest retention */
#define LAG_AT_ONCE    4096                     /* states that are due in one commit, at most */

enum { LAG_MARKS = 8 };

struct lag {
    uint32_t device;
    uint64_t number; /* running number of its last message that its state counts */
    uint64_t since;  /* as lagging.messages, when it got into line */
    int64_t since_us;
};

struct lagging {
    struct lag *at; /* a ring of LAG_DEVICES */
    uint32_t first, count;
    uint64_t *has; /* a bit for each device number */
    uint32_t words;
    uint64_t messages;          /* of all devices, committed so far */
    int64_t mark_us[LAG_MARKS]; /* when every LAG_MESSAGES / LAG_MARKS of them had come, in turn */
    int64_t now_us;             /* of the last commit; monotonic */
};

/* false: no memory. */
bool lagging_init(struct lagging *l);
void lagging_free(struct lagging *l);

bool lagging_has(const struct lagging *l, uint32_t device);
/* Whether there is room for one more beside `entering`. false also without memory. */
bool lagging_may_enter(struct lagging *l, uint32_t device, uint32_t entering);
/* The time in which LAG_MESSAGES came lately, at most LAG_LONGEST_US. A device whose messages are further apart
 * gains nothing here. */
int64_t lagging_span_us(const struct lagging *l);

/* How many of the line, from its front, are due when `messages` more are committed. */
uint32_t lagging_due(const struct lagging *l, size_t messages, int64_t now_us);
const struct lag *lagging_peek(const struct lagging *l, uint32_t place);

/* A commit that has succeeded: the first `due` leave, `messages` are counted; then those who enter. */
void lagging_committed(struct lagging *l, uint32_t due, size_t messages, int64_t now_us);
void lagging_enter(struct lagging *l, uint32_t device, uint64_t number);

#endif
