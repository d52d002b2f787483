#ifndef MUSTER_SIM_SIM_MQTT_H
#define MUSTER_SIM_SIM_MQTT_H

#include "sim/sim_device.h"

/* The device's end of MQTT: packets out, packets in. Loop thread. */

void sim_mqtt_login(struct sim_device *d);
void sim_mqtt_report(struct sim_device *d); /* what its values are now; takes a packet id for QoS 1 */
void sim_mqtt_ping(struct sim_device *d);
void sim_mqtt_logout(struct sim_device *d);
size_t sim_mqtt_data(struct sim_device *d, const uint8_t *bytes, size_t len);

/* What it tells the device. */
void sim_device_running(struct sim_device *d);
void sim_device_acked(struct sim_device *d, uint16_t id);

#endif
