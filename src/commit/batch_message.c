#include <assert.h>
#include <string.h>

#include "commit/batch.h"
#include "base/array.h"
#include "model/frame.h"

/* Messages of devices and enterprises. Every frame is kept as it came; a report is decoded into the device's state by
 * the definition in force. */

static struct journal_message next_message(struct batch *b, struct pending *p, const struct intake_record *rec,
                                           const struct fleet_definition *d)
{
    struct fleet_progress *g = &p->progress;
    int64_t last_us = g->last_ts_us;

    g->last_ts_us = batch_moment(b, p->device, LIST_MESSAGES, rec->ts_us, last_us);
    /* This message is not later than all that the state counts, so a start could not tell where to go on reading. */
    p->kept |= g->last_ts_us <= last_us;
    p->changed = true;
    b->messages++;
    if (g->last_ts_us > b->newest_us)
        b->newest_us = g->last_ts_us;
    return (struct journal_message){
        .ts_us = g->last_ts_us,
        .definition = d ? d->version : 0,
        .number = ++g->messages,
    };
}

/* --- reports --------------------------------------------------------------------------------- */

enum meaning {
    MEANING_DECODED,
    MEANING_REPORT, /* without a definition to decode it, or passthrough */
    MEANING_ECHO,
    MEANING_UNDECODED,
};

/* Decodes a report into the device's pending image. The image begins as a copy of the fleet's, or, if that was written
 * under another version, as one in which nothing is known. */
static enum mu_err decode(struct batch *b, struct pending *p, const struct fleet_definition *d,
                          const struct frame *frame)
{
    size_t before = b->images.len, len = datapoint_state_size(d->plan), at = p->image, old_len = 0;
    bool known = p->progress.definition == d->version;
    enum mu_err err;

    if (!p->has_image || !known) {
        const uint8_t *old = known ? fleet_image(b->fleet, p->device, &old_len) : NULL;
        uint8_t *room = buf_reserve(&b->images, len);
        if (!room) {
            b->err = MU_E_NOMEM;
            return MU_E_NOMEM;
        }
        if (old)
            memcpy(room, old, len);
        else
            memset(room, 0, len);
        at = before;
        b->images.len += len;
    }
    err = datapoint_state_report(d->plan, frame->p0, frame->p0_len, b->images.data + at);
    if (err != MU_OK) {
        b->images.len = before;
        return err;
    }
    p->has_image = true;
    p->redefined |= !known;
    p->kept |= !known;
    p->image = at;
    p->image_len = len;
    p->definition = d;
    p->progress.definition = d->version;
    return MU_OK;
}

static enum meaning understand(struct batch *b, struct pending *p, const struct fleet_definition *d,
                               const uint8_t *payload, size_t len)
{
    struct frame frame;

    if (frame_parse(payload, len, &frame) != MU_OK ||
        (frame.cmd != FRAME_REPORT && frame.cmd != FRAME_NUMBERED && frame.cmd != FRAME_ACK))
        return MEANING_UNDECODED;
    if (frame.p0_len == 0)
        return MEANING_ECHO;
    if (frame.cmd != FRAME_ACK)
        p->progress.numbers_reports = frame.cmd == FRAME_NUMBERED;
    switch (frame.p0[0]) {
    case P0_PASS:
    case P0_PASS_FROM: return MEANING_REPORT;
    case P0_ANSWER:
    case P0_REPORT:
    case P0_ANSWER_VAR:
    case P0_REPORT_VAR:
        if (d)
            return decode(b, p, d, &frame) == MU_OK ? MEANING_DECODED : MEANING_UNDECODED;
        return MEANING_REPORT;
    default: return d ? MEANING_UNDECODED : MEANING_REPORT;
    }
}

static void write_active_day(struct batch *b, const struct pending *p)
{
    int32_t day = p->progress.active_day;

    if (!ARRAY_RESERVE(b->active, b->active_cap, b->active_count + 1)) {
        b->err = MU_E_NOMEM;
        return;
    }
    b->active[b->active_count++] = (struct pending_active){ p->device, day };
    journal_batch_active(b->writes, day, p->device);
}

/* true: it is the device's first report of the day. */
static bool note_activity(struct batch *b, struct pending *p)
{
    int32_t last = p->progress.active_day;

    p->progress.last_report = p->progress.last_ts_us / 1000000;
    p->progress.active_day = batch_day(b, p->progress.last_report);
    return p->progress.active_day != last;
}

void batch_add_report(struct batch *b, struct pending *p, const struct intake_record *rec)
{
    const struct fleet_definition *d = atomic_load(&p->product->definition);
    struct journal_message m = next_message(b, p, rec, d);
    enum meaning meaning = understand(b, p, d, rec->body, rec->body_len);

    b->tally.messages++;
    b->tally.bytes += rec->body_len;
    b->tally.decoded += meaning == MEANING_DECODED;
    b->tally.undecoded += meaning == MEANING_UNDECODED;
    b->tally.echoes += meaning == MEANING_ECHO;
    if (meaning == MEANING_DECODED) {
        p->progress.decoded++;
        batch_note_events(b, p, d);
    }
    if ((meaning == MEANING_DECODED || meaning == MEANING_REPORT) && note_activity(b, p))
        write_active_day(b, p);
    if (meaning == MEANING_UNDECODED)
        undecoded_log_add(&b->undecoded, p->device, p->product, d, rec->body, rec->body_len);

    m.kind = MESSAGE_DEV2APP;
    m.decoded = meaning == MEANING_DECODED;
    m.decoded_number = p->progress.decoded;
    m.payload = rec->body;
    m.payload_len = rec->body_len;
    journal_batch_message(b->writes, p->device, &m);
}

