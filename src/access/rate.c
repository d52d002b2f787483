#include "access/rate.h"

#include "access/session.h"

/* How fast a device may send, and what happens to what comes faster. */

#define SLOW_LEAST_MS 100   /* a slow session wakes its loop at most ten times a second */
#define PATIENCE_MS   60000 /* after a backlog was slowed */

/* What happens to a packet over the rate. */
enum manner {
    ENDS, /* its session ends */
    WAITS,
    BACKLOG, /* it waits, and for a while so does what follows it */
};

static void slow_down(struct session *s, int64_t until_us)
{
    int64_t until = (until_us + 999) / 1000, least = session_now(s) + SLOW_LEAST_MS;

    s->more->slow_until_ms = until > least ? until : least;
    access_count(&s->home->counters.slowdowns, 1);
    conn_pause(&s->conn);
    session_arm(s);
}

static void refuse(struct session *s, enum manner manner, int64_t ready_us, enum end_reason reason)
{
    struct session_more *more = session_more(s);

    if (!more) {
        session_end(s, END_EXCEPTION, MQTT_UNSPECIFIED);
        return;
    }
    if (manner == BACKLOG)
        more->patient_until_ms = session_now(s) + PATIENCE_MS;
    if (manner != ENDS || session_now(s) < more->patient_until_ms) {
        slow_down(s, ready_us);
        return;
    }
    access_count(&s->home->counters.dropped[DROP_RATE], 1);
    session_end(s, reason, session_reason(reason));
}

bool rate_take_bytes(struct session *s, const struct mqtt_head *head)
{
    const struct access_options *o = &s->home->access->options;
    double size = head->size + (double)head->body;
    /* Even at a small rate one packet of the largest size is taken. */
    double burst = o->device_bytes > o->mqtt_packet_max ? o->device_bytes : o->mqtt_packet_max;

    if (s->state != SESSION_LIVE || bucket_take(&s->byte_bucket, o->device_bytes, burst, size, session_now(s) * 1000))
        return true;
    enum manner manner = head->type != MQTT_PUBLISH ? WAITS : mqtt_qos(head->flags) ? BACKLOG : ENDS;
    refuse(s, manner, bucket_ready_us(&s->byte_bucket, o->device_bytes, size), END_DATA_SIZE);
    return false;
}

static bool take_one(uint8_t *due)
{
    if (*due == 0)
        return false;
    (*due)--;
    return true;
}

/* Did a control of ours make the device send it? */
static bool is_owed(struct session *s, const struct frame *f)
{
    if (f->cmd == FRAME_ACK || (f->cmd == FRAME_REPORT && f->p0_len == 0))
        return take_one(&s->out.answers_due);
    return (f->cmd == FRAME_REPORT || f->cmd == FRAME_NUMBERED) && take_one(&s->out.reports_due);
}

bool rate_take_message(struct session *s, bool acknowledged, const struct frame *frame)
{
    const struct access_options *o = &s->home->access->options;

    if (is_owed(s, frame) ||
        bucket_take(&s->message_bucket, o->device_messages, o->device_messages_burst, 1, session_now(s) * 1000))
        return true;
    /* A report with a serial number waits for its 0x0094. */
    enum manner manner = acknowledged || frame->cmd == FRAME_NUMBERED ? BACKLOG : ENDS;
    refuse(s, manner, bucket_ready_us(&s->message_bucket, o->device_messages, 1), END_DENSITY);
    return false;
}

void rate_owe_answer(struct session *s)
{
    if (s->out.answers_due < UINT8_MAX)
        s->out.answers_due++;
    if (s->out.reports_due < UINT8_MAX)
        s->out.reports_due++;
}

void rate_go_on(struct session *s)
{
    if (!session_is_slow(s) || session_now(s) < s->more->slow_until_ms)
        return;
    s->more->slow_until_ms = 0;
    outgoing_listen(s);
    conn_resume(&s->conn);
}
