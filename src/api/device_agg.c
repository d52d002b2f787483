#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "api/report_period.h"
#include "model/frame.h"

/* 设备管理: sum, average, maximum or minimum of a device's numeric datapoints by hour, day, week or month (contract,
 * endpoint 21). Computed from its messages, so it reaches back as far as messages are kept. */

enum aggregator { AGG_SUM, AGG_AVG, AGG_MAX, AGG_MIN };
static const char *const aggregators[] = {
    [AGG_SUM] = "sum", [AGG_AVG] = "avg", [AGG_MAX] = "max", [AGG_MIN] = "min", NULL
};
enum unit { HOURS, DAYS, WEEKS, MONTHS };
static const char *const units[] = { [HOURS] = "HOURS", [DAYS] = "DAYS", [WEEKS] = "WEEKS", [MONTHS] = "MONTHS", NULL };

#define SPAN_MS (INT64_C(31) * 86400 * 1000) /* "at most one month" */
#define LAST_MS INT64_C(253402300799999)     /* the end of the year 9999; times 1000 it still fits */

struct agg_args {
    struct fleet_device device;
    int64_t start_ts, end_ts; /* milliseconds */
    struct str attrs;
    int aggregator; /* enum aggregator */
    int unit;       /* enum unit */
};

/* clang-format off: a table */
static const struct param agg_params[] = {
    PRODUCT_KEY,
    DID(struct agg_args),
    { "start_ts",
      IN_QUERY,
      ARG(INT, struct agg_args, start_ts),
      REQUIRED,
      { "开始时间戳（毫秒）", "Start, Unix milliseconds" },
      "1437350400000",
      0,
      LAST_MS,
      0 },
    { "end_ts",
      IN_QUERY,
      ARG(INT, struct agg_args, end_ts),
      REQUIRED,
      { "结束时间戳（毫秒），与开始相差不超过一个月", "End, Unix milliseconds, at most a month after the start" },
      "1437436799999",
      0,
      LAST_MS,
      0 },
    { "attrs",
      IN_QUERY,
      ARG(TEXT, struct agg_args, attrs),
      REQUIRED,
      { "数值型数据点的标识名，以逗号分隔", "Names of numeric datapoints, separated by commas" },
      "set_temp,room_temp" },
    { "aggregator",
      IN_QUERY,
      ARG(CHOICE, struct agg_args, aggregator),
      REQUIRED,
      { "聚合方式：sum、avg、max 或 min", "sum, avg, max or min" },
      "avg",
      .fallback = -1,
      .choices = aggregators },
    { "unit",
      IN_QUERY,
      ARG(CHOICE, struct agg_args, unit),
      REQUIRED,
      { "聚合单位：HOURS、DAYS、WEEKS 或 MONTHS", "HOURS, DAYS, WEEKS or MONTHS" },
      "DAYS",
      .fallback = -1,
      .choices = units },
};
/* clang-format on */

static const struct field query_fields[] = {
    { "start_ts", FIELD_INT, false, { "开始时间戳（毫秒）", "Start, milliseconds" }, "1437350400000", NULL },
    { "end_ts", FIELD_INT, false, { "结束时间戳（毫秒）", "End, milliseconds" }, "1437436799999", NULL },
    { "attrs", FIELD_TEXT, false, { "数据点", "The datapoints" }, "\"set_temp,room_temp\"", NULL },
    { "aggregator", FIELD_TEXT, false, { "聚合方式", "How they are taken together" }, "\"avg\"", NULL },
    { "unit", FIELD_TEXT, false, { "聚合单位", "By what" }, "\"DAYS\"", NULL },
    { 0 },
};
/* clang-format off: a table */
static const struct field datum_fields[] = {
    { "attrs",
      FIELD_OBJECT,
      false,
      { "各数据点的聚合值；该时段内未上报的数据点不出现",
        "The value of each datapoint; without those that were not reported in that time" },
      "{\"set_temp\":16,\"room_temp\":-10}",
      NULL },
    { "datetime",
      FIELD_TEXT,
      false,
      { "时段：小时 2015072010、日 20150720、周 201529 或月 201507",
        "The hour 2015072010, day 20150720, week 201529 or month 201507" },
      "\"20150720\"",
      NULL },
    { 0 },
};
/* clang-format on */
static const struct field agg_fields[] = {
    { "query", FIELD_OBJECT, false, { "查询条件", "What was asked for" }, NULL, query_fields },
    { "data",
      FIELD_ARRAY,
      false,
      { "聚合结果，从旧到新；无数据的时段不出现", "Oldest first; a time without data has no row" },
      NULL,
      datum_fields },
    { 0 },
};

static enum api_error agg_check(struct api_call *call);

