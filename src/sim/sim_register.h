#ifndef MUSTER_SIM_SIM_REGISTER_H
#define MUSTER_SIM_SIM_REGISTER_H

#include "sim/sim_device.h"

/* The device's end of /dev: registering, and asking where the broker is. Loop thread. */

void sim_register_request(struct sim_device *d); /* of its present step */
size_t sim_register_data(struct sim_device *d, const uint8_t *bytes, size_t len);

/* What it tells the device. */
void sim_device_registered(struct sim_device *d, const char *did);
void sim_device_provisioned(struct sim_device *d, const struct net_address *broker);

#endif
