#ifndef MUSTER_COMMIT_UNDECODED_LOG_H
#define MUSTER_COMMIT_UNDECODED_LOG_H

#include "base/bitmap.h"
#include "fleet/fleet_apply.h"
#include "model/undecoded.h"

/* Reports that could not be decoded. They are counted by product and cause (fleet.h). The log gets a line about a
 * device at most once an hour, and about all devices at most UNDECODED_LINES an hour. The committer's thread. All zero
 * at the start, except `fleet`. */
/* per hour; if a definition does not fit a million devices, the first thousand show it */
enum { UNDECODED_LINES = 1000 };

struct undecoded_log {
    struct fleet *fleet;
    roaring_bitmap_t *told; /* devices that had a line in this hour; NULL = none */
    uint32_t lines;
    int64_t until_ms; /* end of the hour; monotonic */
};

/* A report of the device could not be decoded by the definition (NULL: there is none). */
void undecoded_log_add(struct undecoded_log *l, uint32_t device, const struct fleet_product *product,
                       const struct fleet_definition *d, const uint8_t *payload, size_t len);
void undecoded_log_free(struct undecoded_log *l);

#endif
