#include "access/handle.h"

#include "access/send.h"

/* PUBACK of what we have published at QoS 1. */
void handle_puback(struct session *s, uint8_t flags, struct bytes body)
{
    uint16_t id;
    enum mqtt_reason reason = mqtt_read_ack(body, s->version, &id);

    (void)flags;
    if (reason == MQTT_SUCCESS)
        outgoing_acked(s, id);
    else
        session_violation(s, reason);
}

/* PUBREL of what the client has published at QoS 2: its id may come again. */
void handle_pubrel(struct session *s, uint8_t flags, struct bytes body)
{
    uint16_t id;
    enum mqtt_reason reason = mqtt_read_ack(body, s->version, &id);

    (void)flags;
    if (reason != MQTT_SUCCESS)
        session_violation(s, reason);
    else if (qos2_release(s->qos2, id))
        send_pubcomp(s, id, MQTT_SUCCESS);
    else
        send_pubcomp(s, id, MQTT_UNKNOWN_PACKET_ID);
}
