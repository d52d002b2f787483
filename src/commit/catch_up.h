#ifndef MUSTER_COMMIT_CATCH_UP_H
#define MUSTER_COMMIT_CATCH_UP_H

#include "commit/batch.h"
#include "commit/rebuild.h"

/* The state of a device that reports often is written only now and then (lagging.h). So after a crash it does not count
 * the device's last messages. They are read again here, under the definitions under which they came, which gives the
 * state of before the crash.
 *
 * The devices are those whose state in the journal says that messages may follow; rebuild_fleet lists them. On the
 * committer's thread, or before it starts. */

/* Brings the fleet up to the last messages of these devices. Also makes sure that everything agrees with the states: an
 * open fault has an event, the last day of activity has its entry. These are there unless damage has taken them (muster
 * repair). Then writes it all with the time now_us, or writes nothing if now_us is CATCH_UP_UNWRITTEN. Returns the
 * journal's errors. */
#define CATCH_UP_UNWRITTEN INT64_MIN
MU_MUST_USE enum mu_err catch_up(struct batch *b, const struct followed *f, int64_t now_us);

/* Only adds the messages of these devices to a batch that is committed elsewhere. When the fleet has their events, too,
 * batch_reconcile is to be called for each. */
MU_MUST_USE enum mu_err catch_up_messages(struct batch *b, const uint32_t *devices, size_t count);

#endif
