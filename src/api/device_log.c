#include "api/call.h"
#include "api/window.h"
#include "base/clock.h"
#include "model/frame.h"

/* 设备管理: what device and cloud sent each other, as bytes (cmd) and as datapoints (data). */

static const struct param log_params[] = { LOG_PARAMS };

/* --- cmd -------------------------------------------------------------------------------------- */
/* clang-format off: a table */
static const struct field cmd_fields[] = {
    { "timestamp",
      FIELD_NUMBER,
      false,
      { "时间戳（秒，含毫秒）", "Unix seconds with milliseconds" },
      "1517384252.294",
      NULL },
    { "type",
      FIELD_TEXT,
      false,
      { "dev2app（设备上报）或 app2dev（下发）", "dev2app or app2dev" },
      "\"app2dev\"",
      NULL },
    { "payload",
      FIELD_TEXT,
      false,
      { "整帧数据，小写十六进制", "The whole frame in lower-case hex" },
      "\"0000000309000090010101000010\"",
      NULL },
    { 0 },
};
/* clang-format on */

ROUTE(cmd, GET, "/v1/products/{product_key}/devices/{did}/cmd", TOKEN, SLOW, PARAMS(log_params), ARGS(struct log_args),
      .check = window_check, .fields = cmd_fields, .paged = true, ERRORS(API_JOURNAL_FAILED),
      .summary = { "设备通信日志", "Communication log of a device" },
      .about = { "查询最近 7 天内任意两天的原始数据，默认为最近两天。",
                 "The raw data of any two of the last 7 days; by default of the last two." });

static void write_hex(struct json_out *j, const uint8_t *bytes, size_t len)
{
    json_raw(j, STR("\""));
    uint8_t *at = buf_reserve(j->out, 2 * len + 2);
    if (!at)
        return;
    hex_encode(bytes, len, (char *)at);
    at[2 * len] = '"'; /* overwrites the terminator */
    j->out->len += 2 * len + 1;
}

static enum mu_err write_cmd(void *rows, const struct journal_message *m)
{
    struct json_out *j = rows;

    json_object_begin(j);
    json_put_seconds_ms(j, "timestamp", m->ts_us);
    json_put_text(j, "type", m->kind == MESSAGE_DEV2APP ? "dev2app" : "app2dev");
    json_key(j, "payload");
    write_hex(j, m->payload, m->payload_len);
    json_object_end(j);
    return j->out->err;
}

/* Answers the messages of the window. `row` writes each; its context ctx must begin with the struct json_out of the
 * rows. */
static enum api_error answer_messages(struct api_call *call, const struct journal_window *window,
                                      enum mu_err (*row)(void *ctx, const struct journal_message *m), void *ctx)
{
    const struct log_args *args = call->args;
    const struct buf *rows = ((struct json_out *)ctx)->out;
    uint64_t total = 0;
    enum mu_err err = journal_messages(call->api->parts.journal, args->device.no, window, row, ctx, &total);

    if (err != MU_OK && rows->err == MU_OK)
        return api_store_failed(call, API_JOURNAL_FAILED, "read messages", err);
    return page_answer(call, &args->page, total, rows);
}

static enum api_error cmd(struct api_call *call)
{
    const struct log_args *args = call->args;
    struct buf rows;

    buf_init(&rows, PAGE_ROWS_MAX);
    struct json_out j = json_out_to(&rows);
    enum api_error error = answer_messages(call, &args->window, write_cmd, &j);
    buf_free(&rows);
    return error;
}

/* --- data ------------------------------------------------------------------------------------- */
static const struct field data_fields[] = {
    { "ts", FIELD_INT, false, { "时间戳（秒）", "Unix seconds" }, "1517384243", NULL },
    { "attrs",
      FIELD_OBJECT,
      false,
      { "数据点：布尔、报警、故障为 0/1，枚举为其文字，数值为真实值，扩展型为十六进制",
        "Datapoints: bool, alert and fault as 0 or 1, an enum as its text, a number scaled, binary as "
        "hex" },
      "{\"switch\":1,\"mode\":\"制冷\",\"set_temp\":16,\"room_temp\":-10,\"fault_roomtemp\":0}",
      NULL },
    { 0 },
};

ROUTE(data, GET, "/v1/products/{product_key}/devices/{did}/data", TOKEN, SLOW, PARAMS(log_params),
      ARGS(struct log_args), .check = window_check, .fields = data_fields, .paged = true, ERRORS(API_JOURNAL_FAILED),
      .summary = { "获取设备历史数据", "Datapoints that a device has reported" },
      .about = { "查询最近 7 天内任意两天上报的数据点，默认为最近两天。",
                 "What was reported on any two of the last 7 days; by default on the last two." });

struct data_rows {
    struct json_out j; /* must be first: answer_messages needs it there */
    struct fleet *fleet;
    uint32_t product;
    const struct fleet_definition *definition; /* of the previous row; most likely also of the next */
    struct point_value values[LIMIT_POINTS];
};

static const struct datapoint_plan *plan_of(struct data_rows *r, uint32_t version)
{
    if (!r->definition || r->definition->version != version)
        r->definition = fleet_definition(r->fleet, r->product, version);
    return r->definition ? r->definition->plan : NULL;
}

/* A report is decoded with the definition that it was sent under; that worked when the report arrived. */
static enum mu_err write_data(void *rows, const struct journal_message *m)
{
    struct data_rows *r = rows;
    const struct datapoint_plan *plan = plan_of(r, m->definition);
    struct frame frame;

    json_object_begin(&r->j);
    json_put_int(&r->j, "ts", m->ts_us / 1000000);
    json_key(&r->j, "attrs");
    if (plan && frame_parse(m->payload, m->payload_len, &frame) == MU_OK &&
        datapoint_decode(plan, frame.p0, frame.p0_len, r->values) == MU_OK) {
        datapoint_write_attrs(plan, r->values, &r->j);
    } else {
        json_object_begin(&r->j);
        json_object_end(&r->j);
    }
    json_object_end(&r->j);
    return r->j.out->err;
}

static enum api_error data(struct api_call *call)
{
    const struct log_args *args = call->args;
    struct journal_window window = args->window;
    struct data_rows *r = arena_alloc(&call->ex->arena, sizeof(*r));
    struct buf rows;

    if (!r)
        return API_INTERNAL;
    buf_init(&rows, PAGE_ROWS_MAX);
    r->j = json_out_to(&rows);
    r->fleet = call->api->parts.fleet;
    r->product = call->product->no;
    window.decoded_only = true;
    enum api_error error = answer_messages(call, &window, write_data, r);
    buf_free(&rows);
    return error;
}

const struct api_chapter chapter_device_log = {
    .name = { "设备管理", "Devices" },
    ROUTES(&cmd_route, &data_route),
};
