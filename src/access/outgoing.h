#ifndef MUSTER_ACCESS_OUTGOING_H
#define MUSTER_ACCESS_OUTGOING_H

#include "access/pace.h"
#include "base/buf.h"
#include "commit/control_request.h"

struct session;

/* What is sent to a device. Most devices get it at once. A paced device gets it as its pacing allows: one packet per
 * write; PUBLISHes wait in a queue, and the packets behind them wait too. Loop thread. */
struct outgoing {
    struct outbox *box; /* NULL: nothing waits */
    struct pace pace;
    uint32_t packet_max;              /* that the client takes (5.0) */
    uint16_t in_flight_max;           /* that the client wants (5.0) */
    uint8_t answers_due, reports_due; /* that the device may send for controls it got: rate.h */
};

/* Writes whole packets that are no PUBLISH; for a paced session one packet at a time. */
void outgoing_packet(struct session *s, const void *bytes, size_t len);
/* The 0x0094 that answers a report with this serial number, if the device hears controls. It is added to `together`,
 * which the caller sends afterwards; a paced session gets it in a write of its own, now or later. */
void outgoing_frame_ack(struct session *s, struct buf *together, uint32_t sn);
/* Publishes the frame, now or later; done() follows in any case. */
void outgoing_control(struct session *s, struct control_request *req);
/* Answers a question for the number of app clients, now or later. */
void outgoing_answer(struct session *s);

/* The device has published this: perhaps the answer that pacing waits for. */
void outgoing_answered(struct session *s, const uint8_t *payload, size_t len);
/* Does a control with this packet id wait for its PUBACK? */
bool outgoing_is_in_flight(const struct session *s, uint16_t id);
/* The device has acknowledged a packet id. */
void outgoing_acked(struct session *s, uint16_t id);
/* conn has given all to the kernel. */
void outgoing_drained(struct session *s);
/* The session is read again: only from now on can an acknowledgement be heard. */
void outgoing_listen(struct session *s);
/* The controls that the kernel has not taken; and those of them that conn has. */
unsigned outgoing_queued(const struct session *s);
unsigned outgoing_unsent(const struct session *s);

/* Writes what may go by now and fails what has waited too long; may end the session. */
void outgoing_go_on(struct session *s);
/* When to call it at the latest; INT64_MAX = no need. */
int64_t outgoing_due_ms(const struct session *s);
/* Writes what is held back, all of it: the session is about to end. */
void outgoing_release_held(struct session *s);
/* The session ends: what waits fails. */
void outgoing_end(struct session *s);

#endif
