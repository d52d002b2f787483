#include "api/partial.h"
#include "base/clock.h"

/* 绑定管理: which users a device is bound to (contract, endpoint 13). */

struct binding_args {
    struct str uid, appid;
    const json_t *dids;
};

/* clang-format off: a table */
static const struct param binding_params[] = {
    PRODUCT_KEY,
    { "uid",
      IN_BODY,
      ARG(ID, struct binding_args, uid),
      REQUIRED,
      { "用户 id", "User id" },
      "25a5324c807842348f63ade277eb413a" },
    { "appid",
      IN_BODY,
      ARG(ID, struct binding_args, appid),
      REQUIRED,
      { "应用 id", "The app that the user is registered in" },
      "a39d02a3c8e4b5634b047dc495be4a05" },
    { "dids",
      IN_BODY,
      ARG(JSON, struct binding_args, dids),
      REQUIRED,
      { "did 列表，也可为以逗号分隔的字符串", "Device ids; also as one text with commas between them" },
      "[\"jaUHdkYkSocBhE2xspYM5k\"]",
      .schema = "{\"oneOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
                "{\"type\":\"string\"}]}" },
};
/* clang-format on */

#define EXAMPLE                                                                                     \
    "{\"uid\":\"25a5324c807842348f63ade277eb413a\",\"appid\":\"a39d02a3c8e4b5634b047dc495be4a05\"," \
    "\"dids\":[\"jaUHdkYkSocBhE2xspYM5k\"]}"

/* clang-format off: a table */
static const struct field bind_fields[] = {
    { "failed", FIELD_TEXTS, false, { "绑定失败的 did 列表", "Devices that are not bound" }, "[]", NULL },
    { "success",
      FIELD_TEXTS,
      false,
      { "绑定成功的 did 列表", "Devices that are bound to the user now" },
      "[\"jaUHdkYkSocBhE2xspYM5k\"]",
      NULL },
    { 0 },
};
/* clang-format on */

static const struct field unbind_fields[] = {
    { "failed", FIELD_TEXTS, false, { "解绑失败的 did 列表", "Devices that were not bound to the user" }, "[]", NULL },
    { "success",
      FIELD_TEXTS,
      false,
      { "解绑成功的 did 列表", "Devices that were bound until now" },
      "[\"jaUHdkYkSocBhE2xspYM5k\"]",
      NULL },
    { 0 },
};

static enum api_error binding_check(struct api_call *call);

ROUTE(bind_devices, POST, "/v1/products/{product_key}/devices/bindings", TOKEN, SLOW, PARAMS(binding_params),
      ARGS(struct binding_args), .check = binding_check, .status = 201, .body_example = EXAMPLE, .fields = bind_fields,
      ERRORS(API_APP_UNKNOWN, API_USER_UNKNOWN), .summary = { "设备绑定", "Bind devices to a user" },
      .about = { "最先绑定设备的用户是其 owner。未知的设备和其他产品的设备列于 failed；已绑定的设备列于 success。",
                 "The first user of a device is its owner. failed lists devices that are unknown or of "
                 "another product; one that is bound already is a success." });

ROUTE(unbind_devices, DELETE, "/v1/products/{product_key}/devices/bindings", TOKEN, SLOW, PARAMS(binding_params),
      ARGS(struct binding_args), .check = binding_check, .body_example = EXAMPLE, .fields = unbind_fields,
      ERRORS(API_APP_UNKNOWN, API_USER_UNKNOWN), .summary = { "解除绑定", "Unbind devices from a user" },
      .about = { "owner 解绑后，其余用户中最早绑定者成为 owner。未绑定的设备列于 failed。",
                 "When the owner of a device leaves, the user that has been bound longest becomes its "
                 "owner. failed lists devices that are not bound to the user." });

static enum api_error binding_check(struct api_call *call)
{
    const struct binding_args *args = call->args;

    return json_is_string(args->dids) ? API_OK : partial_check(call, "dids", args->dids, 0);
}

static enum api_error change(struct api_call *call, enum binding_action action, int status)
{
    const struct binding_args *args = call->args;
    char appid[ID_HEX_LEN + 1], uid[ID_HEX_LEN + 1] = "";
    struct partial devices;
    enum binding_outcome outcome;

    /* A text that is longer than any identifier is treated like any other unknown one, like an empty one. */
    if (!str_copy(appid, sizeof(appid), args->appid))
        return API_APP_UNKNOWN;
    if (!str_copy(uid, sizeof(uid), args->uid))
        *uid = '\0';
    if (!partial_read(call, args->dids, &devices))
        return API_INTERNAL;
    struct audit_by by = api_audit_by(call);
    struct binding_change c = {
        .by = &by,
        .action = action,
        .enterprise = call->enterprise->no,
        .product = call->product->no,
        .appid = appid,
        .uid = uid,
        .now_s = clock_wall_s(),
        .dids = devices.items,
        .done = devices.done,
        .count = devices.count,
    };
    enum mu_err err = registry_change_bindings(call->api->parts.registry, &c, &outcome);
    enum api_error error = api_follow(call); /* also after a failure: some devices may have been changed */
    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "change bindings", err);
    switch (outcome) {
    case BINDING_CHANGED: break;
    case BINDING_APP_UNKNOWN: return API_APP_UNKNOWN;
    case BINDING_USER_UNKNOWN: return API_USER_UNKNOWN;
    }
    if (error == API_OK)
        partial_answer(call, status, &devices);
    return error;
}

static enum api_error bind_devices(struct api_call *call)
{
    return change(call, BINDING_BIND, 201);
}

static enum api_error unbind_devices(struct api_call *call)
{
    return change(call, BINDING_UNBIND, 200);
}

const struct api_chapter chapter_binding = {
    .name = { "绑定管理", "Bindings" },
    ROUTES(&bind_devices_route, &unbind_devices_route),
};
