#ifndef MUSTER_FLEET_PAST_H
#define MUSTER_FLEET_PAST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Days that are over, and whether what reports tell of them is still true (fleet_report_past in report.h):
 * whoever keeps an answer about such days keeps the version with it.
 *
 * Places, groups and marks are those of now, so the version changes when a device that was active or activated
 * on such a day is moved, disabled or deleted, when a group is, when one of the days itself changes, and when a
 * user who is or was bound is disabled or deleted, or a binding of such a day comes, or ends on it. Devices that
 * come and log in for the first time, or report today, leave it as it is. */
struct fleet;

struct past {
    uint64_t version;
    _Atomic bool asked; /* for this version; else it need not change */
};

/* With the fleet locked for writing. All of the past changes; or a day, and those after it; or that of a moment
 * (Unix seconds); or a device, before its product, place, group or mark does. */
void past_changes(struct fleet *f);
void past_day_changes(struct fleet *f, int32_t day);
void past_moment_changes(struct fleet *f, uint32_t unix_s);
void past_device_changes(struct fleet *f, uint32_t no);

#endif
