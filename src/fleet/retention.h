#ifndef MUSTER_FLEET_RETENTION_H
#define MUSTER_FLEET_RETENTION_H

#include "fleet/fleet_apply.h"

/* What is looked back on for a while: the days of activity, the events, which are counted from their end
 * on, so that an open one stays, and the audit log of controls. On the committer's thread, between commits.
 *
 * A finished day of activity is also folded: its entries, one for each device, become one set in the
 * journal, so that a start reads a bit a device and not a record. The set is the fleet's, which has
 * all that the journal has, so folding twice does no harm, nor does a crash before or after. */
struct retention {
    struct fleet *fleet;
    struct journal *journal;
    struct journal_batch *writes; /* empty between commits */
    int32_t today;
    int64_t now_us;
    unsigned keep_days;
};

/* Does all that is due, in batches of LIMIT_BATCH. The errors are the journal's; what has been
 * committed by then is done. */
MU_MUST_USE enum mu_err retention_run(struct retention *r);

#endif
