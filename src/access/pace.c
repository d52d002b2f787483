#include "access/pace.h"

#include "model/frame.h"

#define ANSWER_MS 1000 /* a device that does not answer has read the packet by then */
#define GAP_MS    100  /* for the device to come back to its recv */

bool pace_allows_packet(const struct pace *p, int64_t now_ms)
{
    return now_ms >= p->answer_due_ms && now_ms >= p->apart_until_ms;
}

int64_t pace_next_ms(const struct pace *p)
{
    return p->answer_due_ms > p->quiet_until_ms ? p->answer_due_ms : p->quiet_until_ms;
}

bool pace_allows_next(const struct pace *p, int64_t now_ms)
{
    return now_ms >= pace_next_ms(p);
}

bool pace_gave_up(struct pace *p, int64_t now_ms)
{
    if (p->answer_due_ms == 0 || now_ms < p->answer_due_ms)
        return false;
    p->answer_due_ms = 0;
    return true;
}

void pace_packet_sent(struct pace *p, int64_t now_ms)
{
    p->quiet_until_ms = now_ms + GAP_MS;
}

void pace_held_sent(struct pace *p, int64_t now_ms)
{
    p->quiet_until_ms = p->apart_until_ms = now_ms + GAP_MS;
}

void pace_publish_sent(struct pace *p, const uint8_t *payload, size_t len, int64_t now_ms)
{
    struct frame f;

    p->answer_due_ms = now_ms + ANSWER_MS;
    p->cmd = 0;
    if (frame_parse(payload, len, &f) == MU_OK) {
        p->cmd = f.cmd;
        p->sn = f.sn;
    }
}

bool pace_answered(struct pace *p, const uint8_t *payload, size_t len)
{
    struct frame f;

    if (p->answer_due_ms == 0 || p->cmd == 0 || frame_parse(payload, len, &f) != MU_OK)
        return false;
    bool echo = p->cmd == FRAME_CONTROL && f.cmd == FRAME_REPORT && f.p0_len == 0;
    bool ack = p->cmd == FRAME_NUMBERED && f.cmd == FRAME_ACK && f.sn == p->sn;
    if (!echo && !ack)
        return false;
    p->answer_due_ms = 0;
    p->cmd = 0;
    return true;
}
