#include "api/call.h"
#include "api/report_out.h"

/* 设备报表: the present state of the fleet: places, the summary, the realtime report, liveness. */

static enum api_error report_failed(struct api_call *call, enum mu_err err)
{
    return api_store_failed(call, API_INTERNAL, "count devices", err);
}

/* --- locations -------------------------------------------------------------------------------- */
struct locations_args {
    uint32_t group;
    enum fleet_tri online, faulty, alert;
};

/* clang-format off: a table */
static const struct param locations_params[] = {
    PRODUCT_KEY,
    GID_PARAM(struct locations_args),
    { "is_online",
      IN_QUERY,
      ARG(FLAG, struct locations_args, online),
      OPTIONAL,
      { "是否在线，在线为 1，不在线为 0", "1 online, 0 offline" },
      "1" },
    { "is_faulty",
      IN_QUERY,
      ARG(FLAG, struct locations_args, faulty),
      OPTIONAL,
      { "是否故障，故障为 1，无故障为 0", "1 with an open fault, 0 without" },
      "0" },
    { "is_alert",
      IN_QUERY,
      ARG(FLAG, struct locations_args, alert),
      OPTIONAL,
      { "是否报警，报警为 1，无报警为 0", "1 with an open alert, 0 without" },
      "0" },
};
/* clang-format on */

/* clang-format off: a table */
static const struct field locations_fields[] = {
    GID_FIELD,
    { "total",
      FIELD_INT,
      false,
      { "设备总数，包括没有地理位置的设备", "Devices, including those without a location" },
      "4",
      NULL },
    { "location",
      FIELD_OBJECT,
      false,
      { "设备地理位置信息：国家、省及城市的设备数", "Devices by country, region and city" },
      "{\"China\":{\"count\":3,\"Guangdong\":{\"count\":3,\"Guangzhou\":3}}}",
      NULL },
    { 0 },
};
/* clang-format on */

ROUTE(locations, GET, "/v1/products/{product_key}/devices/locations", TOKEN, SLOW, PARAMS(locations_params),
      ARGS(struct locations_args), .fields = locations_fields,
      .summary = { "获取设备地理位置分布", "Where devices are" },
      .about = { "不包括已注销的设备。", "Without disabled devices." });

static enum api_error locations(struct api_call *call)
{
    const struct locations_args *args = call->args;
    const struct report_filter filter = { .product = call->product, .group = args->group };
    struct report report;
    enum mu_err err = report_places(call->api->parts.fleet, &filter, args->online, args->faulty, args->alert, &report);

    if (err != MU_OK)
        return report_failed(call, err);
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    report_out_gid(&j, call);
    json_put_count(&j, "total", report.nodes[0].n[REPORT_COUNT]);
    report_out_location(&j, &report, report_out_count, true);
    json_object_end(&j);
    report_free(&report);
    return API_OK;
}

/* --- summary ------------------------------------------------------------------------------------ */
static const struct param summary_params[] = { PRODUCT_KEY };

/* clang-format off: a table */
static const struct field summary_active_fields[] = {
    { "7_day",
      FIELD_INT,
      false,
      { "近 7 天活跃设备数（含今天）", "Active in the last 7 days, including today" },
      "0",
      NULL },
    { "yesterday", FIELD_INT, false, { "昨日活跃设备数", "Active yesterday" }, "0", NULL },
    { 0 },
};
/* clang-format on */
static const struct field summary_new_fields[] = {
    { "7_day",
      FIELD_INT,
      false,
      { "近 7 天新增设备数（含今天）", "New in the last 7 days, including today" },
      "0",
      NULL },
    { "30_day",
      FIELD_INT,
      false,
      { "近 30 天新增设备数（含今天）", "New in the last 30 days, including today" },
      "0",
      NULL },
    { "yesterday", FIELD_INT, false, { "昨日新增设备数", "New yesterday" }, "0", NULL },
    { "today", FIELD_INT, false, { "今日新增设备数", "New today" }, "0", NULL },
    { 0 },
};
static const struct field summary_fields[] = {
    { "active", FIELD_OBJECT, false, { "活跃设备", "Devices that reported" }, NULL, summary_active_fields },
    { "new",
      FIELD_OBJECT,
      false,
      { "新增设备：首次登录", "Devices that logged in for the first time" },
      NULL,
      summary_new_fields },
    { "total", FIELD_INT, false, { "设备累计上线数", "Devices that have ever logged in" }, "3", NULL },
    { "online", FIELD_INT, false, { "设备在线数", "Devices that are online" }, "0", NULL },
    { 0 },
};

ROUTE(summary, GET, "/v1/products/{product_key}/devices/summary", TOKEN, SLOW, PARAMS(summary_params),
      .fields = summary_fields, .summary = { "设备概览", "Devices at a glance" },
      .about = { "最近的新增激活和活跃设备数。", "New and active devices of the last days." });
ROUTE(summary_alias, GET, "/v1/products/{product_key}/summary", TOKEN, SLOW, PARAMS(summary_params),
      .fields = summary_fields, .summary = { "设备概览（别名）", "Devices at a glance (alias)" },
      .about = { "与 devices/summary 相同。", "The same as devices/summary." });

static enum api_error summary(struct api_call *call)
{
    struct report_summary s;

