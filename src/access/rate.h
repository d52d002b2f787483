#ifndef MUSTER_ACCESS_RATE_H
#define MUSTER_ACCESS_RATE_H

#include "access/mqtt_packet.h"
#include "model/frame.h"

struct session;

/* How fast a device may send (--device-messages, --device-bytes).
 *
 * A message over it that waits for an acknowledgement makes its session slow: the session is not read
 * from until there is room, and what is unread stays in the kernel, which stops the sender. So a backlog
 * after an outage comes in as fast as it may. A message that waits for nothing ends the session, but for a
 * while after a backlog was slowed: what stood behind that has come too fast by our own doing.
 *
 * What a control makes a device send is free of the message rate: per control one answer (an echo, a
 * 0x0094) and one report. Loop thread. */

/* What this packet of a live session costs. false: the session is slow now and the packet comes again,
 * or the session has ended. */
bool rate_take_bytes(struct session *s, const struct mqtt_head *head);
/* As above, for a message. acknowledged: at QoS 1 or 2. frame: what it is, cmd 0 = none. */
bool rate_take_message(struct session *s, bool acknowledged, const struct frame *frame);

/* A control has been written. */
void rate_owe_answer(struct session *s);
/* Reads from a slow session again if its time has come. */
void rate_go_on(struct session *s);

#endif
