#include "api/call.h"

/* 产品管理: the datapoints of a product. */

static const struct param datapoint_params[] = { PRODUCT_KEY };

static const struct field position_fields[] = {
    { "byte_offset", FIELD_INT, false, { "字节索引，变长协议固定为 0", "Byte; 0 if of variable length" }, "0", NULL },
    { "bit_offset", FIELD_INT, false, { "位索引，变长协议固定为 0", "Bit; 0 if of variable length" }, "0", NULL },
    { "len", FIELD_INT, false, { "长度", "Length" }, "1", NULL },
    { "unit", FIELD_TEXT, false, { "单位：bit 或 byte", "Unit of the length: bit or byte" }, "\"bit\"", NULL },
    { 0 },
};

/* Only some kinds of datapoint have uint_spec or enum. The example shows a bool, which has neither. */
static const struct field attr_fields[] = {
    { "id", FIELD_INT, false, { "数据点顺序", "Order" }, "0", NULL },
    { "name", FIELD_TEXT, false, { "数据点标示名", "Name" }, "\"switch\"", NULL },
    { "display_name", FIELD_TEXT, false, { "数据点显示名", "Name to show" }, "\"开关\"", NULL },
    { "desc", FIELD_TEXT, false, { "描述", "Description" }, "\".....\"", NULL },
    { "type",
      FIELD_TEXT,
      false,
      { "status_writable、status_readonly、alert 或 fault", "status_writable, status_readonly, alert or fault" },
      "\"status_writable\"",
      NULL },
    { "data_type",
      FIELD_TEXT,
      false,
      { "bool、enum、uint8、uint16、uint32 或 binary；数值型有 uint_spec{min,max,ratio,addition},"
        "枚举型有 enum 列表",
        "bool, enum, uint8, uint16, uint32 or binary; a number has uint_spec{min,max,ratio,addition}, "
        "an enum has the list enum" },
      "\"bool\"",
      NULL },
    { "position", FIELD_OBJECT, false, { "字节与比特位描述", "Place in the status" }, NULL, position_fields },
    { 0 },
};

static const struct field entity_fields[] = {
    { "id", FIELD_INT, false, { "固定值：0", "Always 0" }, "0", NULL },
    { "name", FIELD_TEXT, false, { "固定值：entity0", "Always entity0" }, "\"entity0\"", NULL },
    { "display_name", FIELD_TEXT, false, { "显示名", "Name to show" }, "\"机智云开发套件\"", NULL },
    { "attrs", FIELD_ARRAY, false, { "数据点", "Datapoints" }, NULL, attr_fields },
    { 0 },
};

static const struct field datapoint_fields[] = {
    { "name", FIELD_TEXT, false, { "产品名称", "Name of the product" }, "\"微信宠物屋\"", NULL },
    { "product_key", FIELD_TEXT, false, { "产品标识符", "Product key" }, "\"4244bf2d79694a259232431b6f2ef46a\"", NULL },
    { "protocolType",
      FIELD_TEXT,
      false,
      { "standard（定长）或 var_len（变长）", "standard or var_len" },
      "\"standard\"",
      NULL },
    { "packetVersion", FIELD_TEXT, false, { "固定值：0x00000004", "Always 0x00000004" }, "\"0x00000004\"", NULL },
    { "entities", FIELD_ARRAY, false, { "实体列表", "Entities" }, NULL, entity_fields },
    { "ui",
      FIELD_OBJECT,
      false,
      { "手机客户端 UI 定义", "What a phone shows" },
      "{\"object\":{\"version\":4,\"showEditButton\":false},\"sections\":[{\"elements\":[{"
      "\"boolValue\":false,\"object\":{\"action\":\"entity0\",\"bind\":[\"entity0.switch\"],"
      "\"perm\":\"W\"},\"type\":\"QBooleanElement\",\"key\":\"entity0.switch\",\"title\":\"开关\"}]}]}",
      NULL },
    { 0 },
};

ROUTE(datapoint, GET, "/v1/products/{product_key}/datapoint", TOKEN, FAST, PARAMS(datapoint_params),
      .fields = datapoint_fields, ERRORS(API_DATAPOINT_UNDEFINED),
      .summary = { "获取产品数据点", "Get a product's datapoints" },
      .about = { "数值型数据点的真实值 = 原始值 * ratio + addition。",
                 "A number shows as raw value * ratio + addition." });

static enum api_error datapoint(struct api_call *call)
{
    const struct fleet_definition *definition = call->product->definition;
    const struct product_row *product = call->product->row;

    if (!definition)
        return API_DATAPOINT_UNDEFINED;
    struct json_out j = api_answer(call, 200);
    if (definition->named) { /* the product may have been renamed since */
        json_object_begin(&j);
        json_put_text(&j, "name", product->name);
    }
    buf_append(j.out, definition->json + definition->named, definition->json_len - definition->named);
    return API_OK;
}

const struct api_chapter chapter_product = {
    .name = { "产品管理", "Products" },
    ROUTES(&datapoint_route),
};
