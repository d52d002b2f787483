#include "api/page.h"
#include "api/scope.h"

/* 用户管理: the users of an enterprise's apps, and the users that devices are bound to (contract, endpoints 3 and 4). */

/* --- rows -----------------------------------------------------------------------------------------*/

/* clang-format off */
#define USER_FIELDS                                                                                  \
    { "username", FIELD_TEXT, true, { "用户名称", "Name that the user logs in with" }, "null", NULL },   \
    { "remark", FIELD_TEXT, true, { "备注", "Remark" }, "null", NULL },                                \
    { "uid", FIELD_TEXT, false, { "用户 id", "User id" }, "\"25a5324c807842348f63ade277eb413a\"", NULL },\
    { "is_anonymous", FIELD_BOOL, false, { "是否为匿名用户", "Whether the user is anonymous" },         \
      "true", NULL },                                                                                \
    { "gender", FIELD_TEXT, true, { "性别", "Gender" }, "null", NULL },                                \
    { "created_at", FIELD_INT, false, { "创建时间", "Registered, Unix seconds" }, "1513135417", NULL }, \
    { "phone", FIELD_TEXT, true, { "手机号码", "Phone number" }, "null", NULL },                       \
    { "birthday", FIELD_TEXT, true, { "生日日期", "Day of birth" }, "null", NULL },                    \
    { "address", FIELD_TEXT, true, { "地址", "Address" }, "null", NULL },                             \
    { "email", FIELD_TEXT, true, { "邮箱", "E-mail address" }, "null", NULL }
/* clang-format on */

static const struct field registered_fields[] = {
    USER_FIELDS,
    { "updated_at", FIELD_INT, false, { "更新时间", "Changed last, Unix seconds" }, "1513135417", NULL },
    { 0 },
};

static const struct field bound_fields[] = {
    USER_FIELDS,
    { "auth_src", FIELD_OBJECT, true, { "用户第三方信息", "Remark of a third party about the user" }, "null", NULL },
    { "name", FIELD_TEXT, true, { "姓名", "Name" }, "null", NULL },
    { "is_owner",
      FIELD_BOOL,
      MAY_BE_ABSENT,
      { "是否为设备的 owner，只有按 did 搜索时返回", "Whether it owns the device; only in a search by did" },
      NULL,
      NULL },
    { 0 },
};

/* Begins an object with the fields that both searches answer. The caller ends it. */
static void begin_user(struct json_out *j, const struct user_row *user)
{
    json_object_begin(j);
    json_put_text_or_null(j, "username", user->username);
    json_put_text_or_null(j, "remark", user->remark);
    json_put_text_or_null(j, "uid", user->uid);
    json_put_bool(j, "is_anonymous", user->is_anonymous);
    json_put_text_or_null(j, "gender", user->gender);
    json_put_int(j, "created_at", user->created_at);
    json_put_text_or_null(j, "phone", user->phone);
    json_put_text_or_null(j, "birthday", user->birthday);
    json_put_text_or_null(j, "address", user->address);
    json_put_text_or_null(j, "email", user->email);
}

struct user_rows {
    struct buf text;
    struct json_out j;
    bool owners; /* is_owner is one of the fields */
};

static void rows_init(struct user_rows *rows)
{
    buf_init(&rows->text, PAGE_ROWS_MAX);
    rows->j = json_out_to(&rows->text);
}

/* Answers the page that a search found, or the search's error. */
static enum api_error answer_rows(struct api_call *call, struct user_rows *rows, const struct page *page,
                                  uint64_t total, enum mu_err err)
{
    enum api_error error = err == MU_OK ? page_answer(call, page, total, &rows->text)
                                        : api_store_failed(call, API_INTERNAL, "search users", err);
    buf_free(&rows->text);
    return error;
}

/* --- registered users -----------------------------------------------------------------------------*/
struct registered_args {
    struct scope_product product;
    struct str appid, username, phone, email;
    struct page page;
};

/* clang-format off: a table */
static const struct param registered_params[] = {
    SCOPE_PARAMS(struct registered_args),
    { "appid",
      IN_QUERY,
      ARG(ID, struct registered_args, appid),
      OPTIONAL,
      { "应用 id", "Users of this app only" },
      "a39d02a3c8e4b5634b047dc495be4a05" },
    { "username",
      IN_QUERY,
      ARG(TEXT, struct registered_args, username),
      OPTIONAL,
      { "用户名称", "Name that the user logs in with" },
      "anna" },
    { "phone",
      IN_QUERY,
      ARG(TEXT, struct registered_args, phone),
      OPTIONAL,
      { "手机号码", "Phone number" },
      "13800000000" },
    { "email",
      IN_QUERY,
      ARG(TEXT, struct registered_args, email),
      OPTIONAL,
      { "邮件", "E-mail address" },
      "anna@example.com" },
    PAGE_PARAMS(struct registered_args),
};
/* clang-format on */

static enum api_error registered_check(struct api_call *call);

ROUTE(registered_users, GET, "/v1/users/search", HEADERS, SLOW, PARAMS(registered_params), ARGS(struct registered_args),
      .check = registered_check, .fields = registered_fields, .paged = true, ERRORS(SCOPE_ERRORS),
      .summary = { "搜索注册用户", "Search the users of a product's apps" },
      .about = { "返回该产品的应用的注册用户，按注册先后从新到旧排序。",
                 "Users that are registered in apps of the product, the last added first." });

