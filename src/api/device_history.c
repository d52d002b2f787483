#include "api/call.h"
#include "api/report_out.h"
#include "api/report_period.h"

/* 设备报表: activations and activity of devices by day, week or month. */

struct history_args {
    uint32_t group;
    int cycle; /* enum cycle */
    struct str start, end;
    struct period_range range; /* computed from start and end by history_check */
};

/* clang-format off: a table */
static const struct param history_params[] = {
    PRODUCT_KEY,
    GID_PARAM(struct history_args),
    { "cycle",
      IN_QUERY,
      ARG(CHOICE, struct history_args, cycle),
      OPTIONAL,
      { "统计周期：date（默认）、week 或 month", "date, which is the default, week or month" },
      "month",
      .fallback = CYCLE_DATE,
      .choices = period_cycle_names },
    { "start",
      IN_QUERY,
      ARG(TEXT, struct history_args, start),
      REQUIRED,
      { "开始日期：2016-08-01、周 2016-51 或月 2016-12", "First date 2016-08-01, ISO week 2016-51 or month 2016-12" },
      "2017-12" },
    { "end",
      IN_QUERY,
      ARG(TEXT, struct history_args, end),
      REQUIRED,
      { "结束日期，格式同 start，最多 30 天、53 周或 12 月",
        "The last period, in the same form; at most 30 days, 53 weeks or 12 months" },
      "2017-12" },
};
/* clang-format on */

/* clang-format off: a table */
static const struct field history_row_fields[] = {
    { "count", FIELD_INT, false, { "设备数", "How many devices" }, "2", NULL },
    { "location",
      FIELD_OBJECT,
      false,
      { "地理位置信息", "By country, region and city" },
      "{\"China\":{\"count\":1,\"Guangdong\":{\"count\":1,\"Guangzhou\":{\"count\":1}}}}",
      NULL },
    { "date", FIELD_TEXT, MAY_BE_ABSENT, { "日期，cycle 为 date 时", "The day, if cycle is date" }, NULL, NULL },
    { "week", FIELD_TEXT, MAY_BE_ABSENT, { "周，cycle 为 week 时", "The week, if cycle is week" }, NULL, NULL },
    { "month",
      FIELD_TEXT,
      MAY_BE_ABSENT,
      { "月，cycle 为 month 时", "The month, if cycle is month" },
      "\"2017-12\"",
      NULL },
    { 0 },
};
/* clang-format on */
static const struct field history_fields[] = {
    { "start", FIELD_TEXT, false, { "开始日期", "First period" }, "\"2017-12\"", NULL },
    GID_FIELD,
    { "end", FIELD_TEXT, false, { "结束日期", "Last period" }, "\"2017-12\"", NULL },
    { "data", FIELD_ARRAY, false, { "每个周期一行", "A row for each period" }, NULL, history_row_fields },
    { "cycle", FIELD_TEXT, false, { "周期", "The cycle" }, "\"month\"", NULL },
    { 0 },
};

static enum api_error history_check(struct api_call *call);

ROUTE(activation, GET, "/v1/products/{product_key}/devices/report/activation", TOKEN, SLOW, PARAMS(history_params),
      ARGS(struct history_args), .check = history_check, .fields = history_fields, ERRORS(API_REPORT_NOT_GENERATED),
      .summary = { "获取激活历史报表", "Activations by day, week or month" },
      .about = { "首次登录即为激活；按当前的地理位置和设备组统计。",
                 "A device is activated by its first login. Places and groups are those of today." });
ROUTE(liveness_history, GET, "/v1/products/{product_key}/devices/report/liveness/history", TOKEN, SLOW,
      PARAMS(history_params), ARGS(struct history_args), .check = history_check, .fields = history_fields,
      ERRORS(API_REPORT_NOT_GENERATED), .summary = { "获取活跃历史报表", "Active devices by day, week or month" },
      .about = { "活跃设备指一天之内有数据上报的设备；按当前的地理位置和设备组统计。",
                 "Active devices are those that reported. Places and groups are those of today." });

static enum api_error history_check(struct api_call *call)
{
    struct history_args *args = call->args;
    const char *why = period_range_read((enum cycle)args->cycle, args->start, args->end, &args->range);

    if (!why)
        why = period_range_too_long((enum cycle)args->cycle, &args->range);
    return why ? api_refuse(call, API_FORM_INVALID, "%s", why) : API_OK;
}

struct device_history {
    enum past_what what;
    struct fleet_past past;
};

static enum mu_err count_period(const struct api_call *call, enum past_what what, int32_t period, struct report *out)
{
    const struct history_args *args = call->args;
    const struct report_filter filter = { .product = call->product, .group = args->group };
    int32_t first = period_first_day((enum cycle)args->cycle, period);
    int32_t last = period_last_day((enum cycle)args->cycle, period);

    return what == PAST_ACTIVE ? report_active(call->api->parts.fleet, &filter, first, last, out)
                               : report_activated(call->api->parts.fleet, &filter, first, last, out);
}

static void write_row(struct json_out *j, enum cycle cycle, int32_t period, const struct report *report)
{
    char text[PERIOD_TEXT_MAX];

    json_object_begin(j);
    report_out_count(j, &report->nodes[0]);
    report_out_location(j, report, report_out_count, false);
    period_text(cycle, period, text);
    json_put_text(j, period_cycle_names[cycle], text);
    json_object_end(j);
}

static enum mu_err write_period(const struct api_call *call, struct json_out *j, const struct device_history *h,
                                int32_t period)
{
    const struct history_args *args = call->args;
    enum cycle cycle = (enum cycle)args->cycle;
    const struct past_key key = { .version = h->past.version,
                                  .what = h->what,
                                  .product = call->product->no,
                                  .part = args->group,
                                  .cycle = cycle,
                                  .period = period };
    bool is_over = period_last_day(cycle, period) <= h->past.last_day;
    struct report report;
    enum mu_err err;

    if (is_over && past_rows_write(call->api->past, &key, j))
        return MU_OK;
    if ((err = count_period(call, h->what, period, &report)) != MU_OK)
        return err;
    size_t from = j->out->len;
    write_row(j, cycle, period, &report);
    report_free(&report);
    if (is_over)
        past_rows_keep(call->api->past, &key, j->out, from);
    return MU_OK;
}

static enum api_error answer_history(struct api_call *call, enum past_what what)
{
    const struct history_args *args = call->args;
    const struct device_history h = { what, fleet_get_past(call->api->parts.fleet) };

    if (args->range.first > period_of_day((enum cycle)args->cycle, report_out_today(call)))
        return api_refuse(call, API_REPORT_NOT_GENERATED, "start: in the future");
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    json_put_str(&j, "start", args->start);
    report_out_gid(&j, call);
    json_put_str(&j, "end", args->end);
    json_put_array(&j, "data");
    for (int32_t period = args->range.first; period <= args->range.last; period++) {
        enum mu_err err = write_period(call, &j, &h, period);
        if (err != MU_OK)
            return api_store_failed(call, API_INTERNAL, "count devices by day", err);
    }
    json_array_end(&j);
    json_put_text(&j, "cycle", period_cycle_names[args->cycle]);
    json_object_end(&j);
    return API_OK;
}

static enum api_error activation(struct api_call *call)
{
    return answer_history(call, PAST_ACTIVATED);
}

static enum api_error liveness_history(struct api_call *call)
{
    return answer_history(call, PAST_ACTIVE);
}

const struct api_chapter chapter_device_history = {
    .name = { "设备报表", "Device reports" },
    ROUTES(&activation_route, &liveness_history_route),
};
