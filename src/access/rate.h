#ifndef MUSTER_ACCESS_RATE_H
#define MUSTER_ACCESS_RATE_H

#include "access/mqtt_packet.h"
#include "model/frame.h"

struct session;

/* How fast a device may send (--device-messages, --device-bytes).
 *
 * A message over the rate that waits for an acknowledgement makes its session slow: the session is not read until there
 * is room. Unread bytes stay in the kernel, which stops the sender. So a backlog after an outage comes in as fast as
 * the rate allows. A message over the rate that waits for no acknowledgement ends the session. For a while after a
 * backlog it waits instead, since our own slowing made it come too fast.
 *
 * What a control makes a device send does not count: one answer (an echo, a 0x0094) and one report per control. Loop
 * thread. */

/* Takes the bytes of this packet of a live session. false: the session is slow now and the packet comes again, or the
 * session has ended. */
bool rate_take_bytes(struct session *s, const struct mqtt_head *head);
/* The same for a message. acknowledged: at QoS 1 or 2. frame: its frame; cmd 0 = none. */
bool rate_take_message(struct session *s, bool acknowledged, const struct frame *frame);

/* A control has been written. */
void rate_owe_answer(struct session *s);
/* Reads from a slow session again if its time has come. */
void rate_go_on(struct session *s);

#endif
