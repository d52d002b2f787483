#ifndef MUSTER_ACCESS_QOS2_H
#define MUSTER_ACCESS_QOS2_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/* The QoS 2 messages of a session between PUBLISH and PUBREL: a client that sends one again must not
 * have it recorded twice. Pure; all zero is empty. */
struct qos2 {
    uint16_t ids[LIMIT_MQTT_QOS2]; /* 0 = free */
    uint32_t recorded;             /* bit i: ids[i] is on disk */
};

_Static_assert(LIMIT_MQTT_QOS2 <= 32, "one bit each");

enum qos2_seen {
    QOS2_NEW,       /* it is kept now */
    QOS2_PENDING,   /* sent again, and not yet on disk */
    QOS2_RECORDED,  /* sent again after it was: only the PUBREC is to be repeated */
    QOS2_FULL,
};
enum qos2_seen qos2_receive(struct qos2 *q, uint16_t id);
void qos2_record(struct qos2 *q, uint16_t id);
/* false if the id is not known. */
bool qos2_release(struct qos2 *q, uint16_t id);

#endif
