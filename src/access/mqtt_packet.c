#include "access/mqtt_packet.h"

#include "access/topics.h"

/* The parts of MQTT packets that all kinds share: the fixed header, fields, properties, acknowledgements. */

#define VARINT_BYTES 4

/* A number whose last byte adds nothing has a shorter form. Only the shortest form is allowed (MQTT-1.5.5-1). */
static bool is_padded(unsigned bytes, uint8_t last)
{
    return bytes > 1 && last == 0;
}

static uint32_t read_varint(struct bytes *r)
{
    const uint8_t *start = r->at;
    uint64_t value = bytes_varint(r, VARINT_BYTES);

    if (!r->bad && is_padded((unsigned)(r->at - start), r->at[-1]))
        r->bad = true;
    return (uint32_t)value;
}

enum mqtt_head_status mqtt_read_head(const uint8_t *bytes, size_t len, struct mqtt_head *out)
{
    uint32_t body = 0;

    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        if (i + 1 >= len)
            return MQTT_HEAD_PART;
        uint8_t b = bytes[i + 1];
        body |= (uint32_t)(b & 0x7f) << (7 * i);
        if (is_padded(i + 1, b))
            return MQTT_HEAD_BAD;
        if (!(b & 0x80)) {
            *out = (struct mqtt_head){
                .type = bytes[0] >> 4, .flags = bytes[0] & 15, .size = (uint8_t)(i + 2), .body = body
            };
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
    FORM_NONE,
    FORM_BYTE,
    FORM_U16,
    FORM_U32,
    FORM_VARINT,
    FORM_TEXT,
    FORM_BINARY,
    FORM_PAIR,
};

static enum property_form form_of(uint32_t property)
{
    switch (property) {
    case MQTT_P_PAYLOAD_FORMAT:
    case MQTT_P_REQUEST_PROBLEM:
    case MQTT_P_REQUEST_RESPONSE: return FORM_BYTE;
    case MQTT_P_RECEIVE_MAXIMUM:
    case MQTT_P_TOPIC_ALIAS_MAXIMUM:
    case MQTT_P_TOPIC_ALIAS: return FORM_U16;
    case MQTT_P_MESSAGE_EXPIRY:
    case MQTT_P_SESSION_EXPIRY:
    case MQTT_P_WILL_DELAY:
    case MQTT_P_PACKET_MAXIMUM: return FORM_U32;
    case MQTT_P_SUBSCRIPTION_ID: return FORM_VARINT;
    case MQTT_P_CONTENT_TYPE:
    case MQTT_P_RESPONSE_TOPIC:
    case MQTT_P_AUTH_METHOD:
    case MQTT_P_REASON_TEXT: return FORM_TEXT;
    case MQTT_P_CORRELATION:
    case MQTT_P_AUTH_DATA: return FORM_BINARY;
    case MQTT_P_USER: return FORM_PAIR;
    default: return FORM_NONE; /* unknown, or never sent by a client */
    }
}

static uint32_t read_value(struct bytes *r, enum property_form form, struct str *text)
{
    switch (form) {
    case FORM_BYTE: return bytes_u8(r);
    case FORM_U16: return bytes_u16be(r);
    case FORM_U32: return bytes_u32be(r);
    case FORM_VARINT: return read_varint(r);
    case FORM_TEXT: *text = mqtt_read_text(r); return 0;
    case FORM_BINARY: mqtt_read_binary(r); return 0;
    case FORM_PAIR:
        mqtt_read_text(r);
        mqtt_read_text(r);
        return 0;
    case FORM_NONE: break;
    }
    r->bad = true;
    return 0;
}

static enum mqtt_reason keep_value(struct mqtt_properties *out, uint32_t property, uint32_t value, struct str text)
{
    switch (property) {
    case MQTT_P_PAYLOAD_FORMAT:
    case MQTT_P_REQUEST_PROBLEM:
    case MQTT_P_REQUEST_RESPONSE: return value <= 1 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_RECEIVE_MAXIMUM:
        out->receive_maximum = (uint16_t)value;
        return value ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_PACKET_MAXIMUM: out->packet_maximum = value; return value ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_SUBSCRIPTION_ID: return value ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    case MQTT_P_SESSION_EXPIRY: out->session_expiry = value; return MQTT_SUCCESS;
    case MQTT_P_RESPONSE_TOPIC: return topic_name_valid(text) ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
    default: return MQTT_SUCCESS;
    }
}

enum mqtt_reason mqtt_read_properties(struct bytes *r, uint64_t allowed, struct mqtt_properties *out)
{
    uint32_t len = read_varint(r);
    const uint8_t *at = bytes_take(r, len);

    *out = (struct mqtt_properties){ .receive_maximum = UINT16_MAX, .packet_maximum = UINT32_MAX };
    if (!at)
        return MQTT_MALFORMED;

    struct bytes p = bytes_of(at, len);
    while (p.left) {
        struct str text = STR("");
        uint32_t property = read_varint(&p);
        enum property_form form = form_of(property);
        uint32_t value = read_value(&p, form, &text);
        if (p.bad)
            return MQTT_MALFORMED;
        uint64_t bit = MQTT_P_BIT(property); /* one of enum mqtt_property: it has a form */
        if (!(allowed & bit) || (out->seen & bit && property != MQTT_P_USER))
            return MQTT_PROTOCOL_ERROR;
        out->seen |= bit;
        enum mqtt_reason reason = keep_value(out, property, value, text);
        if (reason != MQTT_SUCCESS)
            return reason;
    }
    return MQTT_SUCCESS;
}

static bool is_reason_of(enum mqtt_type type, uint8_t reason)
{
    static const uint8_t of_a_publish[] = {
        MQTT_SUCCESS,   MQTT_NO_SUBSCRIBERS, MQTT_UNSPECIFIED,    MQTT_OTHER_ERROR, MQTT_NOT_AUTHORIZED,
        MQTT_BAD_TOPIC, MQTT_ID_IN_USE,      MQTT_QUOTA_EXCEEDED, MQTT_BAD_PAYLOAD,
    };

    if (type == MQTT_PUBACK || type == MQTT_PUBREC)
        return memchr(of_a_publish, reason, sizeof(of_a_publish)) != NULL;
    return reason == MQTT_SUCCESS || reason == MQTT_UNKNOWN_PACKET_ID;
}

enum mqtt_reason mqtt_read_ack(enum mqtt_type type, struct bytes body, enum mqtt_version version, struct mqtt_ack *out)
{
    struct mqtt_properties ignored;
    enum mqtt_reason reason = MQTT_SUCCESS;

    *out = (struct mqtt_ack){ .id = bytes_u16be(&body), .reason = MQTT_SUCCESS };
    if (version == MQTT_5 && body.left)
        out->reason = bytes_u8(&body);
    if (version == MQTT_5 && body.left)
        reason = mqtt_read_properties(&body, MQTT_P_OF_ACK, &ignored);
    if (reason != MQTT_SUCCESS)
        return reason;
    if (body.bad || body.left || out->id == 0)
        return MQTT_MALFORMED;
    return is_reason_of(type, out->reason) ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
}
