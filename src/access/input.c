#include "access/session.h"

#include "access/handle.h"
#include "access/rate.h"

/* From bytes to packets, and from packets to their handlers. */

#define ANY_FLAGS 0xff

static const struct {
    packet_handler handle;
    uint8_t flags; /* that a packet of the kind must have; 3.1 leaves them open */
} kinds[16] = {
    [MQTT_CONNECT] = { handle_connect, 0 },     [MQTT_PUBLISH] = { handle_publish, ANY_FLAGS },
    [MQTT_PUBACK] = { handle_puback, 0 },       [MQTT_PUBREC] = { handle_pubrec, 0 },
    [MQTT_PUBREL] = { handle_pubrel, 2 },       [MQTT_PUBCOMP] = { handle_pubcomp, 0 },
    [MQTT_SUBSCRIBE] = { handle_subscribe, 2 }, [MQTT_UNSUBSCRIBE] = { handle_unsubscribe, 2 },
    [MQTT_PINGREQ] = { handle_pingreq, 0 },     [MQTT_DISCONNECT] = { handle_disconnect, 0 },
};

/* Checks what the head of a packet shows, so that we do not keep 64 KiB of a packet that we refuse anyway. */
static enum mqtt_reason check_head(const struct session *s, const struct mqtt_head *head)
{
    if ((head->type == MQTT_CONNECT) != (s->state == SESSION_NEW) || !kinds[head->type].handle)
        return MQTT_PROTOCOL_ERROR;
    if (kinds[head->type].flags != ANY_FLAGS && kinds[head->type].flags != head->flags && s->version != MQTT_3_1)
        return MQTT_MALFORMED;
    if (head->size + head->body > s->home->access->options.mqtt_packet_max)
        return MQTT_TOO_LARGE;
    return MQTT_SUCCESS;
}

size_t session_input(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct session *s = (struct session *)c;
    struct mqtt_head head;
    size_t used = 0;

    while (!session_is_over(s) && s->state != SESSION_CLAIMING) {
        enum mqtt_head_status status = mqtt_read_head(bytes + used, len - used, &head);
        if (status == MQTT_HEAD_PART)
            break;
        enum mqtt_reason reason = status == MQTT_HEAD_BAD ? MQTT_MALFORMED : check_head(s, &head);
        if (reason != MQTT_SUCCESS) {
            if (reason == MQTT_TOO_LARGE)
                access_count(&s->home->counters.dropped[DROP_SIZE], 1);
            session_violation(s, reason);
            break;
        }
        size_t size = head.size + head.body;
        if (size > len - used)
            break;
        if (head.type == MQTT_PUBLISH && !access_loop_has_room(s->home, s))
            break;
        struct bucket before = s->byte_bucket;
        if (rate_take_bytes(s, &head))
            kinds[head.type].handle(s, head.flags, bytes_of(bytes + used + head.size, head.body));
        if (session_is_slow(s)) { /* the packet was not taken and comes again */
            s->byte_bucket = before;
            break;
        }
        used += size;
    }
    if (used && s->state == SESSION_LIVE)
        session_seen(s);
    access_count(&s->home->counters.bytes_in, used);
    return session_is_over(s) ? len : used;
}
