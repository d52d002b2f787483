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

/* Brings the fleet up to their messages and writes their states, and what should agree with these: the first or the
 * last message of an open fault, a day of activity. All of it is there, but where damage has taken it (muster repair).
 * The errors are the journal's. */
MU_MUST_USE enum mu_err catch_up(struct batch *b, const struct followed *f, int64_t now_us);
/* The same of the fleet alone, for who may write nothing. */
MU_MUST_USE enum mu_err catch_up_unwritten(struct batch *b, const struct followed *f);

#endif
