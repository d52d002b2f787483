#include "access/send.h"

#include <string.h>

#include "access/mqtt_connect.h"

/* Keeps what was appended since *kept if the client accepts a packet of that size; else removes it. */
static void keep_if_taken(const struct session *s, struct buf *b, size_t *kept)
{
    if (b->len > s->out.packet_max)
        b->len = *kept;
    *kept = b->len;
}

static void append_property(struct session *s, struct buf *b, enum mqtt_property name, size_t size, uint32_t value)
{
    size_t kept = b->len;

    buf_append_u8(b, (uint8_t)name);
    for (size_t left = size; left; left--)
        buf_append_u8(b, (uint8_t)(value >> 8 * (left - 1)));
    keep_if_taken(s, b, &kept);
}

/* What a client of 5.0 is told about us; what it needs least comes last. We keep no retained messages and no sessions
 * that outlive their connection. */
static void append_connack_properties(struct session *s, struct buf *b, const char *client_id)
{
    size_t kept = b->len;

    if (client_id) {
        buf_append_u8(b, MQTT_P_ASSIGNED_CLIENT);
        buf_append_u16be(b, (uint16_t)strlen(client_id));
        buf_append_str(b, client_id);
        keep_if_taken(s, b, &kept);
    }
    if (session_keep_alive(s) != s->announced_keep_alive)
        append_property(s, b, MQTT_P_SERVER_KEEP_ALIVE, 2, session_keep_alive(s));
    append_property(s, b, MQTT_P_RECEIVE_MAXIMUM, 2, LIMIT_MQTT_QOS2);
    append_property(s, b, MQTT_P_PACKET_MAXIMUM, 4, s->home->access->options.mqtt_packet_max);
    append_property(s, b, MQTT_P_RETAIN_AVAILABLE, 1, 0);
    append_property(s, b, MQTT_P_SESSION_EXPIRY, 4, 0);
    append_property(s, b, MQTT_P_IDS_AVAILABLE, 1, 0);
    append_property(s, b, MQTT_P_SHARED_AVAILABLE, 1, 0);
    append_property(s, b, MQTT_P_WILDCARDS_AVAILABLE, 1, 1);
    append_property(s, b, MQTT_P_TOPIC_ALIAS_MAXIMUM, 2, 0);
}

static bool send_connack_5(struct session *s, enum mqtt_reason reason, const char *client_id)
{
    struct buf *b = &s->home->scratch;

    /* Remaining length and property length are put in at the end: both are below 128. */
    buf_clear(b);
    buf_append(b, (uint8_t[CONNACK_5_LEAST]){ MQTT_CONNACK << 4, 0, 0, (uint8_t)reason, 0 }, CONNACK_5_LEAST);
    if (reason == MQTT_SUCCESS)
        append_connack_properties(s, b, client_id);
    if (b->err != MU_OK || b->len > s->out.packet_max)
        return false;
    b->data[1] = (uint8_t)(b->len - 2);
    b->data[4] = (uint8_t)(b->len - 5);
    outgoing_packet(s, b->data, b->len);
    return true;
}

bool send_connack(struct session *s, enum mqtt_reason reason, const char *client_id)
{
    uint8_t code = mqtt_connack_code(reason);

    if (s->version == MQTT_5)
        return send_connack_5(s, reason, client_id);
    if (s->version == MQTT_UNKNOWN || (reason != MQTT_SUCCESS && code == 0))
        return false;
    outgoing_packet(s, (uint8_t[]){ MQTT_CONNACK << 4, 2, 0, code }, 4);
    return true;
}

size_t send_ack_packet(uint8_t out[ACK_SIZE], enum mqtt_type type, uint16_t id)
{
    out[0] = (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
    out[1] = 2;
    out[2] = (uint8_t)(id >> 8);
    out[3] = (uint8_t)id;
    return ACK_SIZE;
}

/* Bytes behind the fixed header. */
static size_t rest_of_publish(enum mqtt_version version, size_t topic_len, bool has_id, size_t len)
{
    return 2 + topic_len + (has_id ? 2 : 0) + (version == MQTT_5 ? 1 : 0) + len;
}

size_t send_publish_size(enum mqtt_version version, const char *topic, bool has_id, size_t len)
{
    size_t rest = rest_of_publish(version, strlen(topic), has_id, len), head = 2;

    for (size_t left = rest; left > 127; left >>= 7)
        head++;
    return head + rest;
}

void send_publish_append(struct buf *out, enum mqtt_version version, const char *topic, uint16_t id,
                         const uint8_t *payload, size_t len)
{
    size_t topic_len = strlen(topic);

    buf_append_u8(out, (uint8_t)(MQTT_PUBLISH << 4 | (id ? 2 : 0)));
    buf_append_varint(out, rest_of_publish(version, topic_len, id != 0, len));
    buf_append_u16be(out, (uint16_t)topic_len);
    buf_append(out, topic, topic_len);
    if (id)
        buf_append_u16be(out, id);
    if (version == MQTT_5)
        buf_append_u8(out, 0); /* no properties */
    buf_append(out, payload, len);
}

void send_ack(struct session *s, enum mqtt_type type, uint16_t id)
{
    uint8_t packet[ACK_SIZE];
    outgoing_packet(s, packet, send_ack_packet(packet, type, id));
}

void send_unknown_id(struct session *s, enum mqtt_type type, uint16_t id)
{
    uint8_t packet[ACK_SIZE + 1];
    size_t len = send_ack_packet(packet, type, id);

    if (s->version == MQTT_5) {
        packet[1] = 3;
        packet[len++] = MQTT_UNKNOWN_PACKET_ID;
    }
    outgoing_packet(s, packet, len);
}

void send_codes(struct session *s, enum mqtt_type type, uint16_t id, const uint8_t *codes, size_t count)
{
    uint8_t packet[5 + SEND_CODES_MAX];
    size_t n = 0;

    packet[n++] = (uint8_t)(type << 4);
    packet[n++] = (uint8_t)((s->version == MQTT_5 ? 3 : 2) + count);
    packet[n++] = (uint8_t)(id >> 8);
    packet[n++] = (uint8_t)id;
    if (s->version == MQTT_5)
        packet[n++] = 0; /* no properties */
    memcpy(packet + n, codes, count);
    if (n + count > s->out.packet_max)
        session_violation(s, MQTT_TOO_LARGE); /* the answer to its request is larger than it accepts */
    else
        outgoing_packet(s, packet, n + count);
}

void send_pingresp(struct session *s)
{
    outgoing_packet(s, (uint8_t[]){ MQTT_PINGRESP << 4, 0 }, 2);
}

bool send_disconnect(struct session *s, enum mqtt_reason reason)
{
    if (s->version != MQTT_5)
        return false;
    conn_write(&s->conn, (uint8_t[]){ MQTT_DISCONNECT << 4, 1, (uint8_t)reason }, 3);
    return true;
}
