#include "api/call.h"

#include <assert.h>

#include "api/page.h"
#include "api/report_out.h"
#include "api/report_period.h"

/* 设备报表: lists of the devices that were activated, or active. */

enum { DEFAULT_DAYS = 30 };

struct rows_args {
    struct str start, end;
    struct str country, region, city;
    struct page page;
    int32_t first_day, last_day; /* computed from start and end by rows_check */
};

/* clang-format off: a table */
static const struct param rows_params[] = {
    PRODUCT_KEY,
    { "start",
      IN_QUERY,
      ARG(TEXT, struct rows_args, start),
      OPTIONAL,
      { "开始日期，默认为结束日期前 29 天", "First day; by default the 29th before the last one" },
      "2017-12-01" },
    { "end",
      IN_QUERY,
      ARG(TEXT, struct rows_args, end),
      OPTIONAL,
      { "结束日期，默认为今天", "Last day; by default today" },
      "2017-12-30" },
    { "country", IN_QUERY, ARG(TEXT, struct rows_args, country), OPTIONAL, { "国家", "Country" }, "China" },
    { "region", IN_QUERY, ARG(TEXT, struct rows_args, region), OPTIONAL, { "省", "Province" }, "Guangdong" },
    { "city", IN_QUERY, ARG(TEXT, struct rows_args, city), OPTIONAL, { "城市", "City" }, "Guangzhou" },
    PAGE_PARAMS(struct rows_args),
};
/* clang-format on */

/* clang-format off: a table */
static const struct field row_fields[] = {
    { "city", FIELD_TEXT, true, { "城市", "City" }, "\"Guangzhou\"", NULL },
    { "country", FIELD_TEXT, true, { "国家", "Country" }, "\"China\"", NULL },
    { "region", FIELD_TEXT, true, { "省", "Province" }, "\"Guangdong\"", NULL },
    { "report_date", FIELD_TEXT, false, { "报表日期", "The day" }, "\"2017-12-07\"", NULL },
    { "product_key", FIELD_TEXT, false, { "产品标识码", "Product key" }, "\"6f2e214bf2d79649232431b94a25f46a\"", NULL },
    { "mac",
      FIELD_TEXT,
      MAY_BE_ABSENT,
      { "mac 地址，蓝牙设备除外", "MAC address; not of a Bluetooth device" },
      "\"virtual:site\"",
      NULL },
    { "device_sn",
      FIELD_TEXT,
      MAY_BE_ABSENT | MAY_BE_NULL,
      { "蓝牙设备的设备号", "Serial number of a Bluetooth device" },
      NULL,
      NULL },
    { "created_at",
      FIELD_TEXT,
      false,
      { "设备创建时间", "When it was registered or imported" },
      "\"2017-12-07 10:12:45\"",
      NULL },
    { 0 },
};
/* clang-format on */

static enum api_error rows_check(struct api_call *call);

ROUTE(incr_devices, GET, "/v1/products/{product_key}/incr_devices", TOKEN, SLOW, PARAMS(rows_params),
      ARGS(struct rows_args), .check = rows_check, .fields = row_fields, .paged = true,
      ERRORS(API_REPORT_NOT_GENERATED), .summary = { "设备激活详情", "Devices that were activated" },
      .about = { "每台设备一行，从新到旧，再按 mac 排序。", "A row per device: newest day first, then by mac." });
ROUTE(active_devices, GET, "/v1/products/{product_key}/active_devices", TOKEN, SLOW, PARAMS(rows_params),
      ARGS(struct rows_args), .check = rows_check, .fields = row_fields, .paged = true,
      ERRORS(API_REPORT_NOT_GENERATED), .summary = { "设备活跃详情", "Devices that were active" },
      .about = { "每台设备每天一行，从新到旧，再按 mac 排序。",
                 "A row per device and day: newest day first, then by mac." });

static bool read_day(struct str text, int32_t fallback, int32_t *day)
{
    *day = fallback;
    return !text.at || period_parse(CYCLE_DATE, text, day);
}

static enum api_error rows_check(struct api_call *call)
{
    struct rows_args *args = call->args;
    int32_t today = report_out_today(call);

    if (!read_day(args->end, today, &args->last_day))
        return api_refuse(call, API_FORM_INVALID, "end: not a date such as 2016-08-01");
    if (!read_day(args->start, args->last_day - (DEFAULT_DAYS - 1), &args->first_day))
        return api_refuse(call, API_FORM_INVALID, "start: not a date such as 2016-08-01");
    if (!args->end.at && args->first_day > today)
        /* A start in the future then gets its own error (5014), not "start: after end". */
        args->last_day = args->first_day;
    if (args->first_day > args->last_day)
        return api_refuse(call, API_FORM_INVALID, "start: after end");
    return API_OK;
}

/* --- rows --------------------------------------------------------------------------------------- */
static void write_row(const struct api_call *call, struct json_out *j, const struct report_row *row)
{
    const struct fleet_device *d = &row->device;
    char day[PERIOD_TEXT_MAX], created_at[LOCAL_TEXT_MAX];

    period_text(CYCLE_DATE, row->day, day);
    period_local_text(calendar_local(call->api->parts.calendar, d->created_at), created_at);
    json_object_begin(j);
    json_put_text_or_null(j, "city", d->place.city);
    json_put_text_or_null(j, "country", d->place.country);
    json_put_text_or_null(j, "region", d->place.region);
    json_put_text_or_null(j, "report_date", day);
    json_put_text_or_null(j, "product_key", d->product->product_key);
    if (d->type == DEVICE_BLUETOOTH)
        json_put_text_or_null(j, "device_sn", d->device_sn);
    else
        json_put_text_or_null(j, "mac", d->mac);
    json_put_text_or_null(j, "created_at", created_at);
    json_object_end(j);
}

typedef size_t (*list_days)(struct fleet *f, const struct report_filter *filter, const struct report_page *page,
                            struct report_row *rows, uint64_t *total);

static enum api_error answer_rows(struct api_call *call, list_days list)
{
    const struct rows_args *args = call->args;
    const struct report_filter filter = {
        .product = call->product,
        .country = args->country,
        .region = args->region,
        .city = args->city,
    };
    struct report_row *found = NULL;
    struct buf rows;
    uint64_t total;

    if (args->first_day > report_out_today(call))
        return api_refuse(call, API_REPORT_NOT_GENERATED, "start: in the future");
    if (args->page.limit) {
        found = arena_alloc(&call->ex->arena, (size_t)args->page.limit * sizeof(*found));
        if (!found)
            return API_INTERNAL;
    }
    const struct report_page page = { args->first_day, args->last_day, (uint64_t)args->page.skip,
                                      (uint64_t)args->page.limit };
    assert(page.first_day <= page.last_day);
    size_t count = list(call->api->parts.fleet, &filter, &page, found, &total);
    assert(count <= page.limit);
    buf_init(&rows, PAGE_ROWS_MAX);
    struct json_out j = json_out_to(&rows);
    for (size_t i = 0; i < count; i++)
        write_row(call, &j, &found[i]);
    enum api_error error = page_answer(call, &args->page, total, &rows);
    buf_free(&rows);
    return error;
}

static enum api_error incr_devices(struct api_call *call)
{
    return answer_rows(call, report_incr_rows);
}

static enum api_error active_devices(struct api_call *call)
{
    return answer_rows(call, report_active_rows);
}

const struct api_chapter chapter_device_rows = {
    .name = { "设备报表", "Device reports" },
    ROUTES(&incr_devices_route, &active_devices_route),
};
