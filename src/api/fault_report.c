#include "api/call.h"
#include "api/report_out.h"

/* 设备报表: faults and alerts, by devices and by events. */

struct fault_args {
    uint32_t group;
};

static const struct param fault_params[] = { PRODUCT_KEY, GID_PARAM(struct fault_args) };

static const struct field count_fields[] = {
    { "total", FIELD_INT, false, { "总数", "All" }, "2", NULL },
    { "resolved", FIELD_INT, false, { "已解决数", "Over" }, "1", NULL },
    { "unresolved", FIELD_INT, false, { "未解决数", "Still open" }, "1", NULL },
    { 0 },
};
#define COUNTS "{\"total\":2,\"resolved\":1,\"unresolved\":1}"

static const struct field devices_fields[] = {
    GID_FIELD,
    { "count", FIELD_OBJECT, false, { "设备数", "Devices" }, NULL, count_fields },
    { "location",
      FIELD_OBJECT,
      false,
      { "地理位置分布，每一级都有 count", "By place, each level with a count" },
      "{\"China\":{\"count\":" COUNTS ",\"Guangdong\":{\"count\":" COUNTS ",\"Guangzhou\":{\"count\":" COUNTS "}}}}",
      NULL },
    { 0 },
};
static const struct field events_fields[] = {
    { "count", FIELD_OBJECT, false, { "次数", "Events" }, NULL, count_fields },
    GID_FIELD,
    { "detail", FIELD_OBJECT, false, { "各数据点的次数", "By datapoint" }, "{\"fault_roomtemp\":" COUNTS "}", NULL },
    { "location",
      FIELD_OBJECT,
      false,
      { "地理位置分布，每一级都有 count 和 detail", "By place, each level with count and detail" },
      "{\"China\":{\"count\":" COUNTS ",\"detail\":{\"fault_roomtemp\":" COUNTS "}}}",
      NULL },
    { 0 },
};

#define REPORT(handler, path, answer, zh, en, about_zh, about_en)                              \
    ROUTE(handler, GET, "/v1/products/{product_key}/" path, TOKEN, SLOW, PARAMS(fault_params), \
          ARGS(struct fault_args), .fields = answer, .summary = { zh, en }, .about = { about_zh, about_en })

REPORT(fault_devices, "fault/report/devices", devices_fields, "获取故障设备台数报表", "Devices with faults",
       "没有未解决故障的设备即为已解决。", "A device is resolved when none of its faults is open.");
REPORT(alert_devices, "alert/report/devices", devices_fields, "获取报警设备台数报表", "Devices with alerts",
       "没有未解决报警的设备即为已解决。", "A device is resolved when none of its alerts is open.");
REPORT(fault_events, "fault/report/events", events_fields, "获取故障次数报表", "Faults",
       "故障数据点由 0 变 1 为一次故障，由 1 变 0 即为已解决。",
       "A fault begins when its datapoint becomes 1 and is resolved when it becomes 0.");
REPORT(alert_events, "alert/report/events", events_fields, "获取报警次数报表", "Alerts",
       "报警数据点由 0 变 1 为一次报警，由 1 变 0 即为已解决。",
       "An alert begins when its datapoint becomes 1 and is resolved when it becomes 0.");
REPORT(alert_events_alias, "fault/alert/events", events_fields, "获取报警次数报表（别名）", "Alerts (alias)",
       "与 alert/report/events 相同。", "The same as alert/report/events.");

/* --- writing ------------------------------------------------------------------------------------- */
static void write_counts(struct json_out *j, const uint64_t n[REPORT_COUNTERS])
{
    json_object_begin(j);
    json_put_count(j, "total", n[REPORT_TOTAL]);
    json_put_count(j, "resolved", n[REPORT_RESOLVED]);
    json_put_count(j, "unresolved", n[REPORT_UNRESOLVED]);
    json_object_end(j);
}

static void write_devices(struct json_out *j, const struct report_node *node)
{
    json_key(j, "count");
    write_counts(j, node->n);
}

static void write_events(struct json_out *j, const struct report_node *node)
{
    write_devices(j, node);
    json_put_object(j, "detail");
    for (size_t i = 0; i < node->point_count; i++) {
        json_key_str(j, node->points[i].name);
        write_counts(j, node->points[i].n);
    }
    json_object_end(j);
}

typedef enum mu_err (*count_kind)(struct fleet *f, const struct report_filter *filter, enum fleet_event_kind kind,
                                  struct report *out);

static enum api_error answer_report(struct api_call *call, count_kind count, enum fleet_event_kind kind,
                                    report_out_members members)
{
    const struct fault_args *args = call->args;
    const struct report_filter filter = { .product = call->product, .group = args->group };
    struct report report;
    enum mu_err err = count(call->api->parts.fleet, &filter, kind, &report);

    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "count faults or alerts", err);
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    members(&j, &report.nodes[0]);
    report_out_gid(&j, call);
    report_out_location(&j, &report, members, false);
    json_object_end(&j);
    report_free(&report);
    return API_OK;
}

static enum api_error fault_devices(struct api_call *call)
{
    return answer_report(call, report_event_devices, EVENT_FAULT, write_devices);
}

static enum api_error alert_devices(struct api_call *call)
{
    return answer_report(call, report_event_devices, EVENT_ALERT, write_devices);
}

static enum api_error fault_events(struct api_call *call)
{
    return answer_report(call, report_events, EVENT_FAULT, write_events);
}

static enum api_error alert_events(struct api_call *call)
{
    return answer_report(call, report_events, EVENT_ALERT, write_events);
}

static enum api_error alert_events_alias(struct api_call *call)
{
    return alert_events(call);
}

const struct api_chapter chapter_fault_report = {
    .name = { "设备报表", "Device reports" },
    ROUTES(&fault_devices_route, &alert_devices_route, &fault_events_route, &alert_events_route,
           &alert_events_alias_route),
};
