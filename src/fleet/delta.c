#include "fleet/delta.h"

/* The layout of a delta. A report of a device that reports often takes a dozen bytes:
 *
 *   device, messages, sessions as varints; parts; flags
 *   REPORT    last_ts_us (from the head's moment), last_report (from last_ts_us, in seconds)
 *   SESSION   session_boot, last_session_us, online_latest, activated_at
 *   DAY       active_day */

enum { ONLINE = 1, FAULTY = 2, ALERT = 4, NUMBERS_REPORTS = 8 };

void delta_put_head(struct buf *out, const struct delta_head *head)
{
    buf_append_signed(out, head->moment_us);
    buf_append_varint(out, head->registry);
}

enum mu_err delta_get_head(struct bytes *in, struct delta_head *head)
{
    head->moment_us = bytes_signed(in);
    head->registry = bytes_varint(in, 10);
    return in->bad ? MU_E_CORRUPT : MU_OK;
}

void delta_put(struct buf *out, const struct delta_head *head, const struct delta_entry *e)
{
    const struct fleet_progress *p = &e->progress;

    buf_append_varint(out, e->device);
    buf_append_varint(out, p->messages);
    buf_append_varint(out, p->sessions);
    buf_append_u8(out, e->parts);
    buf_append_u8(out, (uint8_t)((e->online ? ONLINE : 0) | (e->faulty ? FAULTY : 0) | (e->alert ? ALERT : 0) |
                                 (p->numbers_reports ? NUMBERS_REPORTS : 0)));
    if (e->parts & DELTA_REPORT) {
        buf_append_signed(out, p->last_ts_us - head->moment_us);
        buf_append_signed(out, p->last_report - p->last_ts_us / 1000000);
    }
    if (e->parts & DELTA_SESSION) {
        buf_append_varint(out, p->session_boot);
        buf_append_signed(out, p->last_session_us - head->moment_us);
        buf_append_signed(out, p->online_latest);
        buf_append_signed(out, p->activated_at);
    }
    if (e->parts & DELTA_DAY)
        buf_append_signed(out, p->active_day);
}

bool delta_get(struct bytes *in, const struct delta_head *head, struct delta_entry *e)
{
    struct fleet_progress *p = &e->progress;

    if (in->bad || !in->left)
        return false;
    *e = (struct delta_entry){ .device = (uint32_t)bytes_varint(in, 5) };
    p->messages = bytes_varint(in, 10);
    p->sessions = bytes_varint(in, 10);
    e->parts = bytes_u8(in);
    uint8_t flags = bytes_u8(in);
    e->online = flags & ONLINE;
    e->faulty = flags & FAULTY;
    e->alert = flags & ALERT;
    p->numbers_reports = flags & NUMBERS_REPORTS;
    if (e->parts & DELTA_REPORT) {
        p->last_ts_us = head->moment_us + bytes_signed(in);
        p->last_report = p->last_ts_us / 1000000 + bytes_signed(in);
    }
    if (e->parts & DELTA_SESSION) {
        p->session_boot = bytes_varint(in, 10);
        p->last_session_us = head->moment_us + bytes_signed(in);
        p->online_latest = bytes_signed(in);
        p->activated_at = bytes_signed(in);
    }
    if (e->parts & DELTA_DAY)
        p->active_day = (int32_t)bytes_signed(in);
    return !in->bad;
}
