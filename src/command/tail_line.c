/* The lines of muster tail, as text and as JSON. */

#include "command/tail_line.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/encoding.h"
#include "command/sheet.h"
#include "command/tail_message.h"

/* How many bytes of a message a text line shows; --json shows all. */
enum { SHOWN_BYTES = 64 };

enum { SECONDS_LEN = sizeof("2026-11-30 10:59:15") - 1 };

static const char *word_of(const struct watch_event *e)
{
    switch (e->kind) {
    case WATCH_LOGIN: return "login";
    case WATCH_END: return "end";
    case WATCH_REFUSED_CONTROL: return "refused_control";
    case WATCH_POINT: return e->point.alert ? "alert" : "fault";
    case WATCH_REGISTRATION: return "registration";
    case WATCH_REFUSAL: return "refusal";
    case WATCH_MESSAGE:
    case WATCH_CONTROL: break; /* their words are in tail_message.h */
    }
    return "";
}

static void append_hex(struct buf *out, const uint8_t *bytes, size_t len)
{
    uint8_t *at = buf_reserve(out, 2 * len + 1);

    if (!at)
        return;
    hex_encode(bytes, len, (char *)at);
    out->len += 2 * len;
}

/* --- text ----------------------------------------------------------------------------------------------- */

/* Like sheet_time, but with milliseconds. */
static void append_time(struct buf *out, int64_t ts_us, const struct calendar *calendar)
{
    char text[32];
    const char *offset = sheet_time(calendar, ts_us / 1000000, text) + SECONDS_LEN;

    buf_printf(out, "%.*s.%03d%s", SECONDS_LEN, text, (int)(ts_us / 1000 % 1000), offset);
}

static void append_message(struct buf *out, const struct watch_event *e, const struct tail_message *m)
{
    size_t shown = e->body_len < SHOWN_BYTES ? e->body_len : SHOWN_BYTES;

    if (m->has_sn)
        buf_printf(out, " number %" PRIu32, m->sn);
    if (m->plan) {
        struct json_out j = json_out_to(out);
        buf_append_u8(out, ' ');
        datapoint_write_attrs(m->plan, m->values, &j);
    } else if (!m->is_empty) {
        buf_printf(out, m->why[0] ? " not decoded (%s) " : "%s ", m->why);
        append_hex(out, e->body, shown);
        if (shown < e->body_len)
            buf_printf(out, "… (%" PRIu32 " bytes)", e->body_len);
    }
    if (e->kind == WATCH_CONTROL)
        buf_printf(out, " of enterprise %s", e->control.enterprise_id);
}

static void append_details(struct buf *out, const struct watch_event *e)
{
    char peer[IP_TEXT_SIZE];

    ip_text(&e->peer, peer);
    switch (e->kind) {
    case WATCH_LOGIN:
        buf_printf(out, " from %s, keepalive %" PRIu32 " s%s", peer, e->login.keep_alive,
                   e->login.takeover ? ", takes the place of another session" : "");
        return;
    case WATCH_END: buf_printf(out, " %s after %" PRIu32 " s", end_reason_text(e->end.reason), e->end.seconds); return;
    case WATCH_REFUSED_CONTROL:
        buf_printf(out, " error %" PRIu32 ", of enterprise %s", e->control.error, e->control.enterprise_id);
        return;
    case WATCH_POINT:
        buf_printf(out, " %.*s %s", (int)e->point.name.len, e->point.name.at, e->point.cleared ? "cleared" : "raised");
        return;
    case WATCH_REGISTRATION: buf_printf(out, " of mac %s from %s: %s", e->mac, peer, e->outcome); return;
    case WATCH_REFUSAL:
        if (e->mac[0])
            buf_printf(out, " of mac %s", e->mac);
        buf_printf(out, " from %s: %s", peer, e->reason);
        return;
    case WATCH_MESSAGE:
    case WATCH_CONTROL: return;
    }
}

