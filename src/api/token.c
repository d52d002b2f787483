#include <inttypes.h>

#include "api/auth.h"
#include "api/call.h"
#include "base/clock.h"
#include "registry/secret.h"

/* 授权: an enterprise takes a token for one of its products, and associates a product with itself. */

#define TOKEN_LIFE_S (7 * 86400) /* contract, "token" */

struct access_token_args {
    struct str enterprise_id, enterprise_secret, product_secret;
};

/* Parameters of both calls: the enterprise and the product, each with its secret. */
/* clang-format off: a table */
static const struct param access_token_params[] = {
    PRODUCT_KEY,
    { "enterprise_id",
      IN_BODY,
      ARG(ID, struct access_token_args, enterprise_id),
      REQUIRED,
      { "企业 id", "Enterprise id" },
      "1f7ac0e5b7d64ad4a9e3d0c2b5a6f718" },
    { "enterprise_secret",
      IN_BODY,
      ARG(ID, struct access_token_args, enterprise_secret),
      REQUIRED,
      { "企业 id 密码", "Secret of the enterprise" },
      "9c41d6e0b83f4f0aa2f5e7d1c6b8a934" },
    { "product_secret",
      IN_BODY,
      ARG(ID, struct access_token_args, product_secret),
      REQUIRED,
      { "产品密匙", "Secret of the product" },
      "5d0f3b7e9a1c4c62b8d4e6f2a7c19053" },
};
/* clang-format on */

static const struct field access_token_fields[] = {
    { "token", FIELD_TEXT, false, { "用户 token", "The token" }, "\"89d753a234ef42cd90f75da7489e78a4\"", NULL },
    { "expire_at",
      FIELD_INT,
      false,
      { "token 过期时间（时间戳）", "When it expires, Unix seconds" },
      "1517897923",
      NULL },
    { "expired_at", FIELD_INT, false, { "与 expire_at 相同", "The same as expire_at" }, "1517897923", NULL },
    { 0 },
};

ROUTE(access_token, POST, "/v1/products/{product_key}/access_token", BODY, SLOW, PARAMS(access_token_params),
      ARGS(struct access_token_args),
      ERRORS(API_ENTERPRISE_UNKNOWN, API_ENTERPRISE_SECRET, API_ASSOCIATION_UNKNOWN, API_PRODUCT_SECRET),
      .body_example = "{\"enterprise_id\":\"1f7ac0e5b7d64ad4a9e3d0c2b5a6f718\","
                      "\"enterprise_secret\":\"9c41d6e0b83f4f0aa2f5e7d1c6b8a934\","
                      "\"product_secret\":\"5d0f3b7e9a1c4c62b8d4e6f2a7c19053\"}",
      .status = 201, .fields = access_token_fields, .summary = { "获取 token", "Take a token" },
      .about = { "token 有效期为 7 天，只能用于该产品；旧 token 在过期前仍然有效。",
                 "A token lives for 7 days and serves this product only. An older one stays valid "
                 "until it expires." });

struct new_token {
    struct token_row row;
    const char *product_key;
};

/* Checks again in the transaction, since what the fleet showed may have changed: then MU_E_REFUSED. */
static enum mu_err put_token(struct registry_tx *tx, void *arg)
{
    const struct new_token *new = arg;
    uint32_t enterprise;
    enum mu_err err = tx_product_enterprise(tx, new->row.product, &enterprise);

    if (err == MU_OK && enterprise != new->row.enterprise)
        return MU_E_REFUSED;
    if (err == MU_OK)
        err = tx_put_token(tx, &new->row);
    return err == MU_OK
               ? tx_audit(tx, "issue_token", KIND_PRODUCT, new->product_key, "expires_at=%" PRId64, new->row.expires_at)
               : err;
}

/* The enterprise is known only after its secret was right. Before that, a stranger could use up its quota. */
static enum api_error check_enterprise(struct api_call *call)
{
    const struct access_token_args *args = call->args;
    struct fleet *fleet = call->api->parts.fleet;
    struct fleet_enterprise *enterprise = fleet_enterprise_by_id(fleet, args->enterprise_id);

    if (!enterprise)
        return API_ENTERPRISE_UNKNOWN;
    const struct enterprise_row *row = enterprise->row;
    if (!secret_equal(row->secret_salt, args->enterprise_secret, row->secret_hash))
        return API_ENTERPRISE_SECRET;
    auth_known(call, enterprise);

    call->product = fleet_product_by_key(fleet, call->ex->req.captures[0]);
    return call->product ? API_OK : API_PRODUCT_UNKNOWN;
}

