#include "sim/sim_mqtt.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "model/frame.h"

/* The packets that a simulated device sends and reads. */

enum { CONNECT = 1, CONNACK, PUBLISH, PUBACK, SUBSCRIBE = 8, SUBACK, PINGREQ = 12, PINGRESP, DISCONNECT };

#define KEEPALIVE_S 120 /* the firmware's */

static void put_text(struct buf *b, const char *text)
{
    buf_append_u16be(b, (uint16_t)strlen(text));
    buf_append_str(b, text);
}

static size_t text_size(const char *text)
{
    return 2 + strlen(text);
}

static struct buf *begin(struct sim_device *d, unsigned kind, unsigned flags, size_t length)
{
    buf_clear(&d->scratch);
    buf_append_u8(&d->scratch, (uint8_t)(kind << 4 | flags));
    buf_append_varint(&d->scratch, length);
    return &d->scratch;
}

static void send_packet(struct sim_device *d)
{
    if (d->scratch.err != MU_OK || conn_write(&d->conn, d->scratch.data, d->scratch.len) != MU_OK)
        conn_close(&d->conn);
}

void sim_mqtt_login(struct sim_device *d)
{
    const char *protocol = d->options->level == 3 ? "MQIsdp" : "MQTT";
    bool v5 = d->options->level == 5;
    struct buf *b = begin(d, CONNECT, 0, text_size(protocol) + 4 + v5 + 2 * text_size(d->did) + text_size(d->passcode));

    put_text(b, protocol);
    buf_append_u8(b, (uint8_t)d->options->level);
    buf_append_u8(b, 0xc2); /* user name, password, clean session */
    buf_append_u16be(b, KEEPALIVE_S);
    if (v5)
        buf_append_u8(b, 0); /* no properties */
    put_text(b, d->did);
    put_text(b, d->did);
    put_text(b, d->passcode);
    send_packet(d);
}

static void subscribe(struct sim_device *d)
{
    static const char *const patterns[] = { "ser2cli_noti/%s", "ser2cli_res/%s", "app2dev/%s/#" };
    char topic[64];
    bool v5 = d->options->level == 5;

    snprintf(topic, sizeof(topic), patterns[d->subscribed], d->subscribed == 0 ? d->options->product_key : d->did);
    struct buf *b = begin(d, SUBSCRIBE, 2, 2u + v5 + text_size(topic) + 1);
    buf_append_u16be(b, (uint16_t)(d->subscribed + 1));
    if (v5)
        buf_append_u8(b, 0);
    put_text(b, topic);
    buf_append_u8(b, 0);
    send_packet(d);
}

/* Publishes one frame on dev2app/<did>; qos 1 takes the next packet id. */
static void publish(struct sim_device *d, uint16_t cmd, uint32_t sn, const struct buf *p0, unsigned qos)
{
    char topic[64];
    struct buf frame;
    bool v5 = d->options->level == 5;

    snprintf(topic, sizeof(topic), "dev2app/%s", d->did);
    buf_init(&frame, d->scratch.max);
    frame_write(&frame, cmd, sn, p0->data, p0->len);
    struct buf *b = begin(d, PUBLISH, qos << 1, text_size(topic) + (qos ? 2u : 0u) + v5 + frame.len);
    put_text(b, topic);
    if (qos)
        buf_append_u16be(b, sim_packet_id(d->sent));
    if (v5)
        buf_append_u8(b, 0);
    buf_append(b, frame.data, frame.len);
    if (frame.err != MU_OK)
        b->err = frame.err;
    send_packet(d);
    buf_free(&frame);
}

void sim_mqtt_report(struct sim_device *d)
{
    struct buf p0;

    buf_init(&p0, d->scratch.max);
    sim_values_write(&d->values, false, &p0);
    publish(d, FRAME_REPORT, 0, &p0, d->options->qos);
    buf_free(&p0);
}

void sim_mqtt_ping(struct sim_device *d)
{
    begin(d, PINGREQ, 0, 0);
    d->stats->pings++;
    send_packet(d);
}

