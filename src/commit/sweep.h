#ifndef MUSTER_COMMIT_SWEEP_H
#define MUSTER_COMMIT_SWEEP_H

#include "fleet/fleet_apply.h"

/* Removes what deleted devices leave in the journal: state, versions and events. They are swept after the fleet has
 * shown the deletion. A crash in between leaves them behind. The next start meets them while it rebuilds the fleet,
 * finds no device of that number, and sweeps then. Messages and session records expire by themselves: nothing leads to
 * them, since a number is never given twice. For the days of activity the fleet's own sets decide; a changed one is
 * written again when the days are folded (retention.h).
 *
 * Where other nodes write the journal, too, each of them sweeps after it has shown the deletion: what it has committed
 * before goes then. The days keep the device's number until they are old; a start leaves it out.
 *
 * Events lie in the order of their moments, not by device. So all of them are looked through, in slices, and commits go
 * on between the slices. (A shared journal finds them by device.) On the committer's thread, between commits. */
struct sweep {
    struct fleet *fleet;
    struct journal *journal;
    struct journal_batch *writes;    /* empty between steps */
    struct roaring_bitmap_s *wanted; /* the devices whose events this pass removes; NULL: no pass runs */
    int64_t from_us;                 /* events that were opened before this are done */
};

bool sweep_is_due(const struct sweep *s);
/* Does a part of the work, in one commit. Returns the journal's errors; the part is then still due. */
MU_MUST_USE enum mu_err sweep_step(struct sweep *s, int64_t now_us);
/* Drops a pass that runs. */
void sweep_free(struct sweep *s);

#endif
