#include <stdlib.h>

#include "api/partial.h"

/* 设备组管理: the groups of a product's devices (contract, endpoint 12). */

enum { MACS_MAX = 1000 }; /* in one call, as the document says */

static const struct field gid_fields[] = {
    { "gid", FIELD_TEXT, false, { "设备组 id", "Id of the group" }, "\"c8e4b5634b047dc495be4a05a39d02a3\"", NULL },
    { 0 },
};

/* clang-format off */
#define GID(args)                                                                                    \
    { "gid", IN_PATH, ARG(GROUP, args, group), REQUIRED, { "设备组 id", "Id of the group" },         \
      "c8e4b5634b047dc495be4a05a39d02a3" }
/* clang-format on */

static void answer_nothing(struct api_call *call)
{
    struct json_out j = api_answer(call, 200);

    json_object_begin(&j);
    json_object_end(&j);
}

/* --- the tree -------------------------------------------------------------------------------------*/
static const struct param tree_params[] = { PRODUCT_KEY };

ROUTE(group_tree, GET, "/v1/products/{product_key}/device_groups", TOKEN, SLOW, PARAMS(tree_params),
      .answer_schema = "{\"type\":\"object\"}",
      .answer_example = "{\"c8e4b5634b047dc495be4a05a39d02a3\":{"
                        "\"5a39d02a3b047dc495be4a0c8e4b5634\":\"\"}}",
      .summary = { "获取设备组树形结构", "Get the tree of device groups" },
      .about = { "以设备组 id 为键；值为其子设备组组成的对象，没有子设备组时为空字符串。",
                 "An object keyed by the groups' ids: each value is an object of the groups below, or an "
                 "empty text if there are none." });

/* Links between the rows, as places in the array. Places count from 1; 0 is the top. */
struct group_links {
    size_t first_child, next_sibling, parent;
};

static size_t place_of(const struct group_row *rows, size_t count, uint32_t no)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].no < no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && rows[low].no == no ? low + 1 : 0;
}

/* Goes from the last row to the first, so that the oldest child becomes the first. */
static void link_groups(const struct group_row *rows, size_t count, struct group_links *links)
{
    for (size_t i = count; i > 0; i--) {
        size_t parent = rows[i - 1].parent ? place_of(rows, count, rows[i - 1].parent) : 0;
        links[i].parent = parent;
        links[i].next_sibling = links[parent].first_child;
        links[parent].first_child = i;
    }
}

/* Depth first along the links, without recursion: the depth of the tree does not matter. */
static void write_tree(struct json_out *j, const struct group_row *rows, const struct group_links *links)
{
    size_t at = links[0].first_child;

    json_object_begin(j);
    while (at) {
        json_key(j, rows[at - 1].gid);
        if (links[at].first_child) {
            json_object_begin(j);
            at = links[at].first_child;
            continue;
        }
        json_text(j, "");
        while (at && !links[at].next_sibling) {
            at = links[at].parent;
            if (at)
                json_object_end(j);
        }
        at = at ? links[at].next_sibling : 0;
    }
    json_object_end(j);
}

static enum api_error group_tree(struct api_call *call)
{
    struct group_row *rows;
    size_t count;
    enum mu_err err = registry_product_groups(call->api->parts.registry, call->product->no, &rows, &count);

    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "read the groups", err);
    struct group_links *links = calloc(count + 1, sizeof(*links));
    if (links) {
        link_groups(rows, count, links);
        struct json_out j = api_answer(call, 200);
        write_tree(&j, rows, links);
    }
    free(rows);
    free(links);
    return links ? API_OK : API_INTERNAL;
}

/* --- creating -------------------------------------------------------------------------------------*/
struct create_args {
    struct str parent_gid, parent;
};

static enum api_error create_check(struct api_call *call);

/* clang-format off: a table */
static const struct param create_params[] = {
    PRODUCT_KEY,
    { "parent_gid",
      IN_BODY,
      ARG(ID, struct create_args, parent_gid),
      OPTIONAL,
      { "父设备组 id，不填则创建根设备组", "The parent group; without it, the root group is created" },
      "c8e4b5634b047dc495be4a05a39d02a3" },
    { "parent",
      IN_BODY,
      ARG(ID, struct create_args, parent),
      OPTIONAL,
      { "与 parent_gid 相同", "The same as parent_gid" },
      "c8e4b5634b047dc495be4a05a39d02a3" },
};
/* clang-format on */