void tail_line_text(struct buf *out, const struct watch_event *e, const struct calendar *calendar)
{
    size_t start = out->len;
    struct tail_message m;

    append_time(out, e->ts_us, calendar);
    buf_printf(out, " %-*s", DID_LEN, e->did[0] ? e->did : "-");
    if (e->kind == WATCH_MESSAGE || e->kind == WATCH_CONTROL) {
        tail_message_read(e, &m);
        buf_printf(out, " %s", m.word);
        append_message(out, e, &m);
    } else {
        buf_printf(out, " %s", word_of(e));
        append_details(out, e);
    }
    buf_make_plain(out, start);
    buf_append_u8(out, '\n');
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static void write_optional(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_text(j, text && *text ? text : NULL);
}

static void write_count(struct json_out *j, const char *key, uint32_t count)
{
    json_key(j, key);
    json_int(j, count);
}

static void write_peer(struct json_out *j, const struct watch_event *e)
{
    char peer[IP_TEXT_SIZE];

    ip_text(&e->peer, peer);
    write_optional(j, "peer", peer);
}

static void write_message(struct json_out *j, const struct watch_event *e, const struct tail_message *m)
{
    if (e->kind == WATCH_CONTROL)
        write_optional(j, "enterprise_id", e->control.enterprise_id);
    if (m->has_sn)
        write_count(j, "sn", m->sn);
    if (m->plan) {
        json_key(j, "attrs");
        datapoint_write_attrs(m->plan, m->values, j);
        return;
    }
    if (m->why[0])
        write_optional(j, "undecoded", m->why);
    json_key(j, "payload");
    json_raw(j, STR("\""));
    append_hex(j->out, e->body, e->body_len);
    buf_append_u8(j->out, '"');
}

static void write_details(struct json_out *j, const struct watch_event *e)
{
    switch (e->kind) {
    case WATCH_LOGIN:
        write_peer(j, e);
        write_count(j, "keep_alive", e->login.keep_alive);
        json_key(j, "takeover");
        json_bool(j, e->login.takeover);
        return;
    case WATCH_END:
        write_optional(j, "reason", end_reason_text(e->end.reason));
        write_count(j, "seconds", e->end.seconds);
        return;
    case WATCH_REFUSED_CONTROL:
        write_count(j, "error_code", e->control.error);
        write_optional(j, "enterprise_id", e->control.enterprise_id);
        return;
    case WATCH_POINT:
        json_key(j, "name");
        json_str(j, e->point.name);
        write_optional(j, "state", e->point.cleared ? "cleared" : "raised");
        return;
    case WATCH_REGISTRATION:
        write_optional(j, "mac", e->mac);
        write_peer(j, e);
        write_optional(j, "outcome", e->outcome);
        return;
    case WATCH_REFUSAL:
        write_optional(j, "mac", e->mac);
        write_peer(j, e);
        write_optional(j, "reason", e->reason);
        return;
    case WATCH_MESSAGE:
    case WATCH_CONTROL: return;
    }
}

void tail_line_json(struct buf *out, const struct watch_event *e)
{
    bool is_message = e->kind == WATCH_MESSAGE || e->kind == WATCH_CONTROL;
    struct json_out j = json_out_to(out);
    struct tail_message m;

    if (is_message)
        tail_message_read(e, &m);
    json_object_begin(&j);
    json_key(&j, "time");
    json_seconds_ms(&j, e->ts_us);
    write_optional(&j, "did", e->did);
    write_optional(&j, "product_key", e->product ? e->product->product_key : NULL);
    write_optional(&j, "event", is_message ? m.word : word_of(e));
    if (is_message)
        write_message(&j, e, &m);
    else
        write_details(&j, e);
    json_object_end(&j);
    buf_append_u8(out, '\n');
}

void tail_line_lost(struct buf *out, uint64_t count, bool json)
{
    if (json)
        buf_printf(out, "{\"event\":\"lost\",\"count\":%" PRIu64 "}\n", count);
    else
        buf_printf(out, "… %" PRIu64 " event%s not shown\n", count, count == 1 ? "" : "s");
}
