#ifndef MUSTER_ACCESS_PACE_H
#define MUSTER_ACCESS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When a paced device may be sent what (device-access 2). Its firmware takes one packet per recv and loses a second
 * one in the same segment. So after a PUBLISH nothing is sent until the device has answered it, or for a second; and
 * a PUBLISH keeps a gap to the packet before it. Pure; times are the loop's milliseconds. All zero at the start of a
 * session. */
struct pace {
    uint64_t until_ms : 40; /* 34 years */
    uint64_t after : 3;     /* enum pace_after: why it waits until then */
    uint64_t sn : 21;       /* of the 0x0094 that would be the answer: enough of it to know it from those before */
};

/* May a packet that is no PUBLISH go now, if none is held back? (The answer to a request goes at once.) And may the
 * next waiting one go: a PUBLISH, or a packet that was held back? (They go one by one, with a gap.) */
bool pace_allows_packet(const struct pace *p, int64_t now_ms);
bool pace_allows_next(const struct pace *p, int64_t now_ms);
/* When that will be, if nothing else happens. */
int64_t pace_next_ms(const struct pace *p);

/* True, once, when the time for an answer is over without one. */
bool pace_gave_up(struct pace *p, int64_t now_ms);

void pace_packet_sent(struct pace *p, int64_t now_ms);
void pace_held_sent(struct pace *p, int64_t now_ms);
/* payload: a frame of app2dev, or bytes that are no frame. */
void pace_publish_sent(struct pace *p, const uint8_t *payload, size_t len, int64_t now_ms);
/* The device has published this; true if it is the answer that was waited for. */
bool pace_answered(struct pace *p, const uint8_t *payload, size_t len);

#endif
