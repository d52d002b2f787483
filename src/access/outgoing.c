#include "access/outgoing_private.h"

#include <stdlib.h>

#include "access/held.h"
#include "access/rate.h"
#include "access/send.h"
#include "access/session.h"
#include "base/clock.h"
#include "model/frame.h"

/* PUBLISHes to a device, and in which order all packets go. */

/* --- the queue of controls ---------------------------------------------------------------------*/

/* The best QoS that the device has asked for on the topic of our controls; -1 if it has not subscribed, or not any
 * more. (MQTT allows that what was queued before an UNSUBSCRIBE still comes.) */
static int control_qos(const struct session *s)
{
    static const enum topic_filter_kind kinds[] = { FILTER_CONTROL_ALL, FILTER_CONTROL_ANY, FILTER_CONTROL_OURS };
    unsigned best = 0;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (session_granted(s, kinds[i]) > best)
            best = session_granted(s, kinds[i]);
    return (int)best - 1;
}

static bool has_id_for_next(const struct session *s)
{
    return outgoing_look(s)->owes_answer || control_qos(s) != 1 ||
           outbox_has_free_id(outgoing_look(s), s->out.in_flight_max);
}

static void fail(struct session *s, struct control_request *req, enum mu_err err)
{
    access_count(&s->home->counters.dropped[DROP_NOT_SENT], 1);
    req->done(req, err);
}

/* Has the oldest control waited in vain for a PUBACK of one before it? */
static bool is_unanswered(const struct session *s)
{
    return !has_id_for_next(s) && !session_is_slow(s) && !session_is_paused(s) &&
           session_now(s) - outgoing_look(s)->heard_ms >= LIMIT_CONTROL_WAIT_MS;
}

/* What conn has got cannot be taken back. So if the device does not read a frame in time, the session ends, and its
 * unsent bytes with it. The session also ends if the device acknowledges nothing: no later control would reach it. */
static void fail_overdue(struct session *s)
{
    const struct control_request *first;

    while ((first = outgoing_look(s)->first) && first->due_ms <= session_now(s)) {
        bool unsent = outgoing_unsent(s) > 0, unanswered = is_unanswered(s);
        fail(s, outbox_pop(s->out.box), MU_E_TIMEOUT);
        if (unsent)
            session_end(s, END_EXCEPTION, MQTT_SUCCESS);
        else if (unanswered)
            session_end(s, END_EXCEPTION, MQTT_QUOTA_EXCEEDED);
    }
}

/* The kernel has all that was written, so the controls go to the log. */
static void log_written(struct session *s)
{
    struct access *a = s->home->access;

    while (outgoing_unsent(s)) {
        struct control_request *req = outbox_pop(s->out.box);
        struct commit_item item = session_item(s, 1);
        item.sink = &a->control_sink;
        item.owner = (uint64_t)(uintptr_t)req;
        committer_control(a->options.committer, &item, req->enterprise, req->request, req->frame, req->frame_len);
    }
}

bool outgoing_is_in_flight(const struct session *s, uint16_t id)
{
    return outbox_is_in_flight(outgoing_look(s), id);
}

void outgoing_acked(struct session *s, uint16_t id)
{
    if (!outgoing_is_in_flight(s, id))
        return;
    outgoing_listen(s);
    outbox_acked(s->out.box, id);
    outgoing_go_on(s);
}

/* --- PUBLISH -----------------------------------------------------------------------------------*/

/* id 0: QoS 0, else QoS 1. */
static bool publish(struct session *s, const char *topic, uint16_t id, const uint8_t *payload, size_t len)
{
    struct buf *b = &s->home->scratch;

    buf_clear(b);
    send_publish_append(b, s->version, topic, id, payload, len);
    if (b->err != MU_OK) {
        session_end(s, END_EXCEPTION, MQTT_UNSPECIFIED);
        return false;
    }
    if (!outgoing_write(s, b->data, b->len))
        return false; /* the connection is ending, and says why in closed() */
    access_count(&s->home->counters.messages_out, 1);
    if (s->paced)
        pace_publish_sent(&s->out.pace, payload, len, session_now(s));
    return true;
}

static void publish_answer(struct session *s)
{
    /* The answer to the question for the number of app clients that are online: none can connect. */
    static const uint8_t none_online[] = { 0, 0, 0, 3, 0x02, 0x10, 0, 0 };
    char topic[TOPIC_SIZE];

    topic_of_answer(s->did, topic);
    s->out.box->owes_answer = false;
    if (send_publish_size(s->version, topic, false, sizeof(none_online)) <= s->out.packet_max)
        publish(s, topic, 0, none_online, sizeof(none_online));
}

/* The whole packet counts, with what this session has around a frame. */
static bool is_too_long(const struct session *s, bool has_id, size_t frame_len)
{
    char topic[TOPIC_SIZE];

    topic_of_control(s->did, topic);
    size_t size = send_publish_size(s->version, topic, has_id, frame_len);
    return size > LIMIT_DEVICE_PACKET || size > s->out.packet_max;
}

