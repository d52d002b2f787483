#include "access/handle.h"

#include "access/send.h"

/* PUBACK of what we have published at QoS 1. */
void handle_puback(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_ack ack;
    enum mqtt_reason reason = mqtt_read_ack(MQTT_PUBACK, body, s->version, &ack);

    (void)flags;
    if (reason == MQTT_SUCCESS)
        outgoing_acked(s, ack.id);
    else
        session_violation(s, reason);
}

/* PUBREL of what the client has published at QoS 2: its id may come again. */
void handle_pubrel(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_ack ack;
    enum mqtt_reason reason = mqtt_read_ack(MQTT_PUBREL, body, s->version, &ack);

    (void)flags;
    if (reason != MQTT_SUCCESS)
        session_violation(s, reason);
    else if (qos2_release(session_qos2(s), ack.id))
        send_ack(s, MQTT_PUBCOMP, ack.id);
    else
        send_unknown_id(s, MQTT_PUBCOMP, ack.id);
}

/* PUBREC: we publish nothing at QoS 2, so no such id is open. The PUBREL lets the client forget the message. If its
 * reason is a refusal, it has forgotten the message already. */
void handle_pubrec(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_ack ack;
    enum mqtt_reason reason = mqtt_read_ack(MQTT_PUBREC, body, s->version, &ack);

    (void)flags;
    if (reason == MQTT_SUCCESS && outgoing_is_in_flight(s, ack.id))
        reason = MQTT_PROTOCOL_ERROR; /* that was at QoS 1 */
    if (reason != MQTT_SUCCESS)
        session_violation(s, reason);
    else if (ack.reason < MQTT_UNSPECIFIED)
        send_unknown_id(s, MQTT_PUBREL, ack.id);
}

/* PUBCOMP, which follows that PUBREL. */
void handle_pubcomp(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_ack ack;
    enum mqtt_reason reason = mqtt_read_ack(MQTT_PUBCOMP, body, s->version, &ack);

    (void)flags;
    if (reason != MQTT_SUCCESS)
        session_violation(s, reason);
}