ROUTE(create_group, POST, "/v1/products/{product_key}/device_groups", TOKEN, SLOW, PARAMS(create_params),
      ARGS(struct create_args), .check = create_check,
      .body_example = "{\"parent_gid\":\"c8e4b5634b047dc495be4a05a39d02a3\"}", .body_optional = true, .status = 201,
      .fields = gid_fields, ERRORS(API_GROUP_PARENT_UNKNOWN, API_GROUP_OTHER_PRODUCT, API_GROUP_ROOT_EXISTS),
      .summary = { "创建设备组", "Create a device group" },
      .about = { "一个产品只能有一个根设备组，最多 1000 级；请求体可以为空。",
                 "A product has one root group, and at most 1,000 levels. The body may be empty." });

static enum api_error create_check(struct api_call *call)
{
    const struct create_args *args = call->args;

    if (args->parent_gid.len && args->parent.len && !str_eq(args->parent_gid, args->parent))
        return api_refuse(call, API_FORM_INVALID, "parent: another group than parent_gid");
    return API_OK;
}

static enum api_error create_group(struct api_call *call)
{
    const struct create_args *args = call->args;
    struct str parent = args->parent_gid.len ? args->parent_gid : args->parent;
    char parent_gid[ID_HEX_LEN + 1], gid[ID_HEX_LEN + 1];
    enum api_error error;
    enum mu_err err;

    if (parent.len && !str_copy(parent_gid, sizeof(parent_gid), parent))
        return API_GROUP_PARENT_UNKNOWN;
    struct audit_by by = api_audit_by(call);
    err = registry_add_group(call->api->parts.registry, &by, call->product->no, parent.len ? parent_gid : NULL, gid);
    switch (err) {
    case MU_OK: break;
    case MU_E_EXISTS: return API_GROUP_ROOT_EXISTS;
    case MU_E_NOT_FOUND: return API_GROUP_PARENT_UNKNOWN;
    case MU_E_REFUSED: return API_GROUP_OTHER_PRODUCT;
    case MU_E_LIMIT:
        return api_refuse(call, API_FORM_INVALID, "%s: is on level %d, the deepest level that is allowed",
                          args->parent_gid.len ? "parent_gid" : "parent", LIMIT_GROUP_LEVELS);
    default: return api_store_failed(call, API_INTERNAL, "create a group", err);
    }
    if ((error = api_follow(call)) != API_OK)
        return error;
    struct json_out j = api_answer(call, 201);
    json_object_begin(&j);
    json_put_text(&j, "gid", gid);
    json_object_end(&j);
    return API_OK;
}

/* --- deleting -------------------------------------------------------------------------------------*/
struct group_args {
    uint32_t group;
};

static const struct param group_params[] = { PRODUCT_KEY, GID(struct group_args) };

ROUTE(delete_group, DELETE, "/v1/products/{product_key}/device_groups/{gid}", TOKEN, SLOW, PARAMS(group_params),
      ARGS(struct group_args), ERRORS(API_GROUP_HAS_SUBGROUP, API_GROUP_HAS_DEVICE),
      .summary = { "删除设备组", "Delete a device group" },
      .about = { "须先清空设备组下所有设备及子设备组。",
                 "Take its devices out and delete the groups below it first." });

static enum api_error delete_group(struct api_call *call)
{
    const struct group_args *args = call->args;
    enum group_delete_outcome outcome;
    enum api_error error;
    struct audit_by by = api_audit_by(call);
    enum mu_err err = registry_delete_group(call->api->parts.registry, &by, args->group, &outcome);

    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "delete a group", err);
    switch (outcome) {
    case GROUP_DELETED: break;
    case GROUP_GONE: return API_GROUP_UNKNOWN;
    case GROUP_HAS_GROUPS: return API_GROUP_HAS_SUBGROUP;
    case GROUP_HAS_DEVICES: return API_GROUP_HAS_DEVICE;
    }
    if ((error = api_follow(call)) == API_OK)
        answer_nothing(call);
    return error;
}

/* --- the macs of a group ---------------------------------------------------------------------------*/
static const struct field macs_fields[] = {
    { "macs", FIELD_TEXTS, false, { "mac 列表", "MAC addresses" }, "[\"virtual:site\"]", NULL },
    { 0 },
};

ROUTE(group_macs, GET, "/v1/products/{product_key}/device_groups/{gid}", TOKEN, SLOW, PARAMS(group_params),
      ARGS(struct group_args), .fields = macs_fields,
      .summary = { "获取设备组下的 mac 列表", "Get the macs of a device group" },
      .about = { "不包括子设备组的 mac。", "The macs of the group itself, without those of the groups below it." });

