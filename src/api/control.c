#include <assert.h>
#include <inttypes.h>

#include "api/call.h"
#include "base/clock.h"
#include "base/json_in.h"
#include "base/log.h"
#include "commit/control_request.h"
#include "commit/device_image.h"
#include "model/frame.h"

/* 设备管理: controlling a device (contract, endpoint 7).
 *
 * The request itself is checked before the device's state (5304, 5305): the state may change later, but a wrong
 * request stays wrong. */

struct control_args {
    struct fleet_device device;
    const json_t *raw, *attrs;
    int coding; /* index into codings; -1 = not given */
};

static const char *const codings[] = { "hex", "base64", NULL };

/* clang-format off: a table */
static const struct param control_params[] = {
    PRODUCT_KEY,
    DID(struct control_args),
    { "raw",
      IN_BODY,
      ARG(JSON, struct control_args, raw),
      OPTIONAL,
      { "原始指令：字节数组，或按 binary_coding 编码的字符串；与 attrs 二选一",
        "Raw command: an array of bytes, or a text in binary_coding; either this or attrs" },
      "[97,98,99]",
      .schema = "{\"oneOf\":[{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0,"
                "\"maximum\":255}},{\"type\":\"string\"}]}" },
    { "attrs",
      IN_BODY,
      ARG(JSON, struct control_args, attrs),
      OPTIONAL,
      { "数据点方式：数据点标示名到值；与 raw 二选一",
        "Datapoints by name: a bool as true, false, 1 or 0, an enum as text or index, a number scaled, "
        "binary as hex; either this or raw" },
      "{\"switch\":1}",
      .schema = "{\"type\":\"object\",\"minProperties\":1}" },
    { "binary_coding",
      IN_BODY,
      ARG(CHOICE, struct control_args, coding),
      OPTIONAL,
      { "raw 字符串及扩展型数据点的编码：hex 或 base64", "The coding of a raw text, or of binary datapoints" },
      "hex",
      .fallback = -1,
      .choices = codings },
};
/* clang-format on */

static enum api_error control_check(struct api_call *call);
static void control_refused(struct api_call *call, enum api_error error);

ROUTE(
    control, POST, "/v1/products/{product_key}/devices/{did}/control", TOKEN, DEFERRED, PARAMS(control_params),
    ARGS(struct control_args), .check = control_check, .refused = control_refused,
    .body_example = "{\"attrs\":{\"switch\":1}}",
    ERRORS(API_CONTROL_NOT_ALLOWED, API_DATAPOINT_UNDEFINED, API_ATTR_UNKNOWN, API_ATTR_INVALID, API_RAW_INVALID,
           API_DEVICE_DISABLED, API_DEVICE_OFFLINE, API_SEND_FAILED, API_JOURNAL_FAILED),
    .summary = { "设备远程控制", "Control a device" },
    .about = {
        "raw 以 00000003 开头且长度和命令字（0x0090、0x0093）正确时原样下发，否则加上信封：设备以 "
        "0x0093 上报的用 0x0093（带序号），其余用 0x0090；产品可另行指定。200 表示指令已写入设备连接并已记入通信日志。",
        "raw that is a whole frame (it begins with 00000003, and its length and its command, 0x0090 or "
        "0x0093, are right) is sent unchanged. Anything else is put into an envelope: of command 0x0093, "
        "with a serial number, for a device that reports with 0x0093; of command 0x0090 for others. A "
        "product may fix the command. 200 means that the bytes were written to the device's connection "
        "and are in the communication log." });

/* --- what to send ----------------------------------------------------------------------------- */
static enum api_error control_check(struct api_call *call)
{
    const struct control_args *args = call->args;

    if (!args->raw == !args->attrs)
        return api_refuse(call, API_FORM_INVALID, "raw, attrs: exactly one of them is required");
    if (args->attrs && json_object_size(args->attrs) == 0)
        return api_refuse(call, API_FORM_INVALID, "attrs: not an object, or empty");
    if (args->raw && !json_is_array(args->raw) && !json_is_string(args->raw))
        return api_refuse(call, API_FORM_INVALID, "raw: neither an array of bytes nor a text");
    if (json_is_string(args->raw) && args->coding < 0)
        return api_refuse(call, API_FORM_INVALID, "binary_coding: required if raw is a text");
    return API_OK;
}

static enum binary_coding coding_of(const struct control_args *args)
{
    static const enum binary_coding values[] = { CODING_HEX, CODING_BASE64 };

    assert(args->coding < (int)(sizeof(values) / sizeof(values[0])));
    return args->coding < 0 ? CODING_NONE : values[args->coding];
}

