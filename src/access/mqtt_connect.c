#include "access/mqtt_connect.h"

#include "access/topics.h"

/* Reads the body of a CONNECT of MQTT 3.1, 3.1.1 and 5.0. */

#define FLAG_RESERVED 0x01
#define FLAG_CLEAN    0x02
#define FLAG_WILL     0x04
#define FLAG_WILL_QOS 0x18
#define FLAG_RETAIN   0x20
#define FLAG_PASSWORD 0x40
#define FLAG_USER     0x80

static const uint64_t connect_properties =
    MQTT_P_BIT(MQTT_P_SESSION_EXPIRY) | MQTT_P_BIT(MQTT_P_RECEIVE_MAXIMUM) | MQTT_P_BIT(MQTT_P_PACKET_MAXIMUM) |
    MQTT_P_BIT(MQTT_P_TOPIC_ALIAS_MAXIMUM) | MQTT_P_BIT(MQTT_P_REQUEST_RESPONSE) | MQTT_P_BIT(MQTT_P_REQUEST_PROBLEM) |
    MQTT_P_BIT(MQTT_P_USER) | MQTT_P_BIT(MQTT_P_AUTH_METHOD) | MQTT_P_BIT(MQTT_P_AUTH_DATA);

static const uint64_t will_properties = MQTT_P_BIT(MQTT_P_WILL_DELAY) | MQTT_P_BIT(MQTT_P_PAYLOAD_FORMAT) |
                                        MQTT_P_BIT(MQTT_P_CONTENT_TYPE) | MQTT_P_BIT(MQTT_P_MESSAGE_EXPIRY) |
                                        MQTT_P_BIT(MQTT_P_RESPONSE_TOPIC) | MQTT_P_BIT(MQTT_P_CORRELATION) |
                                        MQTT_P_BIT(MQTT_P_USER);

static enum mqtt_reason read_protocol(struct bytes *r, enum mqtt_version *version)
{
    struct str name = mqtt_read_text(r);
    uint8_t level = bytes_u8(r);

    *version = MQTT_UNKNOWN;
    if (r->bad)
        return MQTT_MALFORMED;
    if (str_eq(name, STR("MQIsdp"))) {
        *version = MQTT_3_1;
        return level == MQTT_3_1 ? MQTT_SUCCESS : MQTT_BAD_VERSION;
    }
    if (!str_eq(name, STR("MQTT")))
        return MQTT_MALFORMED;
    /* A client of a later version is answered in the form of 5.0, an older one in that of 3.1.1. Bit 7 marks a
     * bridge; no device is one. */
    *version = level >= MQTT_5 && level < 0x80 ? MQTT_5 : MQTT_3_1_1;
    return level == *version ? MQTT_SUCCESS : MQTT_BAD_VERSION;
}

static enum mqtt_reason check_flags(const struct mqtt_connect *c, uint8_t flags)
{
    if (c->will_qos == 3)
        return MQTT_MALFORMED;
    if (c->version == MQTT_3_1)
        return MQTT_SUCCESS; /* 3.1 leaves the other flags open */
    if (flags & FLAG_RESERVED)
        return MQTT_MALFORMED;
    if (!(flags & FLAG_WILL) && flags & (FLAG_WILL_QOS | FLAG_RETAIN))
        return MQTT_MALFORMED;
    if (c->version == MQTT_3_1_1 && flags & FLAG_PASSWORD && !(flags & FLAG_USER))
        return MQTT_MALFORMED;
    return MQTT_SUCCESS;
}

static enum mqtt_reason read_will(struct bytes *r, struct mqtt_connect *c)
{
    struct mqtt_properties ignored;
    enum mqtt_reason reason;

    if (c->version == MQTT_5 && (reason = mqtt_read_properties(r, will_properties, &ignored)) != MQTT_SUCCESS)
        return reason;
    c->will_topic = mqtt_read_text(r);
    c->will_payload = mqtt_read_binary(r);
    if (r->bad)
        return MQTT_MALFORMED;
    return topic_name_valid(c->will_topic) ? MQTT_SUCCESS : MQTT_BAD_TOPIC;
}

/* In 3.1 the packet's end overrules the flags: a field behind the end counts as absent. */
static bool is_there(const struct mqtt_connect *c, const struct bytes *r, bool flag)
{
    return flag && (c->version != MQTT_3_1 || r->left);
}

enum mqtt_reason mqtt_read_connect(struct bytes body, struct mqtt_connect *out)
{
    struct bytes *r = &body;
    enum mqtt_reason reason;

    *out = (struct mqtt_connect){ .client_id = STR(""), .user = STR(""), .password = STR("") };
    if ((reason = read_protocol(r, &out->version)) != MQTT_SUCCESS)
        return reason;

    uint8_t flags = bytes_u8(r);
    out->keep_alive = bytes_u16be(r);
    out->clean = flags & FLAG_CLEAN;
    out->has_will = flags & FLAG_WILL;
    out->will_qos = (uint8_t)((flags & FLAG_WILL_QOS) >> 3);
    out->will_retain = flags & FLAG_RETAIN;
    if ((reason = check_flags(out, flags)) != MQTT_SUCCESS)
        return reason;
    if (out->version == MQTT_5 &&
        (reason = mqtt_read_properties(r, connect_properties, &out->properties)) != MQTT_SUCCESS)
        return reason;
    out->client_id = mqtt_read_text(r);
    if (out->has_will && (reason = read_will(r, out)) != MQTT_SUCCESS)
        return reason;
    if ((out->has_user = is_there(out, r, flags & FLAG_USER)))
        out->user = mqtt_read_text(r);
    if ((out->has_password = is_there(out, r, flags & FLAG_PASSWORD)))
        out->password = mqtt_read_binary(r);
    if (r->bad || r->left)
        return MQTT_MALFORMED;

    if (out->properties.seen & MQTT_P_BIT(MQTT_P_AUTH_METHOD))
        return MQTT_BAD_AUTHENTICATION;
    if (out->properties.seen & MQTT_P_BIT(MQTT_P_AUTH_DATA))
        return MQTT_PROTOCOL_ERROR;
    if (out->version == MQTT_5 && out->will_retain)
        return MQTT_NO_RETAIN;
    /* To find a session again, its client must have named it. */
    if (out->client_id.len == 0 && (out->version == MQTT_3_1 || (out->version == MQTT_3_1_1 && !out->clean)))
        return MQTT_BAD_CLIENT_ID;
    return MQTT_SUCCESS;
}

uint8_t mqtt_connack_code(enum mqtt_reason reason)
{
    switch (reason) {
    case MQTT_BAD_VERSION: return 1;
    case MQTT_BAD_CLIENT_ID: return 2;
    case MQTT_UNAVAILABLE:
    case MQTT_SHUTTING_DOWN: return 3;
    case MQTT_BAD_CREDENTIALS: return 4;
    case MQTT_NOT_AUTHORIZED: return 5;
    default: return 0;
    }
}