/* --- again -----------------------------------------------------------------------------------*/

void batch_replay(struct batch *b, uint32_t device, const struct journal_message *m)
{
    struct pending *p = batch_pending(b, device);

    /* After a clock was set back, messages that are counted already may lie behind the place where reading goes on. */
    if (!p || m->number <= p->progress.messages)
        return;
    p->progress.last_ts_us = m->ts_us;
    p->progress.messages = m->number;
    p->progress.decoded = m->decoded_number;
    p->changed = true;
    if (m->kind != MESSAGE_DEV2APP)
        return;
    const struct fleet_definition *d = fleet_definition(b->fleet, p->product->no, m->definition);
    enum meaning meaning = understand(b, p, d, m->payload, m->payload_len);
    if (meaning == MEANING_DECODED || meaning == MEANING_REPORT)
        note_activity(b, p);
}

/* Takes an image, as if it had just been reported. */
static void take_image(struct batch *b, struct pending *p, const struct fleet_definition *d, const uint8_t *image,
                       size_t len)
{
    p->image = b->images.len;
    p->image_len = len;
    p->definition = d;
    p->progress.definition = d->version;
    buf_append(&b->images, image, len);
    p->has_image = b->images.err == MU_OK;
    if (!p->has_image)
        b->err = MU_E_NOMEM;
}

static void take_fleets_image(struct batch *b, struct pending *p)
{
    size_t len;
    const struct fleet_definition *d = fleet_definition(b->fleet, p->product->no, p->progress.definition);
    const uint8_t *image = d ? fleet_image(b->fleet, p->device, &len) : NULL;

    if (image)
        take_image(b, p, d, image, len);
}

void batch_replay_from(struct batch *b, uint32_t device, const struct journal_state *s)
{
    struct pending *p = batch_pending(b, device);
    const struct fleet_definition *d =
        p && s->definition ? fleet_definition(b->fleet, p->product->no, s->definition) : NULL;

    if (!p)
        return;
    p->elsewhere = false;
    p->progress = fleet_progress_of(s);
    p->before_us = s->last_ts_us;
    p->redefined = true;
    if (d && datapoint_state_size(d->plan) == s->image_len)
        take_image(b, p, d, s->image, s->image_len);
}

void batch_reconcile(struct batch *b, uint32_t device)
{
    struct pending *p = batch_pending(b, device);

    if (!p)
        return;
    if (!p->has_image)
        take_fleets_image(b, p);
    if (p->has_image && !(b->reading && b->shared)) /* else what is on record counts, and may be newer */
        batch_note_events(b, p, p->definition);
    if (p->changed && p->progress.active_day && !fleet_was_active(b->fleet, p->progress.active_day, device))
        write_active_day(b, p);
    /* Its state is also written when no message followed. Otherwise every later start would look for some. */
    p->changed = true;
}

/* --- controls -------------------------------------------------------------------------------- */

/* Writes the control's line of the audit log, in the batch of its message. */
static void audit_control(struct batch *b, const struct pending *p, const struct intake_record *rec,
                          const struct journal_message *m)
{
    char did[DID_LEN + 1];
    struct journal_control c = {
        .ts_us = rec->ts_us, .request = m->request, .frame = m->payload, .frame_len = m->payload_len
    };

    fleet_did(b->fleet, p->device, did);
    c.did = str_of(did);
    c.enterprise_id = str_of(fleet_enterprise_id(b->fleet, m->enterprise));
    journal_batch_control(b->writes, &c);
}

void batch_add_control(struct batch *b, struct pending *p, const struct intake_record *rec)
{
    assert(rec->body_len >= sizeof(struct intake_control));
    const struct intake_control *control = (const void *)rec->body;
    struct journal_message m = next_message(b, p, rec, atomic_load(&p->product->definition));

    m.kind = MESSAGE_APP2DEV;
    m.decoded_number = p->progress.decoded;
    m.enterprise = control->enterprise;
    m.request = control->request;
    m.payload = rec->body + sizeof(*control);
    m.payload_len = rec->body_len - sizeof(*control);
    b->tally.controls++;
    b->tally.bytes += m.payload_len;
    journal_batch_message(b->writes, p->device, &m);
    audit_control(b, p, rec, &m);
}

void batch_add_audit(struct batch *b, const struct intake_record *rec)
{
    const struct intake_audit *audit = (const void *)rec->body;

    journal_batch_control(b->writes, &(struct journal_control){ .ts_us = rec->ts_us,
                                                                .request = audit->request,
                                                                .enterprise_id = str_of(audit->enterprise_id),
                                                                .did = str_of(audit->did),
                                                                .error = audit->error,
                                                                .last = audit->last,
                                                                .frame = rec->body + sizeof(*audit),
                                                                .frame_len = audit->frame_len });
}
