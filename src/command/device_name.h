#ifndef MUSTER_COMMAND_DEVICE_NAME_H
#define MUSTER_COMMAND_DEVICE_NAME_H

#include "fleet/fleet.h"
#include "ops/operation.h"

/* How people name a device, in every command that takes one. */
#define DEVICE_NAMES "a did, PRODUCT_KEY/MAC, or a mac that only one product knows"

/* Finds the device that a name means: a did, PRODUCT_KEY/MAC, or a mac that only one product has. false: no device,
 * or several; the answer then says which, and what to do. The fleet must be open. */
bool device_name_find(const struct operation_call *call, struct str name, struct fleet_device *out);
/* Macs are compared byte by byte. If name is a device's mac in another spelling, this says which device that is. */
void device_name_hint(const struct operation_call *call, struct str name);

#endif
