#ifndef MUSTER_COMMIT_REBUILD_H
#define MUSTER_COMMIT_REBUILD_H

#include "fleet/fleet_apply.h"

/* Devices whose state may not count their last messages (journal_state.followed), in the order of their numbers. */
struct followed {
    uint32_t *at;
    size_t count;
    uint32_t cap;
};

/* MU_E_NOMEM. */
MU_MUST_USE enum mu_err rebuild_followed_add(struct followed *f, uint32_t device);
void rebuild_followed_free(struct followed *f);

/* Fills an empty fleet from both stores, and forgets what the journal has of devices that are gone. *seq is the number
 * of the last change of the registry that the fleet shows. `followed` gets the devices whose messages must be read
 * again (catch_up.h). The caller's thread builds; a second thread reads and has ended when this returns. Nobody else
 * may use the fleet meanwhile.
 *
 * Returns the stores' errors (MU_E_CORRUPT also for a row without its parent) or MU_E_NOMEM. The fleet is then half
 * full and can only be destroyed. */
MU_MUST_USE enum mu_err rebuild_fleet(struct fleet *f, struct registry *reg, struct journal *j, uint64_t *seq,
                                      struct followed *followed);

#endif
