#ifndef MUSTER_FLEET_PAST_H
#define MUSTER_FLEET_PAST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Tells whether an answer about days that are over is still true (fleet_get_past in report.h). A caller that keeps
 * such an answer keeps the version with it.
 *
 * Reports use the places, groups and disabled marks of now. So the version changes:
 *
 * - when a device that was active or activated on such a day is moved, disabled or deleted;
 * - when a group is moved or deleted;
 * - when one of the days itself changes;
 * - when a user who is or was bound is disabled or deleted;
 * - when a binding that began on such a day is added, or a binding ends on such a day.
 *
 * It does not change when a device is added, logs in for the first time, or reports today. */
struct fleet;

struct past {
    uint64_t version;
    _Atomic bool asked; /* a caller has this version; otherwise it need not change */
};

/* With the fleet locked for writing. They say what has changed: all of the past; a day, and those after it; the past
 * since a moment (Unix seconds); a device. The last is called before the device's product, place, group or mark
 * changes. */
void past_changes(struct fleet *f);
void past_day_changes(struct fleet *f, int32_t day);
void past_moment_changes(struct fleet *f, uint32_t unix_s);
void past_device_changes(struct fleet *f, uint32_t no);

#endif
