#ifndef MUSTER_COMMIT_RETENTION_H
#define MUSTER_COMMIT_RETENTION_H

#include "fleet/fleet_apply.h"

/* Drops what is kept only for a while: the days of activity; the events, counted from their end, so that an open event
 * stays; the audit log of controls. On the committer's thread, between commits.
 *
 * A finished day of activity is also folded: its entries, one for each device, become one set in the journal. So a
 * start reads a bit for each device and not a record. The set is taken from the fleet, which has all that the journal
 * has. So folding twice does no harm, nor does a crash before or after.
 *
 * Where other nodes write the journal, too, the fleet may lag. There a node only drops days from its fleet, and one of
 * the nodes (commit_nodes.keeps_house) drops events and controls for all. The others follow by its deltas. It also calls
 * retention_keep_days, which folds and drops the journal's days. */
struct commit_nodes;
struct retention {
    struct fleet *fleet;
    struct journal *journal;
    struct journal_batch *writes; /* empty between commits */
    int32_t today;
    int64_t now_us;
    unsigned keep_days;
    const struct commit_nodes *nodes; /* NULL: there are no other nodes */
    uint64_t registry;                /* the last change of the registry that the fleet shows */
};

/* Does all that is due, in batches of LIMIT_BATCH. Returns the journal's errors; what was committed before an error is
 * done. */
MU_MUST_USE enum mu_err retention_run(struct retention *r);

/* Of a shared journal, any thread: folds the days before today, and forgets those of keep_days ago and more. */
MU_MUST_USE enum mu_err retention_keep_days(struct journal *j, int32_t today, unsigned keep_days);

#endif