ROUTE(agg_data, GET, "/v1/products/{product_key}/devices/{did}/agg_data", TOKEN, SLOW, PARAMS(agg_params),
      ARGS(struct agg_args), .check = agg_check, .fields = agg_fields,
      ERRORS(API_DATAPOINT_UNDEFINED, API_ATTR_UNKNOWN, API_ATTR_INVALID, API_JOURNAL_FAILED),
      .summary = { "获取设备聚合数据", "Aggregated datapoints of a device" },
      .about = { "数值型数据点按小时、日、周或月聚合，仅包含仍保留的上报数据。",
                 "Numeric datapoints by the hour, day, week or month, of the reports that are still "
                 "kept." });

static enum api_error agg_check(struct api_call *call)
{
    const struct agg_args *args = call->args;

    if (args->start_ts > args->end_ts)
        return api_refuse(call, API_FORM_INVALID, "start_ts: after end_ts");
    if (args->end_ts - args->start_ts > SPAN_MS)
        return api_refuse(call, API_FORM_INVALID, "start_ts, end_ts: more than a month apart");
    return API_OK;
}

/* --- the requested datapoints ----------------------------------------------------------------------*/
struct asked {
    struct str name;
    int id;          /* in the plan of the current message; -1 = not a number there */
    uint32_t count;  /* number of values in the current period */
    long double sum; /* long double: a week of values each second must add up to the decimals that were reported */
    double max, min;
};

struct aggregate {
    const struct api_call *call;
    struct asked *asked;
    size_t asked_count;
    const struct fleet_definition *definition; /* of the previous message; most likely also of the next */
    char datetime[LOCAL_TEXT_MAX];             /* of the current period; "" = none yet */
    struct json_out j;                         /* rows */
    struct point_value values[LIMIT_POINTS];
};

static bool is_number(const struct datapoint_plan *plan, int id)
{
    enum point_type type = datapoint_at(plan, (size_t)id)->type;

    return type == POINT_UINT8 || type == POINT_UINT16 || type == POINT_UINT32;
}

static bool is_asked(const struct aggregate *a, struct str name)
{
    for (size_t i = 0; i < a->asked_count; i++) {
        if (str_eq(a->asked[i].name, name))
            return true;
    }
    return false;
}

static enum api_error ask_for(struct api_call *call, struct aggregate *a, const struct datapoint_plan *plan,
                              struct str name)
{
    int id = datapoint_find(plan, name);

    if (id < 0)
        return api_refuse(call, API_ATTR_UNKNOWN, "attrs: there is no '%.*s'", (int)name.len, name.at);
    if (!is_number(plan, id))
        return api_refuse(call, API_ATTR_INVALID, "attrs: '%.*s' is not a number", (int)name.len, name.at);
    /* Each name is taken once, so there are never more than the product has datapoints. */
    if (!is_asked(a, name))
        a->asked[a->asked_count++] = (struct asked){ .name = name };
    return API_OK;
}

static enum api_error read_attrs(struct api_call *call, struct aggregate *a)
{
    const struct agg_args *args = call->args;
    const struct fleet_definition *definition = call->product->definition;
    struct str rest = args->attrs;
    enum api_error error = API_OK;

    if (!definition)
        return API_DATAPOINT_UNDEFINED;
    a->asked = arena_alloc(&call->ex->arena, datapoint_count(definition->plan) * sizeof(*a->asked) + 1);
    if (!a->asked)
        return API_INTERNAL;
    while (error == API_OK && rest.at) {
        const char *comma = memchr(rest.at, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.at) : rest.len;
        error = ask_for(call, a, definition->plan, str_trim((struct str){ rest.at, len }));
        rest = comma ? (struct str){ comma + 1, rest.len - len - 1 } : (struct str){ NULL, 0 };
    }
    return error;
}

/* --- the periods ----------------------------------------------------------------------------------- */
/* 2015072010, 20150720, 201529 or 201507: the usual text without its separators. */
static void write_datetime(const struct api_call *call, int64_t unix_s, char out[LOCAL_TEXT_MAX])
{
    const struct agg_args *args = call->args;
    const struct calendar *calendar = call->api->parts.calendar;
    int32_t day = calendar_day(calendar, unix_s);
    char text[LOCAL_TEXT_MAX];
    size_t n = 0;

    switch ((enum unit)args->unit) {
    case HOURS:
        period_local_text(calendar_local(calendar, unix_s), text);
        text[strlen("2015-07-20 10")] = '\0';
        break;
    case DAYS: period_text(CYCLE_DATE, day, text); break;
    case WEEKS: period_text(CYCLE_WEEK, period_of_day(CYCLE_WEEK, day), text); break;
    case MONTHS: period_text(CYCLE_MONTH, period_of_day(CYCLE_MONTH, day), text); break;
    }
    for (const char *c = text; *c; c++) {
        if (*c >= '0' && *c <= '9')
            out[n++] = *c;
    }
    assert(n < LOCAL_TEXT_MAX);
    out[n] = '\0';
}