static enum mu_err write_mac(void *ctx, struct str mac)
{
    struct json_out *j = ctx;

    json_str(j, mac);
    return j->out->err;
}

static enum api_error group_macs(struct api_call *call)
{
    const struct group_args *args = call->args;
    struct json_out j = api_answer(call, 200);

    json_object_begin(&j);
    json_put_array(&j, "macs");
    enum mu_err err = registry_visit_group_macs(call->api->parts.registry, args->group, write_mac, &j);
    if (err == MU_E_NOT_FOUND)
        return API_GROUP_UNKNOWN;
    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "read a group", err);
    json_array_end(&j);
    json_object_end(&j);
    return API_OK;
}

/* --- changing -------------------------------------------------------------------------------------*/
struct update_args {
    uint32_t group;
    int action;
    enum fleet_tri reassign;
    const json_t *macs;
};

static const char *const actions[] = { [GROUP_ASSIGN] = "assign", [GROUP_UNASSIGN] = "unassign", NULL };

/* clang-format off: a table */
static const struct param update_params[] = {
    PRODUCT_KEY,
    GID(struct update_args),
    { "action",
      IN_BODY,
      ARG(CHOICE, struct update_args, action),
      REQUIRED,
      { "assign：分配到设备组；unassign：从设备组移除", "Puts the macs into the group, or takes them out" },
      "assign",
      .fallback = -1,
      .choices = actions },
    { "reassign",
      IN_BODY,
      ARG(FLAG, struct update_args, reassign),
      OPTIONAL,
      { "action 为 assign 时，是否移动已在其他设备组的 mac；默认否",
        "With assign: also moves macs that are in another group; by default not" },
      "false" },
    { "macs",
      IN_BODY,
      ARG(JSON, struct update_args, macs),
      REQUIRED,
      { "mac 列表，最多 1000 个", "MAC addresses, at most 1000" },
      "[\"virtual:site\"]",
      .schema = "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":1000}" },
};
/* clang-format on */

static const struct field update_fields[] = {
    { "failed", FIELD_TEXTS, false, { "更新失败的 mac 列表", "MAC addresses that were left as they are" }, "[]", NULL },
    { "success",
      FIELD_TEXTS,
      false,
      { "更新成功的 mac 列表", "MAC addresses that are as asked now" },
      "[\"virtual:site\"]",
      NULL },
    { 0 },
};

static enum api_error update_check(struct api_call *call);

ROUTE(update_group, PUT, "/v1/products/{product_key}/device_groups/{gid}", TOKEN, SLOW, PARAMS(update_params),
      ARGS(struct update_args), .check = update_check, .fields = update_fields,
      .body_example = "{\"action\":\"assign\",\"reassign\":true,\"macs\":[\"virtual:site\"]}",
      .summary = { "更新设备组", "Put devices into a group, or take them out" },
      .about = { "未知的 mac、未指定 reassign 时已在其他设备组的 mac，以及移除时不在该组的 mac 列于 failed。",
                 "failed lists macs that are unknown, that are in another group (assign without "
                 "reassign), or that are not in this one (unassign)." });

static enum api_error update_check(struct api_call *call)
{
    const struct update_args *args = call->args;

    return partial_check(call, "macs", args->macs, MACS_MAX);
}

static enum api_error update_group(struct api_call *call)
{
    const struct update_args *args = call->args;
    struct partial macs;
    enum api_error error;

    if (!partial_read(call, args->macs, &macs))
        return API_INTERNAL;
    struct audit_by by = api_audit_by(call);
    struct group_assignment a = {
        .by = &by,
        .product = call->product->no,
        .group = args->group,
        .action = (enum group_action)args->action,
        .reassign = args->reassign == FLEET_YES,
        .macs = macs.items,
        .done = macs.done,
        .count = macs.count,
    };
    enum mu_err err = registry_assign_group(call->api->parts.registry, &a);
    if (err == MU_E_NOT_FOUND)
        return API_GROUP_UNKNOWN;
    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "change a group", err);
    if ((error = api_follow(call)) == API_OK)
        partial_answer(call, 200, &macs);
    return error;
}

const struct api_chapter chapter_group = {
    .name = { "设备组管理", "Device groups" },
    ROUTES(&group_tree_route, &create_group_route, &delete_group_route, &group_macs_route, &update_group_route),
};