static enum api_error raw_of_array(struct api_call *call, const json_t *array, struct buf *out)
{
    size_t i;
    const json_t *element;
    int64_t byte;

    json_array_foreach(array, i, element)
    {
        if (!json_whole(element, &byte) || byte < 0 || byte > UINT8_MAX)
            return api_refuse(call, API_RAW_INVALID, "raw[%zu]: not an integer from 0 to 255", i);
        buf_append_u8(out, (uint8_t)byte);
    }
    return API_OK;
}

static enum api_error raw_of_text(struct api_call *call, const json_t *text, enum binary_coding coding, struct buf *out)
{
    const char *at = json_string_value(text);
    size_t len = json_string_length(text), decoded;
    /* Both codings need at least as many characters as they encode bytes. */
    uint8_t *to = buf_reserve(out, len);
    enum mu_err err;

    if (!to)
        return API_OK; /* build_frame sees the buffer's error */
    if (coding == CODING_HEX) {
        err = hex_decode(at, len, to);
        decoded = len / 2;
    } else {
        err = base64_decode(at, len, to, &decoded);
    }
    if (err != MU_OK)
        return api_refuse(call, API_RAW_INVALID, "raw: not %s", codings[coding == CODING_BASE64]);
    out->len += decoded;
    return API_OK;
}

/* Puts P0 into the kind of frame that the device takes (device-access 3). The serial number is that of the request,
 * so the 0x0094 in the communication log shows which control it answers. */
static void wrap(struct api_call *call, struct buf *frame, const struct buf *p0)
{
    const struct control_args *args = call->args;
    enum control_frames control = atomic_load(&call->product->row)->control;
    bool numbered = control == CONTROL_0093 || (control == CONTROL_AUTO && args->device.numbers_reports);

    assert(p0->err == MU_OK);
    frame_write(frame, numbered ? FRAME_NUMBERED : FRAME_CONTROL, (uint32_t)call->request, p0->data, p0->len);
}

static enum api_error frame_of_raw(struct api_call *call, struct buf *bytes, struct buf *frame)
{
    const struct control_args *args = call->args;
    struct frame parsed;
    enum api_error error;

    error = json_is_array(args->raw) ? raw_of_array(call, args->raw, bytes)
                                     : raw_of_text(call, args->raw, coding_of(args), bytes);
    if (error != API_OK || bytes->err != MU_OK)
        return error;
    if (bytes->len == 0)
        return api_refuse(call, API_RAW_INVALID, "raw: empty");
    if (frame_parse(bytes->data, bytes->len, &parsed) == MU_OK &&
        (parsed.cmd == FRAME_CONTROL || parsed.cmd == FRAME_NUMBERED))
        buf_append(frame, bytes->data, bytes->len);
    else
        wrap(call, frame, bytes);
    return API_OK;
}

static enum api_error frame_of_attrs(struct api_call *call, struct buf *p0, struct buf *frame)
{
    const struct control_args *args = call->args;
    const struct api_options *parts = &call->api->parts;
    const struct fleet_definition *definition = call->product->definition;
    struct device_image state;
    enum api_error error;
    char why[200] = "";

    if (!definition)
        return API_DATAPOINT_UNDEFINED;
    enum mu_err err = device_image_read(parts->fleet, parts->journal, &args->device, &state);
    /* In a state of another definition version, datapoints have other places. */
    const uint8_t *usable = state.definition == definition ? state.bytes.data : NULL;
    if (err == MU_OK)
        error = datapoint_control(definition->plan, &(struct datapoint_asked){ args->attrs, usable, coding_of(args) },
                                  p0, why, sizeof(why));
    device_image_free(&state);
    if (err != MU_OK)
        return api_store_failed(call, API_JOURNAL_FAILED, "read a device's state", err);
    if (error != API_OK)
        return api_refuse(call, error, "%s", why);
    if (p0->err == MU_OK)
        wrap(call, frame, p0);
    return API_OK;
}

/* *frame is placed in the exchange's arena. */
static enum api_error build_frame(struct api_call *call, const uint8_t **frame, size_t *len)
{
    const struct control_args *args = call->args;
    struct buf part, whole;
    enum api_error error;

    /* Room for the text of a raw frame of LIMIT_FRAME bytes: a coding takes at most two characters for a byte. */
    buf_init(&part, 2 * LIMIT_FRAME);
    buf_init(&whole, LIMIT_FRAME);
    error = args->attrs ? frame_of_attrs(call, &part, &whole) : frame_of_raw(call, &part, &whole);
    if (error == API_OK && (part.err == MU_E_LIMIT || whole.err == MU_E_LIMIT))
        error = api_refuse(call, API_RAW_INVALID, "the frame would be over %d bytes, the packet over %d", LIMIT_FRAME,
                           LIMIT_DEVICE_PACKET);
    else if (error == API_OK && (part.err != MU_OK || whole.err != MU_OK))
        error = API_INTERNAL;
    if (error == API_OK) {
        *frame = (const uint8_t *)arena_strndup(&call->ex->arena, (const char *)whole.data, whole.len);
        *len = whole.len;
        if (!*frame)
            error = API_INTERNAL;
    }
    buf_free(&whole);
    buf_free(&part);
    return error;
}

