#include "command/tail_message.h"

#include "model/frame.h"
#include "model/undecoded.h"

static void read_report(const struct watch_event *e, const struct frame *f, struct tail_message *out)
{
    const struct datapoint_plan *plan = e->definition ? e->definition->plan : NULL;

    out->word = f->cmd == FRAME_ACK ? "ack" : f->p0_len ? "report" : "echo";
    if (plan && f->p0_len && datapoint_decode(plan, f->p0, f->p0_len, out->values) == MU_OK)
        out->plan = plan;
}

static void read_control(const struct watch_event *e, const struct frame *f, struct tail_message *out)
{
    const struct datapoint_plan *plan = e->definition ? e->definition->plan : NULL;

    if (f->cmd == FRAME_ACK)
        out->word = "ack";
    if (plan && f->p0_len && datapoint_read_control(plan, f->p0, f->p0_len, out->values) == MU_OK)
        out->plan = plan;
}

void tail_message_read(const struct watch_event *e, struct tail_message *out)
{
    bool from_device = e->kind == WATCH_MESSAGE;
    struct frame frame;

    out->word = from_device ? "report" : "control";
    out->is_empty = false;
    out->has_sn = false;
    out->plan = NULL;
    out->why[0] = '\0';
    if (frame_parse(e->body, e->body_len, &frame) == MU_OK) {
        out->is_empty = frame.p0_len == 0;
        out->has_sn = frame.has_sn;
        out->sn = frame.sn;
        (from_device ? read_report : read_control)(e, &frame, out);
    }
    if (from_device && !out->plan)
        (void)undecoded_why(e->definition ? e->definition->plan : NULL, e->body, e->body_len, out->why,
                            sizeof(out->why));
}
