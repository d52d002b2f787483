#ifndef MUSTER_COMMIT_REFRESH_H
#define MUSTER_COMMIT_REFRESH_H

#include "fleet/fleet_apply.h"
#include "journal/journal.h"

/* Devices' events and versions, read from a store that several nodes share: neither a state nor a delta has them. Any
 * thread may read them; the committer's thread shows them. All zero is empty. */
struct refresh_list {
    uint32_t *devices;
    uint32_t count, cap;
    struct fleet_mark *marks; /* of the devices, before they were read */
};

struct refresh {
    struct refresh_list events_of, versions_of;
    struct refreshed_event {
        uint32_t device;
        struct journal_event e;
        char *name;
    } * events; /* in the order of the devices */
    uint32_t event_count, event_cap;
    struct refreshed_versions {
        uint32_t device;
        struct journal_versions v;
    } * versions;
    uint32_t version_count, version_cap;
};

/* Says what is to be read of a device. MU_E_NOMEM. */
MU_MUST_USE enum mu_err refresh_events(struct refresh *r, uint32_t device);
MU_MUST_USE enum mu_err refresh_versions(struct refresh *r, uint32_t device);
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
