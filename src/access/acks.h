#ifndef MUSTER_ACCESS_ACKS_H
#define MUSTER_ACCESS_ACKS_H

#include "access/access_loop.h"

/* Acknowledgements on their way from the committer to the clients. done() gathers them per loop, flush() sends them
 * to the loop in one mail, and the loop writes those of each session together. */

/* What tells a session which message was committed and how it is acknowledged: by MQTT (qos 1 or 2, with
 * its packet id), by the frame of that serial number (device-access 3), or both. 0: not at all. Or it is the session's
 * login, before all its messages. */
struct ack_kind {
    bool login;
    uint8_t qos;
    uint16_t id;
    bool has_sn;
    uint32_t sn;
};

static inline uint64_t ack_tag(struct ack_kind k)
{
    return (uint64_t)k.sn << 32 | (uint64_t)k.login << 25 | (uint64_t)k.has_sn << 24 | (uint64_t)k.qos << 16 | k.id;
}

static inline struct ack_kind ack_kind_of(uint64_t tag)
{
    return (struct ack_kind){
        .login = tag >> 25 & 1,
        .qos = tag >> 16 & 0xff,
        .id = (uint16_t)tag,
        .has_sn = tag >> 24 & 1,
        .sn = (uint32_t)(tag >> 32),
    };
}

/* The commit_sink functions of a loop; the committer's thread. */
void acks_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err);
void acks_flush(struct commit_sink *sink);
void acks_free(struct acks *acks);

#endif
