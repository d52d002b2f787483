#ifndef MUSTER_ACCESS_PACE_H
#define MUSTER_ACCESS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When a paced device may be sent what (device-access 2). Its firmware takes one packet per recv:
 * a second one in the same segment is lost. So nothing follows a PUBLISH until the device has
 * answered it, or for a second, and no PUBLISH follows closely on another packet. Pure; times are
 * the loop's milliseconds. All zero at the start of a session. */
struct pace {
    int64_t answer_due_ms;  /* a PUBLISH is out: nothing else before this, or its answer; 0 = none */
    int64_t quiet_until_ms; /* no PUBLISH before this, nor a packet that was held back */
    int64_t apart_until_ms; /* no packet at all: one that was held back has just gone */
    uint32_t sn;            /* of the 0x0094 that would be the answer */
    uint16_t cmd;           /* that is out: FRAME_CONTROL, FRAME_NUMBERED, or 0: it has no answer */
};

/* May a packet that is no PUBLISH go now, none being held back? The answer to a request goes at
 * once. May the next of those that wait: a PUBLISH, or a packet that was held back? They go one by
 * one, with a gap between. */
bool pace_allows_packet(const struct pace *p, int64_t now_ms);
bool pace_allows_next(const struct pace *p, int64_t now_ms);
/* When that will be, if nothing else happens. */
int64_t pace_next_ms(const struct pace *p);

/* True, once, when the time for an answer is over without one. */
bool pace_gave_up(struct pace *p, int64_t now_ms);

void pace_packet_sent(struct pace *p, int64_t now_ms);
void pace_held_sent(struct pace *p, int64_t now_ms);
/* payload: a frame of app2dev, or what has none. */
void pace_publish_sent(struct pace *p, const uint8_t *payload, size_t len, int64_t now_ms);
/* The device has published this; true if it is the answer that was waited for. */
bool pace_answered(struct pace *p, const uint8_t *payload, size_t len);

#endif
