#include "access/pace.h"

#include "model/frame.h"

#define ANSWER_MS 1000 /* by then a device that does not answer has read the packet */
#define GAP_MS    100  /* for the device to come back to its recv */

#define TIME_MASK ((UINT64_C(1) << 40) - 1)
#define SN_MASK   ((UINT32_C(1) << 21) - 1)

enum pace_after {
    AFTER_PACKET,   /* no PUBLISH goes, nor a packet that was held back */
    AFTER_HELD,     /* one that was held back has just gone: nothing goes */
    AFTER_PUBLISH,  /* nothing goes, and no answer would tell that it has been read */
    AFTER_CONTROL,  /* nothing goes before its echo */
    AFTER_NUMBERED, /* nothing goes before its 0x0094 */
};

static void wait(struct pace *p, int64_t until_ms, enum pace_after after)
{
    p->until_ms = (uint64_t)until_ms & TIME_MASK;
    p->after = after & 7u;
}

int64_t pace_next_ms(const struct pace *p)
{
    return (int64_t)p->until_ms;
}

bool pace_allows_next(const struct pace *p, int64_t now_ms)
{
    return now_ms >= pace_next_ms(p);
}

bool pace_allows_packet(const struct pace *p, int64_t now_ms)
{
    return p->after == AFTER_PACKET || pace_allows_next(p, now_ms);
}

bool pace_gave_up(struct pace *p, int64_t now_ms)
{
    if (p->after < AFTER_PUBLISH || !pace_allows_next(p, now_ms))
        return false;
    wait(p, 0, AFTER_PACKET);
    return true;
}

void pace_packet_sent(struct pace *p, int64_t now_ms)
{
    wait(p, now_ms + GAP_MS, AFTER_PACKET);
}

void pace_held_sent(struct pace *p, int64_t now_ms)
{
    wait(p, now_ms + GAP_MS, AFTER_HELD);
}

void pace_publish_sent(struct pace *p, const uint8_t *payload, size_t len, int64_t now_ms)
{
    struct frame f;

    wait(p, now_ms + ANSWER_MS, AFTER_PUBLISH);
    if (frame_parse(payload, len, &f) != MU_OK)
        return;
    if (f.cmd == FRAME_CONTROL)
        p->after = AFTER_CONTROL;
    else if (f.cmd == FRAME_NUMBERED)
        p->after = AFTER_NUMBERED;
    p->sn = f.sn & SN_MASK;
}

bool pace_answered(struct pace *p, const uint8_t *payload, size_t len)
{
    struct frame f;

    if (p->after < AFTER_CONTROL || frame_parse(payload, len, &f) != MU_OK)
        return false;
    bool echo = p->after == AFTER_CONTROL && f.cmd == FRAME_REPORT && f.p0_len == 0;
    bool ack = p->after == AFTER_NUMBERED && f.cmd == FRAME_ACK && (f.sn & SN_MASK) == p->sn;
    if (!echo && !ack)
        return false;
    wait(p, 0, AFTER_PACKET);
    return true;
}
