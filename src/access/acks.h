#ifndef MUSTER_ACCESS_ACKS_H
#define MUSTER_ACCESS_ACKS_H

#include "access/access_loop.h"

/* Acknowledgements on their way from the committer to the clients: done() gathers them per loop,
 * flush() sends what has gathered to the loop in one mail, and there each session's are written at
 * once. */

/* What tells a session which message was committed: its packet id and QoS. Never 0. */
static inline uint64_t ack_tag(uint16_t id, uint8_t qos)
{
    return (uint64_t)qos << 16 | id;
}

/* The commit_sink functions of a loop; the committer's thread. */
void acks_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err);
void acks_flush(struct commit_sink *sink);
void acks_free(struct acks *acks);

#endif
