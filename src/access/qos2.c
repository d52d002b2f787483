#include "access/qos2.h"

static int find(const struct qos2 *q, uint16_t id)
{
    for (int i = 0; i < LIMIT_MQTT_QOS2; i++) {
        if (q->ids[i] == id)
            return i;
    }
    return -1;
}

enum qos2_seen qos2_receive(struct qos2 *q, uint16_t id)
{
    int i = find(q, id);
    if (i >= 0)
        return q->recorded >> i & 1 ? QOS2_RECORDED : QOS2_PENDING;
    if ((i = find(q, 0)) < 0)
        return QOS2_FULL;
    q->ids[i] = id;
    q->recorded &= ~(UINT32_C(1) << i);
    return QOS2_NEW;
}

void qos2_record(struct qos2 *q, uint16_t id)
{
    int i = find(q, id);
    if (i >= 0)
        q->recorded |= UINT32_C(1) << i;
}

bool qos2_release(struct qos2 *q, uint16_t id)
{
    int i = find(q, id);
    if (i < 0)
        return false;
    q->ids[i] = 0;
    return true;
}
