#include "api/call.h"

/* 设备管理: finding the device with a given mac. */

struct mac_args {
    struct str mac;
};

static const struct param mac_params[] = {
    PRODUCT_KEY,
    { "mac", IN_QUERY, ARG(ID, struct mac_args, mac), REQUIRED, { "mac 地址", "MAC address" }, "virtual:site" },
};

static const struct field device_fields[] = {
    { "did", FIELD_TEXT, false, { "设备 id", "Device id" }, "\"cBYkSjoE2xspYMhaUHdk5k\"", NULL },
    { "passcode", FIELD_TEXT, false, { "设备通行码", "Passcode" }, "\"123456\"", NULL },
    { 0 },
};

ROUTE(device, GET, "/v1/products/{product_key}/devices", TOKEN, FAST, PARAMS(mac_params), ARGS(struct mac_args),
      .fields = device_fields, ERRORS(API_DEVICE_UNKNOWN), .summary = { "获取设备 did", "Get a device's did" },
      .about = { "返回该 mac 最近一次注册的设备。", "Answers the latest registration of the mac." });

static bool find_by_mac(const struct api_call *call, struct fleet_device *out)
{
    const struct mac_args *args = call->args;

    return fleet_device_by_mac(call->api->parts.fleet, call->product, args->mac, out);
}

static enum api_error device(struct api_call *call)
{
    struct fleet_device d;

    if (!find_by_mac(call, &d))
        return API_DEVICE_UNKNOWN;
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    json_put_text(&j, "did", d.did);
    json_put_text(&j, "passcode", d.passcode);
    json_object_end(&j);
    return API_OK;
}

static const struct field device_detail_fields[] = {
    { "did", FIELD_TEXT, false, { "设备 id", "Device id" }, "\"dE2xjocBhaUHkYkSspYM5k\"", NULL },
    { "is_disabled", FIELD_BOOL, false, { "是否注销", "Whether it is disabled" }, "false", NULL },
    { "product_key", FIELD_TEXT, false, { "产品标识符", "Product key" }, "\"6f2e214bf2d79649232431b94a25f46a\"", NULL },
    { "mac", FIELD_TEXT, false, { "mac 地址", "MAC address" }, "\"virtual:site\"", NULL },
    { "is_online", FIELD_BOOL, false, { "是否在线", "Whether it is online" }, "false", NULL },
    { "type",
      FIELD_TEXT,
      false,
      { "设备类型：normal、center_control、sub_dev 或 bluetooth", "normal, center_control, sub_dev or bluetooth" },
      "\"normal\"",
      NULL },
    { 0 },
};

ROUTE(device_detail, GET, "/v1/products/{product_key}/device_detail", TOKEN, FAST, PARAMS(mac_params),
      ARGS(struct mac_args), .fields = device_detail_fields, ERRORS(API_DEVICE_UNKNOWN),
      .summary = { "获取设备详情", "Get a device's details" },
      .about = { "返回该 mac 最近一次注册的设备。", "Answers the latest registration of the mac." });

static enum api_error device_detail(struct api_call *call)
{
    struct fleet_device d;

    if (!find_by_mac(call, &d))
        return API_DEVICE_UNKNOWN;
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    json_put_text(&j, "did", d.did);
    json_put_bool(&j, "is_disabled", d.is_disabled);
    json_put_text(&j, "product_key", d.product->product_key);
    json_put_text(&j, "mac", d.mac);
    json_put_bool(&j, "is_online", d.is_online);
    json_put_text(&j, "type", device_type_text(d.type));
    json_object_end(&j);
    return API_OK;
}

const struct api_chapter chapter_device = {
    .name = { "设备管理", "Devices" },
    ROUTES(&device_route, &device_detail_route),
};
