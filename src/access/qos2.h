#ifndef MUSTER_ACCESS_QOS2_H
#define MUSTER_ACCESS_QOS2_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/* The QoS 2 messages of a session between PUBLISH and PUBREL: a message that is sent again must not be recorded
 * twice. Pure. */
struct qos2; /* NULL is empty; free() it */

enum qos2_seen {
    QOS2_NEW,      /* it is kept now */
    QOS2_PENDING,  /* sent again, and not yet on disk */
    QOS2_RECORDED, /* sent again, and on disk: only the PUBREC must be repeated */
    QOS2_FULL,     /* there are `most` already */
    QOS2_NO_MEMORY,
};
enum qos2_seen qos2_receive(struct qos2 **q, uint16_t id, unsigned most);
/* Messages are recorded in the order in which they were received. */
void qos2_record(struct qos2 *q, uint16_t id);
/* false if the id is not known. */
bool qos2_release(struct qos2 *q, uint16_t id);

#endif