static enum api_error registered_check(struct api_call *call)
{
    const struct registered_args *args = call->args;

    return scope_check(call, &args->product);
}

static enum mu_err write_registered(void *ctx, const struct user_row *user, bool is_owner)
{
    struct user_rows *rows = ctx;

    (void)is_owner;
    begin_user(&rows->j, user);
    json_put_int(&rows->j, "updated_at", user->updated_at);
    json_object_end(&rows->j);
    return MU_OK;
}

static enum api_error registered_users(struct api_call *call)
{
    const struct registered_args *args = call->args;
    struct registry *registry = call->api->parts.registry;
    struct user_rows rows = { .owners = false };
    struct scope scope;
    enum api_error error = scope_find(call, &args->product, args->appid, &scope);

    if (error != API_OK)
        return error;
    rows_init(&rows);
    struct users_page page = {
        .skip = (uint64_t)args->page.skip, .limit = (uint64_t)args->page.limit, .fn = write_registered, .ctx = &rows
    };
    enum mu_err err = registry_registered_users(registry,
                                                &(struct registered_users){ .product = scope.product,
                                                                            .app = scope.app,
                                                                            .username = args->username,
                                                                            .phone = args->phone,
                                                                            .email = args->email },
                                                &page);
    return answer_rows(call, &rows, &args->page, page.total, err);
}

/* --- bound users ----------------------------------------------------------------------------------*/
struct bound_args {
    uint32_t group;
    int type; /* enum bound_by */
    struct str val;
    struct page page;
};

/* clang-format off: a table */
static const char *const types[] = {
    [BOUND_BY_UID] = "uid",
    [BOUND_BY_USERNAME] = "username",
    [BOUND_BY_PHONE] = "phone",
    [BOUND_BY_EMAIL] = "email",
    [BOUND_BY_DID] = "did",
    [BOUND_BY_MAC] = "mac",
    [BOUND_BY_DEVICE_SN] = "device_sn",
    NULL,
};
/* clang-format on */

/* clang-format off: a table */
static const struct param bound_params[] = {
    PRODUCT_KEY,
    { "gid",
      IN_QUERY,
      ARG(GROUP, struct bound_args, group),
      OPTIONAL,
      { "设备组 id（含其子组）", "Users of devices in this group or below it" },
      "c8e4b5634b047dc495be4a05a39d02a3" },
    { "type",
      IN_QUERY,
      ARG(CHOICE, struct bound_args, type),
      OPTIONAL,
      { "val 的类型，与 val 一起使用", "What val is; required with val" },
      "did",
      .fallback = BOUND_ANY,
      .choices = types },
    { "val",
      IN_QUERY,
      ARG(TEXT, struct bound_args, val),
      OPTIONAL,
      { "查询条件值，与 type 一起使用", "Value to look for; required with type" },
      "kYkSE2xspYjocBhaUHdM5k" },
    PAGE_PARAMS(struct bound_args),
};
/* clang-format on */

static enum api_error bound_check(struct api_call *call);

ROUTE(bound_users, GET, "/v1/products/{product_key}/users/search", TOKEN, SLOW, PARAMS(bound_params),
      ARGS(struct bound_args), .check = bound_check, .fields = bound_fields, .paged = true,
      .summary = { "搜索绑定用户", "Search the users that devices are bound to" },
      .about = { "按注册先后从新到旧排序。只有按 did 搜索时返回 is_owner。",
                 "The last added first. is_owner is answered in a search by did only." });

static enum api_error bound_check(struct api_call *call)
{
    const struct bound_args *args = call->args;

    if (args->type >= 0 && !args->val.at)
        return api_refuse(call, API_FORM_INVALID, "val: required with type");
    if (args->type < 0 && args->val.at)
        return api_refuse(call, API_FORM_INVALID, "type: required with val");
    return API_OK;
}

static enum mu_err write_bound(void *ctx, const struct user_row *user, bool is_owner)
{
    struct user_rows *rows = ctx;
    struct json_out *j = &rows->j;

    begin_user(j, user);
    json_key(j, "auth_src");
    if (*user->auth_src)
        json_raw(j, str_of(user->auth_src));
    else
        json_no_value(j);
    json_put_text_or_null(j, "name", user->name);
    if (rows->owners)
        json_put_bool(j, "is_owner", is_owner);
    json_object_end(j);
    return MU_OK;
}

static enum api_error bound_users(struct api_call *call)
{
    const struct bound_args *args = call->args;
    struct user_rows rows = { .owners = args->type == BOUND_BY_DID };

    rows_init(&rows);
    struct users_page page = {
        .skip = (uint64_t)args->page.skip, .limit = (uint64_t)args->page.limit, .fn = write_bound, .ctx = &rows
    };
    enum mu_err err = registry_bound_users(
        call->api->parts.registry,
        &(struct bound_users){
            .product = call->product->no, .group = args->group, .by = (enum bound_by)args->type, .val = args->val },
        &page);
    return answer_rows(call, &rows, &args->page, page.total, err);
}

const struct api_chapter chapter_user = {
    .name = { "用户管理", "Users" },
    ROUTES(&registered_users_route, &bound_users_route),
};
