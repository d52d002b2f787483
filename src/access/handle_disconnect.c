#include "access/handle.h"

#include <stdlib.h>

/* Whatever a client gives as its reason, it said DISCONNECT. Its will is forgotten only if it says
 * that all is well. */
void handle_disconnect(struct session *s, uint8_t flags, struct bytes body)
{
    static const uint64_t allowed =
        MQTT_P_OF_ACK | MQTT_P_BIT(MQTT_P_SESSION_EXPIRY);
    struct mqtt_properties ignored;
    uint8_t why = s->version == MQTT_5 && body.left ? bytes_u8(&body) : MQTT_SUCCESS;
    enum mqtt_reason reason = MQTT_SUCCESS;

    (void)flags;
    if (s->version == MQTT_5 && body.left)
        reason = mqtt_read_properties(&body, allowed, &ignored);
    if (reason == MQTT_SUCCESS && body.left)
        reason = MQTT_MALFORMED;
    if (reason != MQTT_SUCCESS) {
        session_violation(s, reason);
        return;
    }
    if (why == MQTT_SUCCESS) {
        free(s->will);
        s->will = NULL;
    }
    session_end(s, END_MQTT_DISCONNECT, MQTT_SUCCESS);
}
