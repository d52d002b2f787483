#include "access/mqtt_publish.h"

#include "access/topics.h"

#define FLAG_RETAIN 0x01
#define FLAG_DUP    0x08

static const uint64_t publish_properties = MQTT_P_BIT(MQTT_P_PAYLOAD_FORMAT) | MQTT_P_BIT(MQTT_P_MESSAGE_EXPIRY) |
                                           MQTT_P_BIT(MQTT_P_TOPIC_ALIAS) | MQTT_P_BIT(MQTT_P_RESPONSE_TOPIC) |
                                           MQTT_P_BIT(MQTT_P_CORRELATION) | MQTT_P_BIT(MQTT_P_USER) |
                                           MQTT_P_BIT(MQTT_P_CONTENT_TYPE);

enum mqtt_reason mqtt_read_publish(uint8_t flags, struct bytes body, enum mqtt_version version,
                                   struct mqtt_publish *out)
{
    struct mqtt_properties properties;
    enum mqtt_reason reason;

    *out = (struct mqtt_publish){ .qos = mqtt_qos(flags) };
    if (out->qos == 3)
        return MQTT_MALFORMED;
    if (version != MQTT_3_1 && out->qos == 0 && flags & FLAG_DUP)
        return MQTT_MALFORMED;
    out->topic = mqtt_read_text(&body);
    if (out->qos)
        out->id = bytes_u16be(&body);
    if (body.bad || (out->qos && out->id == 0))
        return MQTT_MALFORMED;
    if (version == MQTT_5) {
        if ((reason = mqtt_read_properties(&body, publish_properties, &properties)) != MQTT_SUCCESS)
            return reason;
        if (properties.seen & MQTT_P_BIT(MQTT_P_TOPIC_ALIAS))
            return MQTT_BAD_TOPIC_ALIAS;
        if (flags & FLAG_RETAIN)
            return MQTT_NO_RETAIN;
    }
    if (version == MQTT_5 && out->topic.len == 0)
        return MQTT_PROTOCOL_ERROR; /* without an alias */
    if (!topic_name_valid(out->topic))
        return MQTT_BAD_TOPIC;
    out->payload = body.at;
    out->payload_len = body.left;
    return MQTT_SUCCESS;
}
