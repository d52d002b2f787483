#ifndef MUSTER_COMMIT_UNSEEN_END_H
#define MUSTER_COMMIT_UNSEEN_END_H

#include "fleet/fleet.h"

/* The end of a session that nobody saw. A crash leaves a login without an end. The next start does not write one for
 * every such device (design): the committer writes it when the device logs in again. Until then this function makes up
 * the same record, from the start in which the device logged in: one more record, the newest. out->ts_us is 0 if no end
 * is missing. Any thread; reads the journal. */
void unseen_end(struct journal *journal, const struct fleet_device *device, struct journal_session *out);
/* When a session ended that an earlier start left open: at the last known moment of that start or of the device.
 * now_us: the moment of the question, or of the device's new login. */
int64_t unseen_end_us(struct journal *journal, uint64_t boot, int64_t last_message_us, int64_t last_session_us,
                      int64_t now_us);

#endif
