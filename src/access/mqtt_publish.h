#ifndef MUSTER_ACCESS_MQTT_PUBLISH_H
#define MUSTER_ACCESS_MQTT_PUBLISH_H

#include "access/mqtt_packet.h"

/* What a PUBLISH says. topic and payload point into the packet. */
struct mqtt_publish {
    uint8_t qos;
    uint16_t id; /* 0 at QoS 0 */
    struct str topic;
    const uint8_t *payload;
    size_t payload_len;
};

/* Pure. Retained messages and topic aliases are refused in 5.0, where our CONNACK has said that
 * there are none; before it the retain flag means nothing to us. */
enum mqtt_reason mqtt_read_publish(uint8_t flags, struct bytes body, enum mqtt_version version,
                                   struct mqtt_publish *out);

#endif
