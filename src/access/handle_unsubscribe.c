#include "access/handle.h"

#include "access/send.h"

static enum mqtt_reason unsubscribe(struct session *s, struct str filter, uint8_t *code)
{
    enum topic_filter_kind kind = topic_filter_kind(filter, str_of(s->did), str_of(s->product->product_key));

    if (kind == FILTER_INVALID)
        return MQTT_MALFORMED;
    /* A session does not remember filters that are never used; they count as subscribed. */
    bool was_there = kind == FILTER_UNUSED || (kind < FILTER_KEPT && session_granted(s, kind));
    *code = was_there ? MQTT_SUCCESS : MQTT_NO_SUBSCRIPTION;
    if (kind < FILTER_KEPT)
        session_grant(s, kind, 0);
    return MQTT_SUCCESS;
}

void handle_unsubscribe(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_properties ignored;
    uint8_t codes[SEND_CODES_MAX];
    size_t n = 0;
    uint16_t id = bytes_u16be(&body);
    enum mqtt_reason reason = body.bad || id == 0 ? MQTT_MALFORMED : MQTT_SUCCESS;

    (void)flags;
    if (reason == MQTT_SUCCESS && s->version == MQTT_5)
        reason = mqtt_read_properties(&body, MQTT_P_BIT(MQTT_P_USER), &ignored);
    if (reason == MQTT_SUCCESS && !body.left)
        reason = MQTT_PROTOCOL_ERROR;
    while (reason == MQTT_SUCCESS && body.left) {
        struct str filter = mqtt_read_text(&body);
        if (body.bad)
            reason = MQTT_MALFORMED;
        else if (n == SEND_CODES_MAX)
            reason = MQTT_QUOTA_EXCEEDED;
        else if ((reason = unsubscribe(s, filter, &codes[n])) == MQTT_SUCCESS)
            n++;
    }
    if (reason != MQTT_SUCCESS)
        session_violation(s, reason);
    else
        send_codes(s, MQTT_UNSUBACK, id, codes, s->version == MQTT_5 ? n : 0);
}