/* The device waits for this frame and does not answer it. So a paced device gets it like a packet that is no PUBLISH,
 * but in a write of its own. */
void outgoing_frame_ack(struct session *s, struct buf *together, uint32_t sn)
{
    char topic[TOPIC_SIZE];
    uint8_t frame[FRAME_ACK_SIZE];
    size_t start = together->len;

    if (control_qos(s) < 0 || is_too_long(s, false, sizeof(frame)))
        return;
    frame_write_ack(frame, sn);
    topic_of_control(s->did, topic);
    send_publish_append(together, s->version, topic, 0, frame, sizeof(frame));
    access_count(&s->home->counters.messages_out, 1);
    if (!s->paced || together->err != MU_OK)
        return;
    outgoing_packet_apart(s, together->data + start, together->len - start);
    together->len = start;
}

static void publish_control(struct session *s)
{
    const struct control_request *req = outbox_next(s->out.box);
    char topic[TOPIC_SIZE];

    topic_of_control(s->did, topic);
    s->out.box->written++;
    rate_owe_answer(s);
    uint16_t id = control_qos(s) == 1 ? outbox_take_id(s->out.box) : 0;
    if (publish(s, topic, id, req->frame, req->frame_len) && conn_unsent(&s->conn) == 0)
        log_written(s);
}

/* --- in what order -----------------------------------------------------------------------------*/

enum next { NEXT_NOTHING, NEXT_HELD, NEXT_PUBLISH };

static enum next next_up(const struct session *s)
{
    bool publish = outgoing_publish_waits(s) && has_id_for_next(s);
    const struct held *held = outgoing_look(s)->held;

    if (held && (held_has_turn(held) || !publish))
        return NEXT_HELD;
    return publish ? NEXT_PUBLISH : NEXT_NOTHING;
}

static void drop_empty(struct session *s)
{
    if (s->out.box && outbox_is_empty(s->out.box)) {
        free(s->out.box);
        s->out.box = NULL;
    }
}

void outgoing_go_on(struct session *s)
{
    enum next next;

    fail_overdue(s);
    if (s->paced && pace_gave_up(&s->out.pace, session_now(s)))
        outgoing_give_turn(s);
    while (s->state == SESSION_LIVE && (next = next_up(s)) != NEXT_NOTHING &&
           (!s->paced || pace_allows_next(&s->out.pace, session_now(s)))) {
        if (next == NEXT_HELD)
            outgoing_release_next(s);
        else if (s->out.box->owes_answer)
            publish_answer(s);
        else
            publish_control(s);
    }
    drop_empty(s);
    session_arm(s);
}

void outgoing_control(struct session *s, struct control_request *req)
{
    struct outbox *box;

    if (control_qos(s) < 0) {
        fail(s, req, MU_E_CLOSED);
        return;
    }
    if (is_too_long(s, control_qos(s) == 1, req->frame_len)) {
        fail(s, req, MU_E_VALUE);
        return;
    }
    if (!(box = outgoing_box(s))) {
        fail(s, req, MU_E_NOMEM);
        return;
    }
    if (box->queued == LIMIT_CONTROL_QUEUE) {
        fail(s, req, MU_E_LIMIT);
        return;
    }
    outbox_add(box, req);
    outgoing_go_on(s);
}

void outgoing_answer(struct session *s)
{
    struct outbox *box = outgoing_box(s);

    if (box)
        box->owes_answer = true; /* without memory it asks again */
    outgoing_go_on(s);
}

void outgoing_answered(struct session *s, const uint8_t *payload, size_t len)
{
    if (!s->paced || !pace_answered(&s->out.pace, payload, len))
        return;
    outgoing_give_turn(s);
    outgoing_go_on(s);
}

void outgoing_drained(struct session *s)
{
    log_written(s);
    outgoing_go_on(s);
}

void outgoing_listen(struct session *s)
{
    if (s->out.box)
        s->out.box->heard_ms = session_now(s);
}

unsigned outgoing_queued(const struct session *s)
{
    return outgoing_look(s)->queued;
}

unsigned outgoing_unsent(const struct session *s)
{
    return outgoing_look(s)->written;
}

int64_t outgoing_due_ms(const struct session *s)
{
    const struct control_request *first = outgoing_look(s)->first;
    int64_t due = first ? first->due_ms : INT64_MAX;
    int64_t next = s->paced && next_up(s) != NEXT_NOTHING ? pace_next_ms(&s->out.pace) : INT64_MAX;

    return next < due ? next : due;
}

void outgoing_end(struct session *s)
{
    if (!s->out.box)
        return;
    while (s->out.box->first)
        fail(s, outbox_pop(s->out.box), MU_E_CLOSED);
    free(s->out.box->held);
    free(s->out.box);
    s->out.box = NULL;
}
