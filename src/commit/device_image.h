#ifndef MUSTER_COMMIT_DEVICE_IMAGE_H
#define MUSTER_COMMIT_DEVICE_IMAGE_H

#include "base/buf.h"
#include "fleet/fleet.h"
#include "journal/journal.h"

/* A device's datapoints as they are on record now. The index has them for the sessions of this process. Other nodes'
 * deltas do not bring them (fleet/delta.h), so for a device of theirs the journal is read. */
struct device_image {
    const struct fleet_definition *definition; /* that `bytes` are written under; NULL: it has reported none yet */
    struct buf bytes;
};

/* *out is filled in any case, and freed by the caller. Returns the journal's errors, or MU_E_NOMEM. May block if the
 * journal is shared (journal_is_shared). Any thread. */
MU_MUST_USE enum mu_err device_image_read(struct fleet *f, struct journal *j, const struct fleet_device *d,
                                          struct device_image *out);
void device_image_free(struct device_image *image);

#endif
