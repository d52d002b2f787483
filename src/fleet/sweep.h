#ifndef MUSTER_FLEET_SWEEP_H
#define MUSTER_FLEET_SWEEP_H

#include "fleet/fleet_apply.h"

/* What devices that have been deleted leave in the journal: state, versions and events, which are
 * swept out after the deletion has been shown. A crash in between leaves them behind; the next start
 * meets them while it rebuilds the fleet, finds no device of that number, and sweeps then. Messages and
 * session records expire by themselves: nothing leads to them, since a number is never given twice. Of
 * the days of activity the fleet's own sets are the truth, and a changed one is written again when the
 * days are folded (retention.h).
 *
 * Events lie in the order of their moments, whatever their devices, so all of them are looked through:
 * in slices, between which commits go on. On the committer's thread, between commits. */
struct sweep {
    struct fleet *fleet;
    struct journal *journal;
    struct journal_batch *writes;    /* empty between steps */
    struct roaring_bitmap_s *wanted; /* whose events this pass removes; NULL: none runs */
    int64_t from_us;                 /* it has looked through the events opened before */
};

bool sweep_is_due(const struct sweep *s);
/* Does a part of it, in one commit. The errors are the journal's; the part is then due again. */
MU_MUST_USE enum mu_err sweep_step(struct sweep *s, int64_t now_us);
void sweep_free(struct sweep *s);

#endif