void sim_mqtt_logout(struct sim_device *d)
{
    begin(d, DISCONNECT, 0, 0);
    send_packet(d);
    conn_close_when_sent(&d->conn);
}

/* --- what comes -------------------------------------------------------------------------------------*/

/* A control is echoed (or acknowledged with its serial number), then the changed state is reported,
 * as the firmware does; a read is answered with the status. */
static void handle_frame(struct sim_device *d, const uint8_t *payload, size_t len)
{
    struct frame frame;
    struct buf p0;

    if (frame_parse(payload, len, &frame) != MU_OK || frame.p0_len == 0 ||
        (frame.cmd != FRAME_CONTROL && frame.cmd != FRAME_NUMBERED))
        return;
    uint16_t reply = frame.cmd == FRAME_CONTROL ? FRAME_REPORT : FRAME_ACK;
    buf_init(&p0, d->scratch.max);
    switch (frame.p0[0]) {
    case 0x01:
    case 0x11:
        publish(d, reply, frame.sn, &p0, 0);
        if (sim_values_control(&d->values, frame.p0, frame.p0_len) == MU_OK) {
            sim_values_write(&d->values, false, &p0);
            publish(d, FRAME_REPORT, 0, &p0, 0);
        }
        d->stats->controls++;
        break;
    case 0x02:
    case 0x12:
        sim_values_write(&d->values, true, &p0);
        publish(d, reply, frame.sn, &p0, 0);
        break;
    default: publish(d, reply, frame.sn, &p0, 0);
    }
    buf_free(&p0);
}

static void skip_properties(struct sim_device *d, struct bytes *r)
{
    if (d->options->level == 5)
        bytes_take(r, bytes_varint(r, 4));
}

static bool handle_publish(struct sim_device *d, uint8_t flags, struct bytes body)
{
    unsigned qos = flags >> 1 & 3;

    bytes_take(&body, bytes_u16be(&body));
    uint16_t id = qos ? bytes_u16be(&body) : 0;
    skip_properties(d, &body);
    if (body.bad)
        return false;
    handle_frame(d, body.at, body.left);
    if (qos) {
        buf_append_u16be(begin(d, PUBACK, 0, 2), id);
        send_packet(d);
    }
    return true;
}

static bool handle_packet(struct sim_device *d, uint8_t first, struct bytes body)
{
    switch (first >> 4) {
    case CONNACK:
        bytes_u8(&body);
        if (bytes_u8(&body) != 0 || body.bad)
            return false;
        d->step = SIM_SUBSCRIBE;
        d->subscribed = 0;
        subscribe(d);
        return true;
    case SUBACK:
        bytes_u16be(&body);
        skip_properties(d, &body);
        if (bytes_u8(&body) > 2 || body.bad)
            return false;
        if (++d->subscribed < 3)
            subscribe(d);
        else
            sim_device_running(d);
        return true;
    case PUBACK: sim_device_acked(d, bytes_u16be(&body)); return !body.bad;
    case PUBLISH: return handle_publish(d, first & 15, body);
    case PINGRESP: d->stats->pongs++; return true;
    default: return false;
    }
}

size_t sim_mqtt_data(struct sim_device *d, const uint8_t *bytes, size_t len)
{
    size_t used = 0;

    while (used < len) {
        struct bytes r = bytes_of(bytes + used, len - used);
        uint8_t first = bytes_u8(&r);
        size_t length = (size_t)bytes_varint(&r, 4);
        const uint8_t *body = bytes_take(&r, length);
        if (!body) {
            /* Four bytes without an end of the length are no beginning of a packet. */
            if (len - used >= 5 && (bytes[used + 1] & bytes[used + 2] & bytes[used + 3] & bytes[used + 4] & 0x80))
                conn_close(&d->conn);
            break;
        }
        used += (size_t)(r.at - (bytes + used));
        if (!handle_packet(d, first, bytes_of(body, length))) {
            conn_close(&d->conn);
            break;
        }
    }
    return used;
}
