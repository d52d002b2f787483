#include "access/mqtt_packet.h"

#define VARINT_BYTES 4

enum mqtt_head_status mqtt_read_head(const uint8_t *bytes, size_t len, struct mqtt_head *out)
{
    uint32_t body = 0;

    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        if (i + 1 >= len)
            return MQTT_HEAD_PART;
        uint8_t b = bytes[i + 1];
        body |= (uint32_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80)) {
            *out = (struct mqtt_head){ .type = bytes[0] >> 4, .flags = bytes[0] & 15,
                                       .size = (uint8_t)(i + 2), .body = body };
            return MQTT_HEAD_WHOLE;
        }
    }
    return MQTT_HEAD_BAD;
}

struct str mqtt_read_binary(struct bytes *r)
{
    uint16_t len = bytes_u16be(r);
    const uint8_t *at = bytes_take(r, len);
    return at ? (struct str){ (const char *)at, len } : STR("");
}

struct str mqtt_read_text(struct bytes *r)
{
    struct str s = mqtt_read_binary(r);
    if (!str_utf8(s))
        r->bad = true;
    return r->bad ? STR("") : s;
}

/* --- properties -------------------------------------------------------------------------------*/

enum property_form {
    FORM_NONE, FORM_BYTE, FORM_U16, FORM_U32, FORM_VARINT, FORM_TEXT, FORM_BINARY, FORM_PAIR,
};

static enum property_form form_of(uint64_t property)
{
    switch (property) {
    case MQTT_P_PAYLOAD_FORMAT:
    case MQTT_P_REQUEST_PROBLEM:
    case MQTT_P_REQUEST_RESPONSE:
        return FORM_BYTE;
    case MQTT_P_RECEIVE_MAXIMUM:
    case MQTT_P_TOPIC_ALIAS_MAXIMUM:
    case MQTT_P_TOPIC_ALIAS:
        return FORM_U16;
    case MQTT_P_MESSAGE_EXPIRY:
    case MQTT_P_SESSION_EXPIRY:
    case MQTT_P_WILL_DELAY:
    case MQTT_P_PACKET_MAXIMUM:
        return FORM_U32;
    case MQTT_P_SUBSCRIPTION_ID:
        return FORM_VARINT;
    case MQTT_P_CONTENT_TYPE:
    case MQTT_P_RESPONSE_TOPIC:
    case MQTT_P_AUTH_METHOD:
    case MQTT_P_REASON_TEXT:
        return FORM_TEXT;
    case MQTT_P_CORRELATION:
    case MQTT_P_AUTH_DATA:
        return FORM_BINARY;
    case MQTT_P_USER:
        return FORM_PAIR;
    default:
        return FORM_NONE; /* unknown, or never sent by a client */
    }
}

static uint32_t read_value(struct bytes *r, enum property_form form)
{
    switch (form) {
    case FORM_BYTE:
        return bytes_u8(r);
    case FORM_U16:
        return bytes_u16be(r);
    case FORM_U32:
        return bytes_u32be(r);
    case FORM_VARINT:
        return (uint32_t)bytes_varint(r, VARINT_BYTES);
    case FORM_TEXT:
        mqtt_read_text(r);
        return 0;
    case FORM_BINARY:
        mqtt_read_binary(r);
        return 0;
    case FORM_PAIR:
        mqtt_read_text(r);
        mqtt_read_text(r);
        return 0;
    case FORM_NONE:
        break;
    }
    r->bad = true;
    return 0;
}

static enum mqtt_reason keep_value(struct mqtt_properties *out, uint64_t property, uint32_t value)
{
    switch (property) {
    case MQTT_P_PAYLOAD_FORMAT:
    case MQTT_P_REQUEST_PROBLEM:
    case MQTT_P_REQUEST_RESPONSE:
        return value <= 1 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_RECEIVE_MAXIMUM:
        out->receive_maximum = (uint16_t)value;
        return value ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_PACKET_MAXIMUM:
        out->packet_maximum = value;
        return value ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_SUBSCRIPTION_ID:
        return value ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    default:
        return MQTT_SUCCESS;
    }
}

enum mqtt_reason mqtt_read_properties(struct bytes *r, uint64_t allowed, struct mqtt_properties *out)
{
    uint64_t len = bytes_varint(r, VARINT_BYTES);
    const uint8_t *at = bytes_take(r, len);

    *out = (struct mqtt_properties){ .receive_maximum = UINT16_MAX, .packet_maximum = UINT32_MAX };
    if (!at)
        return MQTT_MALFORMED;

    struct bytes p = bytes_of(at, len);
    while (p.left) {
        uint64_t property = bytes_varint(&p, VARINT_BYTES);
        enum property_form form = form_of(property);
        uint32_t value = read_value(&p, form);
        if (p.bad)
            return MQTT_MALFORMED;
        uint64_t bit = MQTT_P_BIT(property); /* one of enum mqtt_property: it has a form */
        if (!(allowed & bit) || (out->seen & bit && property != MQTT_P_USER))
            return MQTT_PROTOCOL_ERROR;
        out->seen |= bit;
        enum mqtt_reason reason = keep_value(out, property, value);
        if (reason != MQTT_SUCCESS)
            return reason;
    }
    return MQTT_SUCCESS;
}

enum mqtt_reason mqtt_read_ack(struct bytes body, enum mqtt_version version, uint16_t *id)
{
    struct mqtt_properties ignored;
    enum mqtt_reason reason = MQTT_SUCCESS;

    *id = bytes_u16be(&body);
    if (version == MQTT_5 && body.left)
        bytes_u8(&body); /* the reason: an acknowledgement is one, whatever it says */
    if (version == MQTT_5 && body.left)
        reason = mqtt_read_properties(&body, MQTT_P_OF_ACK, &ignored);
    if (reason != MQTT_SUCCESS)
        return reason;
    return body.bad || body.left || *id == 0 ? MQTT_MALFORMED : MQTT_SUCCESS;
}
