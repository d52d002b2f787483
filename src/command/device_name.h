#ifndef MUSTER_COMMAND_DEVICE_NAME_H
#define MUSTER_COMMAND_DEVICE_NAME_H

#include "fleet/fleet.h"
#include "ops/operation.h"

/* How people name a device, wherever a command takes one. */
#define DEVICE_NAMES "a did, PRODUCT_KEY/MAC, or a mac that only one product knows"

/* The one device that people mean: its did, PRODUCT_KEY/MAC, or a mac that one product knows. false: none, or
 * several; the answer says which, and what to do about it. Where the fleet is open. */
bool device_name_find(const struct operation_call *call, struct str name, struct fleet_device *out);
/* Macs are compared as bytes: of one that is written in another way says which device has it. */
void device_name_hint(const struct operation_call *call, struct str name);

#endif
