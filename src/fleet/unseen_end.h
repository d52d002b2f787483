#ifndef MUSTER_FLEET_UNSEEN_END_H
#define MUSTER_FLEET_UNSEEN_END_H

#include "fleet/fleet.h"

/* The end that nobody saw. A crash leaves a login without an end. Nothing is rewritten for it at the next
 * start (design): the committer writes the end when the device logs in again, and until then it is made
 * up here, as the committer would, from the start that the login happened in: one more record, the
 * newest. out->ts_us is 0 if none is missing. Any thread; reads the journal. */
void unseen_end(struct journal *journal, const struct fleet_device *device, struct journal_session *out);
/* When a session ended that an earlier start left open: at the last moment that is known of that start or of
 * the device. now_us: when it is asked, or when the device logs in again. */
int64_t unseen_end_us(struct journal *journal, uint64_t boot, int64_t last_message_us, int64_t last_session_us,
                      int64_t now_us);

#endif
