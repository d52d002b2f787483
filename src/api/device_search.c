#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "api/page.h"

/* 设备管理: searching devices. */

enum search_type { BY_DID, BY_MAC, BY_UID };
static const char *const search_types[] = { [BY_DID] = "did", [BY_MAC] = "mac", [BY_UID] = "uid", NULL };

struct search_args {
    uint32_t group;
    struct str country, region, city;
    enum fleet_tri online, faulty, alert, show_disabled;
    int64_t liveness_start;
    int type; /* enum search_type, -1 = none */
    struct str val;
    struct page page;
};

/* clang-format off: a table */
static const struct param search_params[] = {
    PRODUCT_KEY,
    { "gid",
      IN_QUERY,
      ARG(GROUP, struct search_args, group),
      OPTIONAL,
      { "设备组 id（含其子组）", "Device group, including the groups below it" },
      "c8e4b5634b047dc495be4a05a39d02a3" },
    { "country", IN_QUERY, ARG(TEXT, struct search_args, country), OPTIONAL, { "国家", "Country" }, "China" },
    { "region", IN_QUERY, ARG(TEXT, struct search_args, region), OPTIONAL, { "省", "Province" }, "Guangdong" },
    { "city", IN_QUERY, ARG(TEXT, struct search_args, city), OPTIONAL, { "城市", "City" }, "Guangzhou" },
    { "is_online",
      IN_QUERY,
      ARG(FLAG, struct search_args, online),
      OPTIONAL,
      { "是否在线，在线为 1，不在线为 0", "1 online, 0 offline" },
      "1" },
    { "is_faulty",
      IN_QUERY,
      ARG(FLAG, struct search_args, faulty),
      OPTIONAL,
      { "是否故障，故障为 1，无故障为 0", "1 with an open fault, 0 without" },
      "0" },
    { "is_alert",
      IN_QUERY,
      ARG(FLAG, struct search_args, alert),
      OPTIONAL,
      { "是否报警，报警为 1，无报警为 0", "1 with an open alert, 0 without" },
      "0" },
    { "show_disabled",
      IN_QUERY,
      ARG(FLAG, struct search_args, show_disabled),
      OPTIONAL,
      { "显示注销为 1，过滤注销为 0（默认）", "1 includes disabled devices; 0, the default, does not" },
      "0" },
    { "liveness_start",
      IN_QUERY,
      ARG(INT, struct search_args, liveness_start),
      OPTIONAL,
      { "最近活跃时间戳（秒）", "Devices active since then, Unix seconds" },
      "1517296665",
      0,
      INT64_MAX,
      0 },
    { "type",
      IN_QUERY,
      ARG(CHOICE, struct search_args, type),
      OPTIONAL,
      { "val 的类型：did、mac 或 uid，与 val 一起使用", "What val is; required with val" },
      "mac",
      .fallback = -1,
      .choices = search_types },
    { "val",
      IN_QUERY,
      ARG(ID, struct search_args, val),
      OPTIONAL,
      { "查询条件值，与 type 一起使用", "Value to look for; required with type" },
      "virtual:site" },
    PAGE_PARAMS(struct search_args),
};
/* clang-format on */

static const struct field search_fields[] = {
    { "city", FIELD_TEXT, true, { "市", "City" }, "\"Guangzhou\"", NULL },
    { "mcu_hard_version", FIELD_TEXT, true, { "mcu 硬件版本", "Hardware of the MCU" }, "null", NULL },
    { "mcu_soft_version", FIELD_TEXT, true, { "mcu 软件版本", "Software of the MCU" }, "null", NULL },
    { "did", FIELD_TEXT, false, { "设备 id", "Device id" }, "\"kYkSE2xspYjocBhaUHdM5k\"", NULL },
    { "country", FIELD_TEXT, true, { "国家", "Country" }, "\"China\"", NULL },
    { "region", FIELD_TEXT, true, { "省", "Province" }, "\"Guangdong\"", NULL },
    { "mac", FIELD_TEXT, true, { "mac 地址", "MAC address" }, "\"virtual:site\"", NULL },
    { "longitude", FIELD_NUMBER, true, { "经度", "Longitude" }, "113.280637", NULL },
    { "wifi_hard_version", FIELD_TEXT, true, { "wifi 硬件版本", "Hardware of the module" }, "null", NULL },
    { "online_latest",
      FIELD_INT,
      true,
      { "设备最近上线时间，从未上线为 null", "Last login, Unix seconds; null if never" },
      "1517296665",
      NULL },
    { "wifi_soft_version", FIELD_TEXT, true, { "wifi 软件版本", "Software of the module" }, "null", NULL },
    { "is_online", FIELD_BOOL, false, { "是否在线", "Whether it is online" }, "false", NULL },
    { "latitude", FIELD_NUMBER, true, { "纬度", "Latitude" }, "23.125178", NULL },
    { "is_alert", FIELD_BOOL, false, { "是否发生报警", "Whether an alert is open" }, "false", NULL },
    { "created_at", FIELD_INT, false, { "设备创建时间", "Registered or imported, Unix seconds" }, "1505789918", NULL },
    { "is_faulty", FIELD_BOOL, false, { "是否发生故障", "Whether a fault is open" }, "false", NULL },
    { 0 },
};

static enum api_error search_check(struct api_call *call);
static bool search_waits(const struct api_call *call);

