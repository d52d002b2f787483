#ifndef MUSTER_MODEL_DATAPOINT_MOVED_H
#define MUSTER_MODEL_DATAPOINT_MOVED_H

#include "model/datapoint.h"

/* Compares where two definitions expect the points of a report. If a point has moved, reports of a device with the old
 * firmware are decoded wrongly, or not at all. Another name, other bounds or more values than before move nothing.
 *
 * Appends what has moved to out, as "'mode': byte 0, bits 2-4, was byte 0, bits 1-3; …": at most `most` entries.
 * Returns how many points have moved. out's err tells of a failure. Pure. */
size_t datapoint_moved(const struct datapoint_plan *before, const struct datapoint_plan *after, size_t most,
                       struct buf *out);

#endif
