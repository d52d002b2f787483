#ifndef MUSTER_MODEL_DATAPOINT_MOVED_H
#define MUSTER_MODEL_DATAPOINT_MOVED_H

#include "model/datapoint.h"

/* What changes in the bytes of a report from one definition to another: what a device with the firmware of
 * the first one sends is then decoded wrongly, or not at all. A point that only has another name, other
 * bounds, or more values than before changes nothing.
 *
 * Appends what has changed to out, "'mode': byte 0, bits 2-4, was byte 0, bits 1-3; …", at most `most` of
 * it; nothing if nothing has. Returns how much there is. Errors are the buffer's. Pure. */
size_t datapoint_moved(const struct datapoint_plan *before, const struct datapoint_plan *after, size_t most,
                       struct buf *out);

#endif