ROUTE(search, GET, "/v1/products/{product_key}/devices/search", TOKEN, SLOW, PARAMS(search_params),
      ARGS(struct search_args), .check = search_check, .waits = search_waits, .fields = search_fields, .paged = true,
      ERRORS(API_USER_UNKNOWN), .summary = { "搜索设备", "Search devices" },
      .about = { "按创建时间从新到旧排序。", "Newest created_at first, then by did." });

static enum api_error search_check(struct api_call *call)
{
    const struct search_args *args = call->args;

    if (args->type >= 0 && !args->val.at)
        return api_refuse(call, API_FORM_INVALID, "val: required with type");
    if (args->type < 0 && args->val.at)
        return api_refuse(call, API_FORM_INVALID, "type: required with val");
    return API_OK;
}

/* A search by uid reads bindings from the registry, which may block. Writing many rows would delay the sessions of the
 * loop. */
static bool search_waits(const struct api_call *call)
{
    const struct search_args *args = call->args;

    return args->type == BY_UID || args->page.limit > 100;
}

/* A coordinate is written with a decimal point, also if it is a whole number of degrees: typed clients distinguish
 * integers from floats. */
static void write_coordinate(struct json_out *j, const char *key, const struct fleet_device *d, double v)
{
    char whole[16];

    json_key(j, key);
    if (!d->has_coordinates) {
        json_no_value(j);
    } else if (v == trunc(v)) {
        snprintf(whole, sizeof(whole), "%.1f", v);
        json_raw(j, str_of(whole));
    } else {
        json_double(j, v);
    }
}

static void write_row(struct json_out *j, const struct fleet_device *d)
{
    json_object_begin(j);
    json_put_text_or_null(j, "city", d->place.city);
    json_put_text_or_null(j, "mcu_hard_version", d->versions.text[VERSION_MCU_HARD]);
    json_put_text_or_null(j, "mcu_soft_version", d->versions.text[VERSION_MCU_SOFT]);
    json_put_text_or_null(j, "did", d->did);
    json_put_text_or_null(j, "country", d->place.country);
    json_put_text_or_null(j, "region", d->place.region);
    json_put_text_or_null(j, "mac", d->mac);
    write_coordinate(j, "longitude", d, d->longitude);
    json_put_text_or_null(j, "wifi_hard_version", d->versions.text[VERSION_WIFI_HARD]);
    json_key(j, "online_latest");
    if (d->online_latest)
        json_int(j, d->online_latest);
    else
        json_no_value(j);
    json_put_text_or_null(j, "wifi_soft_version", d->versions.text[VERSION_WIFI_SOFT]);
    json_put_bool(j, "is_online", d->is_online);
    write_coordinate(j, "latitude", d, d->latitude);
    json_put_bool(j, "is_alert", d->is_alert);
    json_put_int(j, "created_at", d->created_at);
    json_put_bool(j, "is_faulty", d->is_faulty);
    json_object_end(j);
}

/* Finds the devices that are bound to the user; *devices is malloc'ed. */
static enum api_error find_bound(struct api_call *call, uint32_t **devices, size_t *count)
{
    const struct search_args *args = call->args;
    char uid[ID_HEX_LEN + 1];

    if (!str_copy(uid, sizeof(uid), args->val))
        return API_USER_UNKNOWN;
    enum mu_err err = registry_devices_of_user(call->api->parts.registry, call->product->no, uid, devices, count);
    if (err == MU_E_NOT_FOUND)
        return API_USER_UNKNOWN;
    return err == MU_OK ? API_OK : api_store_failed(call, API_INTERNAL, "find a user's devices", err);
}

static enum api_error answer_search(struct api_call *call, const struct fleet_filter *filter)
{
    const struct search_args *args = call->args;
    struct fleet_device *found = NULL;
    struct buf rows;
    uint64_t total;

    if (args->page.limit) {
        found = arena_alloc(&call->ex->arena, (size_t)args->page.limit * sizeof(*found));
        if (!found)
            return API_INTERNAL;
    }
    size_t count = fleet_search(call->api->parts.fleet, filter, (uint64_t)args->page.skip, (uint64_t)args->page.limit,
                                found, &total);
    assert(count <= (size_t)args->page.limit);
    buf_init(&rows, PAGE_ROWS_MAX);
    struct json_out j = json_out_to(&rows);
    for (size_t i = 0; i < count; i++)
        write_row(&j, &found[i]);
    enum api_error error = page_answer(call, &args->page, total, &rows);
    buf_free(&rows);
    return error;
}

static enum api_error search(struct api_call *call)
{
    const struct search_args *args = call->args;
    struct fleet_filter filter = {
        .product = call->product,
        .group = args->group,
        .country = args->country,
        .region = args->region,
        .city = args->city,
        .online = args->online,
        .faulty = args->faulty,
        .alert = args->alert,
        .show_disabled = args->show_disabled == FLEET_YES,
        .active_since = args->liveness_start,
    };
    static const uint32_t nobody;
    uint32_t *bound = NULL;
    enum api_error error = API_OK;

    if (args->type == BY_DID)
        filter.did = args->val;
    else if (args->type == BY_MAC)
        filter.mac = args->val;
    else if (args->type == BY_UID && (error = find_bound(call, &bound, &filter.only_count)) == API_OK)
        filter.only = bound ? bound : &nobody;
    if (error == API_OK)
        error = answer_search(call, &filter);
    free(bound);
    return error;
}

const struct api_chapter chapter_device_search = {
    .name = { "设备管理", "Devices" },
    ROUTES(&search_route),
};
