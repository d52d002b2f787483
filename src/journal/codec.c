#include "journal/codec.h"

#include <assert.h>
#include <string.h>

/* The layout of values (codec.h). */

enum {
    MESSAGE_IS_APP2DEV = 0x01,
    MESSAGE_IS_DECODED = 0x02,
    MESSAGE_FLAGS = 0x03,
};

enum {
    SESSION_IS_END = 0x01,
    SESSION_IS_AGAIN = 0x02,
    SESSION_FLAGS = 0x03,
};

/* A flag above the 32 bits of the definition's version. */
#define STATE_NUMBERS_REPORTS (UINT64_C(1) << 32)
#define STATE_FOLLOWED        (UINT64_C(1) << 33)

enum {
    CONTROL_IS_LAST = 0x01,
    CONTROL_FLAGS = 0x01,
};

static uint64_t read_u64(struct bytes *in)
{
    return bytes_varint(in, 10);
}

static uint32_t read_u32(struct bytes *in)
{
    uint64_t v = bytes_varint(in, 5);
    if (v > UINT32_MAX)
        in->bad = true;
    return (uint32_t)v;
}

static enum mu_err verdict(const struct bytes *in, bool to_the_end)
{
    return in->bad || (to_the_end && in->left) ? MU_E_CORRUPT : MU_OK;
}

/* decoded_number is written as its distance to number: one byte if all reports of the device decode. */
void codec_message_encode(struct buf *out, const struct journal_message *m)
{
    bool app2dev = m->kind == MESSAGE_APP2DEV;

    buf_append_u8(out, (uint8_t)((app2dev ? MESSAGE_IS_APP2DEV : 0) | (m->decoded ? MESSAGE_IS_DECODED : 0)));
    buf_append_varint(out, m->number - m->decoded_number);
    buf_append_varint(out, m->definition);
    if (app2dev) {
        buf_append_varint(out, m->enterprise);
        buf_append_u64be(out, m->request);
    }
    buf_append(out, m->payload, m->payload_len);
}

enum mu_err codec_message_decode(const struct record_head *head, struct bytes in, struct journal_message *out)
{
    uint8_t flags = bytes_u8(&in);
    if (flags & ~MESSAGE_FLAGS)
        return MU_E_CORRUPT;

    *out =
        (struct journal_message){ .ts_us = head->ts_us, .number = head->number, .decoded = flags & MESSAGE_IS_DECODED };
    out->kind = flags & MESSAGE_IS_APP2DEV ? MESSAGE_APP2DEV : MESSAGE_DEV2APP;
    out->decoded_number = out->number - read_u64(&in);
    out->definition = read_u32(&in);
    if (out->kind == MESSAGE_APP2DEV) {
        out->enterprise = read_u32(&in);
        out->request = bytes_u64be(&in);
    }
    out->payload = in.at;
    out->payload_len = in.left;
    return verdict(&in, false);
}

void codec_session_encode(struct buf *out, const struct journal_session *s)
{
    buf_append_u8(out, (uint8_t)((s->end ? SESSION_IS_END : 0) | (s->again ? SESSION_IS_AGAIN : 0)));
    if (!s->end) {
        buf_append_varint(out, s->keep_alive);
        buf_append_varint(out, s->boot);
        return;
    }
    buf_append_varint(out, s->duration);
    buf_append_u8(out, (uint8_t)s->reason);
    buf_append_varint(out, s->heartbeat.count);
    buf_append_varint(out, s->heartbeat.max);
    buf_append_varint(out, s->heartbeat.min);
    buf_append_varint(out, s->heartbeat.avg);
    buf_append_varint(out, s->heartbeat.last);
}

enum mu_err codec_session_decode(const struct record_head *head, struct bytes in, struct journal_session *out)
{
    uint8_t flags = bytes_u8(&in);
    if (flags & ~SESSION_FLAGS)
        return MU_E_CORRUPT;

    *out = (struct journal_session){
        .ts_us = head->ts_us, .number = head->number, .end = flags & SESSION_IS_END, .again = flags & SESSION_IS_AGAIN
    };
    if (!out->end) {
        out->keep_alive = read_u32(&in);
        out->boot = read_u64(&in);
        return verdict(&in, true);
    }
    out->duration = read_u32(&in);
    uint8_t reason = bytes_u8(&in);
    if (reason >= END_REASON_COUNT)
        return MU_E_CORRUPT;
    out->reason = (enum end_reason)reason;
    out->heartbeat.count = read_u32(&in);
    out->heartbeat.max = read_u32(&in);
    out->heartbeat.min = read_u32(&in);
    out->heartbeat.avg = read_u32(&in);
    out->heartbeat.last = read_u32(&in);
    return verdict(&in, true);
}

enum mu_err codec_head_decode(struct bytes in, struct record_head *head)
{
    head->decoded = bytes_u8(&in) & MESSAGE_IS_DECODED;
    head->decoded_number = head->number - read_u64(&in);
    return verdict(&in, false);
}