static enum api_error check_product_secret(struct api_call *call)
{
    const struct access_token_args *args = call->args;
    const struct product_row *product = call->product->row;

    if (!secret_text_equal(args->product_secret, str_of(product->product_secret)))
        return API_PRODUCT_SECRET;
    return auth_admit(call);
}

static enum api_error access_token(struct api_call *call)
{
    const struct api_options *parts = &call->api->parts;
    struct new_token new = { .row.expires_at = clock_wall_s() + TOKEN_LIFE_S };
    char token[ID_HEX_LEN + 1];
    enum api_error error;
    enum mu_err err;

    if ((error = check_enterprise(call)) != API_OK)
        return error;
    if (call->product->enterprise != call->enterprise->no)
        return API_ASSOCIATION_UNKNOWN;
    if ((error = check_product_secret(call)) != API_OK)
        return error;
    id_new_hex(token);
    secret_token_hash(str_of(token), new.row.hash);
    new.row.enterprise = call->enterprise->no;
    new.row.product = call->product->no;
    new.product_key = call->product->product_key;
    struct audit_by by = api_audit_by(call);
    if ((err = registry_write_by(parts->registry, &by, put_token, &new)) == MU_E_REFUSED)
        return API_ASSOCIATION_UNKNOWN;
    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "keep a token", err);
    if ((err = committer_follow_registry(parts->committer)) != MU_OK)
        return api_store_failed(call, API_INTERNAL, "show a token", err);

    struct json_out j = api_answer(call, 201);
    json_object_begin(&j);
    json_put_text(&j, "token", token);
    json_put_int(&j, "expire_at", new.row.expires_at);
    json_put_int(&j, "expired_at", new.row.expires_at);
    json_object_end(&j);
    return API_OK;
}

/* --- association -----------------------------------------------------------------------------------
 * Not in the present document, but in an older edition, and used by clients. */
ROUTE(association, POST, "/v1/products/{product_key}/association", BODY, SLOW, PARAMS(access_token_params),
      ARGS(struct access_token_args),
      ERRORS(API_ENTERPRISE_UNKNOWN, API_ENTERPRISE_SECRET, API_ASSOCIATION_EXISTS, API_PRODUCT_SECRET,
             API_PRODUCT_OPERATION),
      .body_example = "{\"enterprise_id\":\"1f7ac0e5b7d64ad4a9e3d0c2b5a6f718\","
                      "\"enterprise_secret\":\"9c41d6e0b83f4f0aa2f5e7d1c6b8a934\","
                      "\"product_secret\":\"5d0f3b7e9a1c4c62b8d4e6f2a7c19053\"}",
      .status = 201, .summary = { "关联产品与企业", "Associate a product and an enterprise" },
      .about = { "一个产品只能属于一个企业。", "A product belongs to one enterprise at most." });

struct new_association {
    uint32_t enterprise, product;
    const char *product_key;
};

static enum mu_err associate(struct registry_tx *tx, void *arg)
{
    const struct new_association *new = arg;
    uint32_t enterprise;
    enum mu_err err = tx_product_enterprise(tx, new->product, &enterprise);

    if (err != MU_OK)
        return err;
    if (enterprise)
        return MU_E_EXISTS;
    err = tx_associate(tx, new->enterprise, new->product);
    return err == MU_OK ? tx_audit(tx, "associate", KIND_PRODUCT, new->product_key, "%s", "") : err;
}

static enum api_error association(struct api_call *call)
{
    const struct api_options *parts = &call->api->parts;
    enum api_error error;

    if ((error = check_enterprise(call)) != API_OK || (error = check_product_secret(call)) != API_OK)
        return error;
    struct new_association new = { call->enterprise->no, call->product->no, call->product->product_key };
    struct audit_by by = api_audit_by(call);
    enum mu_err err = registry_write_by(parts->registry, &by, associate, &new);
    if (err == MU_E_EXISTS)
        return API_ASSOCIATION_EXISTS;
    if (err == MU_E_NOT_FOUND)
        return API_PRODUCT_UNKNOWN;
    if (err == MU_E_VALUE)
        return api_refuse(call, API_PRODUCT_OPERATION, "an app has this product and another enterprise's");
    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "associate a product", err);
    if ((err = committer_follow_registry(parts->committer)) != MU_OK)
        return api_store_failed(call, API_INTERNAL, "show an association", err);

    struct json_out j = api_answer(call, 201);
    json_object_begin(&j);
    json_object_end(&j);
    return API_OK;
}

const struct api_chapter chapter_token = {
    .name = { "授权", "Authorization" },
    ROUTES(&access_token_route, &association_route),
};
