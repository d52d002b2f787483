#ifndef MUSTER_ACCESS_MQTT_CONNECT_H
#define MUSTER_ACCESS_MQTT_CONNECT_H

#include "access/mqtt_packet.h"

/* What a CONNECT says. Texts point into the packet. */
struct mqtt_connect {
    enum mqtt_version version;
    bool clean;
    bool has_will, will_retain;
    uint8_t will_qos;
    struct str will_topic, will_payload;
    uint16_t keep_alive; /* seconds; 0 = none */
    struct str client_id;
    bool has_user, has_password;
    struct str user, password;
    struct mqtt_properties properties; /* 5.0 */
};

/* Reads the body of a CONNECT: MQIsdp level 3, MQTT levels 4 and 5. Pure.
 *
 * On failure out->version says in which form to answer: MQTT_UNKNOWN if this is not MQTT at all. MQTT_BAD_VERSION: a
 * level that we do not speak. */
enum mqtt_reason mqtt_read_connect(struct bytes body, struct mqtt_connect *out);

/* The CONNACK code of 3.1 and 3.1.1 for a reason. 0: there is none, and the connection ends without an answer. */
uint8_t mqtt_connack_code(enum mqtt_reason reason);

#endif
