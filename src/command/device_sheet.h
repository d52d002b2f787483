#ifndef MUSTER_COMMAND_DEVICE_SHEET_H
#define MUSTER_COMMAND_DEVICE_SHEET_H

#include "ops/operation.h"

/* All that is known of one device, as text for people: what it is, whether it is here and since when,
 * its session, versions, last sessions and messages, and why it was refused of late. The first line says
 * what keeps it away, if something does. name is what the operator called it by. */
void device_sheet(const struct operation_call *call, const struct fleet_device *device);

/* The same for a name that no device has: the refusals alone. False if there are none. */
bool device_sheet_of_stranger(const struct operation_call *call, struct str name);

#endif