void codec_state_encode(struct buf *out, const struct journal_state *s)
{
    buf_append_signed(out, s->last_ts_us);
    buf_append_signed(out, s->last_session_us);
    buf_append_varint(out, s->messages);
    buf_append_varint(out, s->decoded);
    buf_append_varint(out, s->sessions);
    buf_append_signed(out, s->activated_at);
    buf_append_signed(out, s->online_latest);
    buf_append_signed(out, s->last_report);
    buf_append_signed(out, s->active_day);
    buf_append_varint(out, s->session_boot);
    buf_append_varint(out, s->definition | (s->numbers_reports ? STATE_NUMBERS_REPORTS : 0) |
                               (s->followed ? STATE_FOLLOWED : 0));
    buf_append(out, s->image, s->image_len);
}

enum mu_err codec_state_decode(struct bytes in, struct journal_state *out)
{
    *out = (struct journal_state){ .last_ts_us = bytes_signed(&in) };
    out->last_session_us = bytes_signed(&in);
    out->messages = read_u64(&in);
    out->decoded = read_u64(&in);
    out->sessions = read_u64(&in);
    out->activated_at = bytes_signed(&in);
    out->online_latest = bytes_signed(&in);
    out->last_report = bytes_signed(&in);
    int64_t active_day = bytes_signed(&in);
    if (active_day < INT32_MIN || active_day > INT32_MAX)
        return MU_E_CORRUPT;
    out->active_day = (int32_t)active_day;
    out->session_boot = read_u64(&in);
    uint64_t definition = read_u64(&in);
    out->definition = (uint32_t)definition;
    out->numbers_reports = definition & STATE_NUMBERS_REPORTS;
    out->followed = definition & STATE_FOLLOWED;
    if (definition & ~(STATE_NUMBERS_REPORTS | STATE_FOLLOWED | UINT32_MAX))
        return MU_E_CORRUPT;
    out->image = in.at;
    out->image_len = in.left;
    return verdict(&in, false);
}

static_assert(LIMIT_VERSION <= UINT8_MAX, "the length of a version is one byte");

void codec_versions_encode(struct buf *out, const struct journal_versions *v)
{
    for (int i = 0; i < VERSION_COUNT; i++) {
        size_t len = strnlen(v->text[i], LIMIT_VERSION);
        buf_append_u8(out, (uint8_t)len);
        buf_append(out, v->text[i], len);
    }
}

enum mu_err codec_versions_decode(struct bytes in, struct journal_versions *out)
{
    *out = (struct journal_versions){ 0 };
    for (int i = 0; i < VERSION_COUNT; i++) {
        size_t len = bytes_u8(&in);
        const uint8_t *text = bytes_take(&in, len);
        if (!text || len > LIMIT_VERSION)
            return MU_E_CORRUPT;
        memcpy(out->text[i], text, len);
    }
    return verdict(&in, true);
}

void codec_event_encode(struct buf *out, const struct journal_event *e)
{
    buf_append_signed(out, e->resolved_us);
    buf_append_varint(out, e->definition);
}

enum mu_err codec_event_decode(struct bytes in, struct journal_event *out)
{
    out->resolved_us = bytes_signed(&in);
    out->definition = read_u32(&in);
    return verdict(&in, true);
}

static void append_id(struct buf *out, struct str id)
{
    size_t len = id.len < UINT8_MAX ? id.len : UINT8_MAX;

    buf_append_u8(out, (uint8_t)len);
    buf_append(out, id.at, len);
}

static struct str read_id(struct bytes *in)
{
    size_t len = bytes_u8(in);
    const uint8_t *text = bytes_take(in, len);
    return (struct str){ (const char *)text, text ? len : 0 };
}

static size_t kept_of(size_t frame_len)
{
    return frame_len < JOURNAL_CONTROL_FRAME ? frame_len : JOURNAL_CONTROL_FRAME;
}

void codec_control_encode(struct buf *out, const struct journal_control *c)
{
    buf_append_u8(out, c->last ? CONTROL_IS_LAST : 0);
    buf_append_varint(out, c->error);
    append_id(out, c->enterprise_id);
    append_id(out, c->did);
    buf_append_varint(out, c->frame_len);
    buf_append(out, c->frame, kept_of(c->frame_len));
}

enum mu_err codec_control_decode(struct bytes in, struct journal_control *out)
{
    uint8_t flags = bytes_u8(&in);
    out->last = flags & CONTROL_IS_LAST;
    out->error = read_u32(&in);
    out->enterprise_id = read_id(&in);
    out->did = read_id(&in);
    out->frame_len = (size_t)read_u64(&in);
    out->frame = bytes_take(&in, kept_of(out->frame_len));
    return flags & ~CONTROL_FLAGS ? MU_E_CORRUPT : verdict(&in, true);
}
