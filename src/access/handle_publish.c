#include "access/handle.h"

#include "access/acks.h"
#include "access/mqtt_publish.h"
#include "access/rate.h"
#include "access/send.h"
#include "base/clock.h"
#include "model/frame.h"

/* false: the message came before (its PUBREC, if it was due, is repeated), or it cannot be taken. */
static bool is_first(struct session *s, uint16_t id)
{
    struct session_more *more = session_more(s);
    unsigned most = s->version == MQTT_5 ? LIMIT_MQTT_QOS2 : UINT16_MAX;

    /* Before 5.0 a client is not told how many it may leave open, so it may open all ids; its rate is limited. */
    switch (more ? qos2_receive(&more->qos2, id, most) : QOS2_NO_MEMORY) {
    case QOS2_NEW: return true;
    case QOS2_RECORDED: send_ack(s, MQTT_PUBREC, id); return false;
    case QOS2_PENDING: return false;
    case QOS2_FULL: session_violation(s, MQTT_RECEIVE_MAXIMUM); return false;
    case QOS2_NO_MEMORY: break;
    }
    session_end(s, END_EXCEPTION, MQTT_UNSPECIFIED);
    return false;
}

/* A device that sends again this soon after its last packet waits only for the acknowledgement. */
enum { HURRIED_MS = 100 };

/* dev2app: the acknowledgement waits for the disk. */
static void report(struct session *s, const struct mqtt_publish *p, const struct frame *frame)
{
    struct ack_kind kind = { .qos = p->qos, .id = p->qos ? p->id : 0 };

    if (frame->cmd == FRAME_NUMBERED) {
        kind.has_sn = true;
        kind.sn = frame->sn;
    }
    uint64_t tag = ack_tag(kind);
    if (tag)
        s->uncommitted++;
    struct commit_item item = session_item(s, tag);
    committer_report(s->home->access->options.committer, &item, p->payload, p->payload_len);
    if (tag && session_now(s) <= session_seen_ms(s) + HURRIED_MS)
        s->home->hurried = true;
    outgoing_answered(s, p->payload, p->payload_len);
}

/* Nothing of this message is kept. At QoS 1 and 2 it is acknowledged at once, unless reports before it wait for the
 * disk: acknowledgements keep the order of the messages (MQTT-4.6.0-2). */
static void acknowledge(struct session *s, const struct mqtt_publish *p)
{
    if (p->qos == 0)
        return;
    if (s->uncommitted) {
        s->uncommitted++;
        struct commit_item item = session_item(s, ack_tag((struct ack_kind){ .qos = p->qos, .id = p->id }));
        committer_pass(s->home->access->options.committer, &item);
        return;
    }
    if (p->qos == 2)
        qos2_record(session_qos2(s), p->id);
    send_ack(s, p->qos == 2 ? MQTT_PUBREC : MQTT_PUBACK, p->id);
}

/* cli2ser_req. */
static void request(struct session *s, const struct mqtt_publish *p)
{
    static const uint8_t ask_for_apps[] = { 0, 0, 0, 3, 0x02, 0x0f };

    acknowledge(s, p);
    if (session_granted(s, FILTER_ANSWER) && p->payload_len == sizeof(ask_for_apps) &&
        memcmp(p->payload, ask_for_apps, sizeof(ask_for_apps)) == 0)
        outgoing_answer(s);
}

void handle_publish(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_publish p;
    struct frame frame;
    enum mqtt_reason reason = mqtt_read_publish(flags, body, s->version, &p);

    if (reason != MQTT_SUCCESS) {
        session_violation(s, reason);
        return;
    }
    enum topic_kind kind = topic_kind(p.topic, str_of(s->did));
    if (kind == TOPIC_FOREIGN) {
        access_count(&s->home->counters.dropped[DROP_FOREIGN_TOPIC], 1);
        session_violation(s, MQTT_NOT_AUTHORIZED);
        return;
    }
    if (kind != TOPIC_REPORT || frame_parse(p.payload, p.payload_len, &frame) != MU_OK)
        frame = (struct frame){ 0 };
    if (!rate_take_message(s, p.qos > 0, &frame) || (p.qos == 2 && !is_first(s, p.id)))
        return;
    access_count(&s->home->counters.messages_in, 1);
    if (kind == TOPIC_REPORT) {
        report(s, &p, &frame);
    } else if (kind == TOPIC_REQUEST) {
        request(s, &p);
    } else {
        access_count(&s->home->counters.dropped[DROP_UNKNOWN_TOPIC], 1);
        acknowledge(s, &p);
    }
}
