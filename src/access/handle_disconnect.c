#include "access/handle.h"

#include <stdlib.h>
#include <string.h>

static bool is_reason_of_a_client(uint8_t why)
{
    static const uint8_t reasons[] = {
        MQTT_SUCCESS,       MQTT_WITH_WILL,      MQTT_UNSPECIFIED,     MQTT_MALFORMED,       MQTT_PROTOCOL_ERROR,
        MQTT_OTHER_ERROR,   MQTT_BAD_TOPIC,      MQTT_RECEIVE_MAXIMUM, MQTT_BAD_TOPIC_ALIAS, MQTT_TOO_LARGE,
        MQTT_RATE_TOO_HIGH, MQTT_QUOTA_EXCEEDED, MQTT_ADMINISTRATIVE,  MQTT_BAD_PAYLOAD,
    };
    return memchr(reasons, why, sizeof(reasons)) != NULL;
}

/* Any reason of the client counts as an orderly DISCONNECT. Only with reason 0 is its will dropped. */
void handle_disconnect(struct session *s, uint8_t flags, struct bytes body)
{
    static const uint64_t allowed = MQTT_P_OF_ACK | MQTT_P_BIT(MQTT_P_SESSION_EXPIRY);
    struct mqtt_properties told = { 0 };
    uint8_t why = s->version == MQTT_5 && body.left ? bytes_u8(&body) : MQTT_SUCCESS;
    enum mqtt_reason reason = MQTT_SUCCESS;

    (void)flags;
    if (s->version == MQTT_5 && body.left)
        reason = mqtt_read_properties(&body, allowed, &told);
    if (reason == MQTT_SUCCESS && body.left)
        reason = MQTT_MALFORMED;
    /* A client that gave its session up in CONNECT cannot ask for it now (5.0, 3.14.2.2.2). */
    if (reason == MQTT_SUCCESS && told.session_expiry > 0 && !s->asked_to_outlive)
        reason = MQTT_PROTOCOL_ERROR;
    if (reason == MQTT_SUCCESS && !is_reason_of_a_client(why))
        reason = MQTT_PROTOCOL_ERROR;
    if (reason != MQTT_SUCCESS) {
        session_violation(s, reason);
        return;
    }
    if (why == MQTT_SUCCESS && s->more) {
        free(s->more->will);
        s->more->will = NULL;
    }
    session_end(s, END_MQTT_DISCONNECT, MQTT_SUCCESS);
}
