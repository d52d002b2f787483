#ifndef MUSTER_SIM_SIM_FLEET_H
#define MUSTER_SIM_SIM_FLEET_H

#include <stddef.h>

#include "base/err.h"
#include "sim/sim_device.h"

/* Gives the devices their macs and passcodes.
 *
 * file      lines "mac,passcode", one per device; or NULL: made from the product key and the
 *           device's index, so that a later run meets the same devices
 * count     how many are wanted; with a file 0 means all of it, and *count says how many there are
 *
 * The devices are malloc'ed and initialised. why gets one sentence on failure. */
MU_MUST_USE enum mu_err sim_fleet_create(const struct sim_options *options, const char *file, size_t *count,
                                         struct sim_device **devices, char *why, size_t why_size);
void sim_fleet_free(struct sim_device *devices, size_t count);

#endif