static double result_of(const struct asked *p, enum aggregator aggregator)
{
    char text[64];

    switch (aggregator) {
    case AGG_MAX: return p->max;
    case AGG_MIN: return p->min;
    case AGG_SUM:
    case AGG_AVG: break;
    }
    assert(p->count > 0);
    /* Round to 15 digits: further digits come from binary rounding, not from the devices. */
    snprintf(text, sizeof(text), "%.15Lg", aggregator == AGG_SUM ? p->sum : p->sum / p->count);
    return strtod(text, NULL);
}

/* Writes the row of the current period, if any requested datapoint was reported in it. */
static void end_period(struct aggregate *a)
{
    const struct agg_args *args = a->call->args;
    bool any = false;

    for (size_t i = 0; i < a->asked_count; i++)
        any = any || a->asked[i].count;
    if (!any)
        return;
    json_object_begin(&a->j);
    json_put_object(&a->j, "attrs");
    for (size_t i = 0; i < a->asked_count; i++) {
        struct asked *p = &a->asked[i];
        if (!p->count)
            continue;
        json_key_str(&a->j, p->name);
        json_double(&a->j, result_of(p, (enum aggregator)args->aggregator));
        p->count = 0;
    }
    json_object_end(&a->j);
    json_put_text(&a->j, "datetime", a->datetime);
    json_object_end(&a->j);
}

/* --- the messages ---------------------------------------------------------------------------------- */
static void add(struct asked *p, double v)
{
    p->sum = p->count ? p->sum + v : v;
    p->max = p->count && p->max > v ? p->max : v;
    p->min = p->count && p->min < v ? p->min : v;
    p->count++;
}

/* The plan of the definition that the message was sent under. There the datapoints may have other ids. */
static const struct datapoint_plan *plan_of(struct aggregate *a, uint32_t version)
{
    if (!a->definition || a->definition->version != version) {
        a->definition = fleet_definition(a->call->api->parts.fleet, a->call->product->no, version);
        for (size_t i = 0; i < a->asked_count && a->definition; i++) {
            struct asked *p = &a->asked[i];
            p->id = datapoint_find(a->definition->plan, p->name);
            if (p->id >= 0 && !is_number(a->definition->plan, p->id))
                p->id = -1;
        }
    }
    return a->definition ? a->definition->plan : NULL;
}

static enum mu_err add_message(void *ctx, const struct journal_message *m)
{
    struct aggregate *a = ctx;
    const struct datapoint_plan *plan = plan_of(a, m->definition);
    char datetime[LOCAL_TEXT_MAX];
    struct frame frame;

    if (!plan || frame_parse(m->payload, m->payload_len, &frame) != MU_OK ||
        datapoint_decode(plan, frame.p0, frame.p0_len, a->values) != MU_OK)
        return MU_OK;
    write_datetime(a->call, m->ts_us / 1000000, datetime);
    if (strcmp(datetime, a->datetime) != 0) {
        end_period(a);
        memcpy(a->datetime, datetime, sizeof(datetime));
    }
    for (size_t i = 0; i < a->asked_count; i++) {
        int id = a->asked[i].id;
        if (id >= 0 && a->values[id].set)
            add(&a->asked[i], datapoint_shown(plan, (size_t)id, a->values[id].x));
    }
    return a->j.out->err;
}

/* --- the answer ------------------------------------------------------------------------------------ */
static void write_query(struct json_out *j, const struct agg_args *args)
{
    json_object_begin(j);
    json_put_int(j, "start_ts", args->start_ts);
    json_put_int(j, "end_ts", args->end_ts);
    json_put_str(j, "attrs", args->attrs);
    json_put_text(j, "aggregator", aggregators[args->aggregator]);
    json_put_text(j, "unit", units[args->unit]);
    json_object_end(j);
}

static enum api_error agg_data(struct api_call *call)
{
    const struct agg_args *args = call->args;
    struct aggregate *a = arena_alloc(&call->ex->arena, sizeof(*a));
    struct journal_window window = {
        .from_us = args->start_ts * 1000,
        .to_us = args->end_ts * 1000 + 999,
        .decoded_only = true,
        .limit = UINT64_MAX,
    };
    enum api_error error;
    uint64_t total;

    if (!a)
        return API_INTERNAL;
    a->call = call;
    if ((error = read_attrs(call, a)) != API_OK)
        return error;
    a->j = api_answer(call, 200);
    json_object_begin(&a->j);
    json_key(&a->j, "query");
    write_query(&a->j, args);
    json_put_array(&a->j, "data");
    enum mu_err err = journal_messages(call->api->parts.journal, args->device.no, &window, add_message, a, &total);
    if (err != MU_OK)
        return api_store_failed(call, API_JOURNAL_FAILED, "aggregate messages", err);
    end_period(a);
    json_array_end(&a->j);
    json_object_end(&a->j);
    return API_OK;
}

const struct api_chapter chapter_device_agg = {
    .name = { "设备管理", "Devices" },
    ROUTES(&agg_data_route),
};
