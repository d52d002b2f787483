#ifndef MUSTER_COMMAND_DEVICE_UNDECODED_H
#define MUSTER_COMMAND_DEVICE_UNDECODED_H

#include "fleet/fleet.h"
#include "ops/operation.h"

/* Writes, for example: "12 of its last 12 messages were not decoded: 13 bytes, the definition wants 14". false: all
 * were decoded, or there is no recent message that could be decoded. Reads the journal: not for a loop. */
bool device_undecoded(const struct operation_call *call, const struct fleet_device *d, char *out, size_t size);

#endif
