#ifndef MUSTER_FLEET_CATCH_UP_H
#define MUSTER_FLEET_CATCH_UP_H

#include "fleet/batch.h"
#include "fleet/rebuild.h"

/* A device that reports often has its state written now and then only (lagging.h). So after a crash its last messages
 * are not counted in it: they are read again here, by the definitions under which they came, which gives the state
 * that there was.
 *
 * Which devices: those whose state in the journal says that messages may follow, as fleet_rebuild tells them. On the
 * committer's thread, or before it starts. */

/* Brings the fleet up to their messages, and what has to agree with a state: an open fault has an event, the last day
 * of activity its entry. All of that is there, but where damage has taken it (muster repair). Then writes it, at the
 * moment now_us, or not, for who may write nothing. The errors are the journal's. */
#define CATCH_UP_UNWRITTEN INT64_MIN
MU_MUST_USE enum mu_err catch_up(struct batch *b, const struct followed *f, int64_t now_us);

#endif