    report_summary(call->api->parts.fleet, call->product, report_out_today(call), &s);
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    json_put_object(&j, "active");
    json_put_count(&j, "7_day", s.active_7);
    json_put_count(&j, "yesterday", s.active_yesterday);
    json_object_end(&j);
    json_put_object(&j, "new");
    json_put_count(&j, "7_day", s.new_7);
    json_put_count(&j, "30_day", s.new_30);
    json_put_count(&j, "yesterday", s.new_yesterday);
    json_put_count(&j, "today", s.new_today);
    json_object_end(&j);
    json_put_count(&j, "total", s.activated);
    json_put_count(&j, "online", s.online);
    json_object_end(&j);
    return API_OK;
}

static enum api_error summary_alias(struct api_call *call)
{
    return summary(call);
}

/* --- rt ------------------------------------------------------------------------------------------ */
struct group_report_args {
    uint32_t group;
};

static const struct param group_params[] = { PRODUCT_KEY, GID_PARAM(struct group_report_args) };

static const struct field rt_count_fields[] = {
    { "faulty", FIELD_INT, false, { "故障数", "With an open fault" }, "0", NULL },
    { "activated", FIELD_INT, false, { "激活数", "That have ever logged in" }, "4", NULL },
    { "alert", FIELD_INT, false, { "报警数", "With an open alert" }, "1", NULL },
    { 0 },
};
static const struct field rt_fields[] = {
    { "count", FIELD_OBJECT, false, { "设备数", "How many devices" }, NULL, rt_count_fields },
    GID_FIELD,
    { "location",
      FIELD_OBJECT,
      false,
      { "设备地理位置分布，每一级都有 count", "By country, region and city, with a count at every level" },
      "{\"China\":{\"count\":{\"faulty\":0,\"activated\":2,\"alert\":1}}}",
      NULL },
    { 0 },
};

ROUTE(rt, GET, "/v1/products/{product_key}/devices/report/rt", TOKEN, SLOW, PARAMS(group_params),
      ARGS(struct group_report_args), .fields = rt_fields,
      .summary = { "设备实时统计报表", "Realtime report of devices" },
      .about = { "当前的激活、故障和报警设备数。", "Activated, faulty and alert devices as they are now." });
ROUTE(rt_doubled, GET, "/v1/products/{product_key}/devices/report/devices/report/rt", TOKEN, SLOW, PARAMS(group_params),
      ARGS(struct group_report_args), .fields = rt_fields,
      .summary = { "设备实时统计报表（文档中的地址）", "Realtime report of devices (the document's path)" },
      .about = { "与 devices/report/rt 相同。", "The same as devices/report/rt." });

static void write_rt_count(struct json_out *j, const struct report_node *node)
{
    json_put_object(j, "count");
    json_put_count(j, "faulty", node->n[REPORT_FAULTY]);
    json_put_count(j, "activated", node->n[REPORT_ACTIVATED]);
    json_put_count(j, "alert", node->n[REPORT_ALERT]);
    json_object_end(j);
}

static enum api_error rt(struct api_call *call)
{
    const struct group_report_args *args = call->args;
    const struct report_filter filter = { .product = call->product, .group = args->group };
    struct report report;
    enum mu_err err = report_realtime(call->api->parts.fleet, &filter, &report);

    if (err != MU_OK)
        return report_failed(call, err);
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    write_rt_count(&j, &report.nodes[0]);
    report_out_gid(&j, call);
    report_out_location(&j, &report, write_rt_count, false);
    json_object_end(&j);
    report_free(&report);
    return API_OK;
}

static enum api_error rt_doubled(struct api_call *call)
{
    return rt(call);
}

/* --- liveness ------------------------------------------------------------------------------------ */
/* clang-format off: a table */
static const struct field liveness_fields[] = {
    GID_FIELD,
    { "latest_1", FIELD_INT, false, { "昨日活跃设备数", "Active yesterday" }, "2", NULL },
    { "latest_7",
      FIELD_INT,
      false,
      { "近 7 天活跃设备数（含今天）", "Active in the last 7 days, including today" },
      "3",
      NULL },
    { "latest_30",
      FIELD_INT,
      false,
      { "近 30 天活跃设备数（含今天）", "Active in the last 30 days, including today" },
      "3",
      NULL },
    { 0 },
};
/* clang-format on */

ROUTE(liveness, GET, "/v1/products/{product_key}/devices/report/liveness", TOKEN, SLOW, PARAMS(group_params),
      ARGS(struct group_report_args), .fields = liveness_fields, .summary = { "设备活跃报表", "Active devices" },
      .about = { "昨日、近 7 天及近 30 天的活跃设备数。",
                 "Devices that reported yesterday, in the last 7 and in the last 30 days." });

static enum api_error liveness(struct api_call *call)
{
    const struct group_report_args *args = call->args;
    const struct report_filter filter = { .product = call->product, .group = args->group };
    struct report_liveness active;

    report_liveness(call->api->parts.fleet, &filter, report_out_today(call), &active);
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    report_out_gid(&j, call);
    json_put_count(&j, "latest_1", active.yesterday);
    json_put_count(&j, "latest_7", active.days_7);
    json_put_count(&j, "latest_30", active.days_30);
    json_object_end(&j);
    return API_OK;
}

const struct api_chapter chapter_device_report = {
    .name = { "设备报表", "Device reports" },
    ROUTES(&locations_route, &summary_route, &summary_alias_route, &rt_route, &rt_doubled_route, &liveness_route),
};
