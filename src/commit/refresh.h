#ifndef MUSTER_COMMIT_REFRESH_H
#define MUSTER_COMMIT_REFRESH_H

#include "fleet/fleet_apply.h"
#include "journal/journal.h"

/* What neither a device's state nor a delta has, its events, is read from the store that several nodes share. Any thread
 * may read it; the committer's thread shows it. All zero is empty. */
struct refresh {
    uint32_t *devices;
    uint32_t count, cap;
    struct fleet_mark *marks; /* of the devices, before they were read */
    struct refreshed_event {
        uint32_t device;
        struct journal_event e;
        char *name;
    } * events; /* in the order of the devices */
    uint32_t event_count, event_cap;
};

/* MU_E_NOMEM. */
MU_MUST_USE enum mu_err refresh_add(struct refresh *r, uint32_t device);
/* Returns the journal's errors, or MU_E_NOMEM; then it can be read again. */
MU_MUST_USE enum mu_err refresh_read(struct refresh *r, struct fleet *f, struct journal *j);
/* On the committer's thread. What was read on another one may be older than what this node has committed since: adds
 * these devices to `again`, which is empty, and reads it. Errors as above. */
MU_MUST_USE enum mu_err refresh_again(const struct refresh *r, struct fleet *f, struct journal *j,
                                      struct refresh *again);
/* Between fleet_apply_begin and fleet_apply_end. */
void refresh_show(const struct refresh *r, struct fleet *f);
void refresh_free(struct refresh *r);

#endif
