#ifndef MUSTER_COMMAND_DEVICE_SHEET_H
#define MUSTER_COMMAND_DEVICE_SHEET_H

#include "ops/operation.h"

/* Everything that is known about one device, as text for people: what it is; whether it is online and since when;
 * its session, versions, last sessions and messages; and recent refusals with reasons. The first line says what
 * keeps it offline, if anything does. */
void device_sheet(const struct operation_call *call, const struct fleet_device *device);

/* The same for a name that no device has: only the refusals. False if there are none. */
bool device_sheet_of_stranger(const struct operation_call *call, struct str name);

#endif
