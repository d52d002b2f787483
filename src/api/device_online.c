#include "api/call.h"
#include "api/window.h"
#include "commit/unseen_end.h"

/* 设备管理: when a device logged in and when its sessions ended. */

static const struct param online_params[] = { LOG_PARAMS };

static const struct field heartbeat_fields[] = {
    { "count", FIELD_INT, false, { "在线时发送的心跳次数", "Heartbeats of the session" }, "21", NULL },
    { "max", FIELD_INT, false, { "最大间隔时间", "Longest interval, seconds" }, "60", NULL },
    { "avg", FIELD_INT, false, { "平均间隔时间", "Average interval, seconds" }, "60", NULL },
    { "last",
      FIELD_INT,
      false,
      { "最后一次收到心跳时刻与下线时刻的间隔时间", "From the last heartbeat to the end, seconds" },
      "130",
      NULL },
    { "min", FIELD_INT, false, { "最小间隔时间", "Shortest interval, seconds" }, "60", NULL },
    { 0 },
};

/* clang-format off: a table */
static const struct field payload_fields[] = {
    { "keep_alive",
      FIELD_INT,
      MAY_BE_ABSENT,
      { "上线：设备指定的心跳时间间隔加 5（秒）", "Login: the announced keepalive + 5, seconds" },
      NULL,
      NULL },
    { "duration",
      FIELD_INT,
      MAY_BE_ABSENT,
      { "下线：在线时长（秒）", "End: length of the session, seconds" },
      "1391",
      NULL },
    { "heartbeat",
      FIELD_OBJECT,
      MAY_BE_ABSENT,
      { "下线：心跳统计", "End: the session's heartbeats" },
      NULL,
      heartbeat_fields },
    { "reason",
      FIELD_TEXT,
      MAY_BE_ABSENT,
      { "下线原因：mqtt_disconnect、no_heartbeat、tcp_closed、ssl_closed、offline_force、"
        "offline_reset、offline_exception、offline_sending_density_overflow 或 "
        "offline_sending_data_size_overflow",
        "End: mqtt_disconnect, no_heartbeat, tcp_closed, ssl_closed, offline_force, offline_reset, "
        "offline_exception, offline_sending_density_overflow or offline_sending_data_size_overflow" },
      "\"no_heartbeat\"",
      NULL },
    { 0 },
};
/* clang-format on */

/* clang-format off: a table */
static const struct field online_fields[] = {
    { "timestamp",
      FIELD_NUMBER,
      false,
      { "时间戳（秒，含毫秒）", "Unix seconds with milliseconds" },
      "1517298056.201",
      NULL },
    { "type",
      FIELD_TEXT,
      false,
      { "dev_online、dev_re_online（前一会话未结束时再次上线）或 dev_offline",
        "dev_online, dev_re_online (before the end of the old session was seen) or dev_offline" },
      "\"dev_offline\"",
      NULL },
    { "payload",
      FIELD_OBJECT,
      false,
      { "上线或下线的信息", "Details of the login or of the end" },
      NULL,
      payload_fields },
    { 0 },
};
/* clang-format on */

ROUTE(online, GET, "/v1/products/{product_key}/devices/{did}/online", TOKEN, SLOW, PARAMS(online_params),
      ARGS(struct log_args), .check = window_check, .fields = online_fields, .paged = true, ERRORS(API_JOURNAL_FAILED),
      .summary = { "设备上下线记录", "Online record of a device" },
      .about = { "查询最近 7 天内任意两天的上下线记录，默认为最近两天。",
                 "The logins and ends of any two of the last 7 days; by default of the last two." });

/* --- rows ------------------------------------------------------------------------------------- */
static void write_end(struct json_out *j, const struct journal_session *s)
{
    json_put_int(j, "duration", s->duration);
    json_put_object(j, "heartbeat");
    json_put_int(j, "count", s->heartbeat.count);
    json_put_int(j, "max", s->heartbeat.max);
    json_put_int(j, "avg", s->heartbeat.avg);
    json_put_int(j, "last", s->heartbeat.last);
    json_put_int(j, "min", s->heartbeat.min);
    json_object_end(j);
    json_put_text(j, "reason", end_reason_text(s->reason));
}

static enum mu_err write_session(void *rows, const struct journal_session *s)
{
    struct json_out *j = rows;

    json_object_begin(j);
    json_put_seconds_ms(j, "timestamp", s->ts_us);
    json_put_text(j, "type", s->end ? "dev_offline" : s->again ? "dev_re_online" : "dev_online");
    json_put_object(j, "payload");
    if (s->end)
        write_end(j, s);
    else
        json_put_int(j, "keep_alive", s->keep_alive);
    json_object_end(j);
    json_object_end(j);
    return j->out->err;
}

/* --- the answer ------------------------------------------------------------------------------- */
/* Writes the records of the page. `missing` (the end that the journal does not have yet) is one of them if it is in
 * the window. */
static enum mu_err write_records(const struct api_call *call, const struct journal_session *missing, struct json_out *j,
                                 uint64_t *total)
{
    const struct log_args *args = call->args;
    struct journal_window w = args->window;
    bool in_window = missing->ts_us >= w.from_us && missing->ts_us <= w.to_us;

    /* Read only records before it: a login may be writing the missing end just now. */
    if (in_window)
        w.to_us = missing->ts_us - 1;
    if (in_window && w.newest_first) {
        /* It is the newest record: it is on this page, or one of those that are skipped. */
        if (w.skip > 0) {
            w.skip--;
        } else if (w.limit > 0) {
            w.limit--;
            (void)write_session(j, missing);
        }
    }
    enum mu_err err = journal_sessions(call->api->parts.journal, args->device.no, &w, write_session, j, total);
    if (err != MU_OK || !in_window)
        return err;
    if (!w.newest_first && *total >= w.skip && *total - w.skip < w.limit)
        (void)write_session(j, missing); /* it is the newest, so it is last, and there is room for it */
    ++*total;
    return MU_OK;
}

static enum api_error online(struct api_call *call)
{
    const struct log_args *args = call->args;
    struct journal_session missing;
    uint64_t total = 0;
    struct buf rows;
    enum api_error error;

    unseen_end(call->api->parts.journal, &args->device, &missing);
    buf_init(&rows, PAGE_ROWS_MAX);
    struct json_out j = json_out_to(&rows);
    enum mu_err err = write_records(call, &missing, &j, &total);
    if (err != MU_OK && rows.err == MU_OK)
        error = api_store_failed(call, API_JOURNAL_FAILED, "read session records", err);
    else
        error = page_answer(call, &args->page, total, &rows);
    buf_free(&rows);
    return error;
}

const struct api_chapter chapter_device_online = {
    .name = { "设备管理", "Devices" },
    ROUTES(&online_route),
};
