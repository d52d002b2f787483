#ifndef MUSTER_FLEET_UNDECODED_LOG_H
#define MUSTER_FLEET_UNDECODED_LOG_H

#include <roaring/roaring.h>

#include "fleet/fleet_apply.h"
#include "model/undecoded.h"

/* What is said of reports that could not be decoded: counted by product and cause (fleet.h), and a line in
 * the log, of one device once an hour, and of all devices no more than UNDECODED_LINES. The committer's
 * thread. All zero at the start, but for the fleet. */
enum { UNDECODED_LINES = 1000 }; /* an hour; a definition that does not fit a million devices is told by the first */

struct undecoded_log {
    struct fleet *fleet;
    roaring_bitmap_t *told; /* devices, in this hour; NULL = none */
    uint32_t lines;
    int64_t until_ms; /* of the hour; monotonic */
};

/* A report of the device could not be decoded with the definition (NULL: there is none). */
void undecoded_log_add(struct undecoded_log *l, uint32_t device, const struct fleet_product *product,
                       const struct fleet_definition *d, const uint8_t *payload, size_t len);
void undecoded_log_free(struct undecoded_log *l);

#endif