/* --- the audit log -----------------------------------------------------------------------------
 * A control that reaches its device is entered by the committer, together with its record. */

/* How many refusals of an enterprise are kept in an hour, so that a caller who sends wrong requests all day does not
 * fill the disk. */
enum { REFUSALS_AN_HOUR = 600 };

static void audit_refused(struct api_call *call, enum api_error error, const uint8_t *frame, size_t frame_len)
{
    struct journal_control c = {
        .ts_us = clock_wall_us(),
        .request = call->request,
        .enterprise_id = str_of(call->enterprise->enterprise_id),
        .did = call->ex->req.captures[1], /* as the caller gave it, whatever it is */
        .error = (uint32_t)api_error_row(error)->code,
        .frame = frame,
        .frame_len = frame_len,
    };
    struct quota_view view;

    if (!quota_take(&call->enterprise->refusals, REFUSALS_AN_HOUR, c.ts_us / 1000000, &view))
        return;
    c.last = view.remaining == 0;
    committer_refused_control(call->api->parts.committer, &c);
}

static void control_refused(struct api_call *call, enum api_error error)
{
    assert(call->enterprise);
    audit_refused(call, error, NULL, 0);
}

/* --- sending ---------------------------------------------------------------------------------- */
struct sending {
    struct control_request req; /* must be first: sent() casts it back */
    struct api_call *call;
};

static enum api_error outcome(struct api_call *call, enum mu_err err)
{
    switch (err) {
    case MU_OK: return API_OK;
    case MU_E_NOT_FOUND: /* the device was deleted in the meantime */ return API_DEVICE_UNKNOWN;
    case MU_E_OFFLINE: return API_DEVICE_OFFLINE;
    case MU_E_VALUE: return api_refuse(call, API_RAW_INVALID, "the packet would be longer than the device takes");
    case MU_E_LIMIT: return api_refuse(call, API_SEND_FAILED, "too many frames are waiting for this device");
    case MU_E_TIMEOUT:
        return api_refuse(call, API_SEND_FAILED, "the device did not take it within %d ms", LIMIT_CONTROL_WAIT_MS);
    case MU_E_CLOSED: return api_refuse(call, API_SEND_FAILED, "the device's session ended or does not listen");
    case MU_E_FULL:
    case MU_E_IO: return api_store_failed(call, API_JOURNAL_FAILED, "log a control", err);
    default: return api_store_failed(call, API_INTERNAL, "control", err);
    }
}

static void sent(struct control_request *req, enum mu_err err)
{
    struct api_call *call = ((struct sending *)req)->call;
    enum api_error error = outcome(call, err);

    if (error != API_OK)
        audit_refused(call, error, req->frame, req->frame_len);
    if (error == API_OK) {
        struct json_out j = api_answer(call, 200);
        json_object_begin(&j);
        json_object_end(&j);
    }
    api_finish(call, error);
}

static enum api_error control(struct api_call *call)
{
    const struct control_args *args = call->args;
    const struct product_row *product = call->product->row;
    struct sending *s = arena_alloc(&call->ex->arena, sizeof(*s));
    enum api_error error;

    if (!s)
        return API_INTERNAL;
    if (!product->remote_control)
        return API_CONTROL_NOT_ALLOWED;
    s->call = call;
    s->req.device = args->device.no;
    s->req.enterprise = call->enterprise->no;
    s->req.request = call->request;
    s->req.done = sent;
    if ((error = build_frame(call, &s->req.frame, &s->req.frame_len)) != API_OK)
        return error;
    if (args->device.is_disabled)
        return API_DEVICE_DISABLED;
    /* Logged here, not in sent(): sent() runs on the committer's thread, which must not wait for a pipe. */
    log_event(LOG_INFO, "control", "request=%016" PRIx64 " enterprise=%s did=%s bytes=%zu", call->request,
              call->enterprise->enterprise_id, args->device.did, s->req.frame_len);
    const struct control_port *port = &call->api->parts.control;
    port->send(port->ctx, &s->req);
    return API_OK;
}

const struct api_chapter chapter_control = {
    .name = { "设备管理", "Devices" },
    ROUTES(&control_route),
};
