#include "api/scope.h"

#include "registry/secret.h"

/* Finds the product and app whose users a call is about (scope.h). */

enum api_error scope_check(struct api_call *call, const struct scope_product *product)
{
    if (!product->key.at && !product->secret.at)
        return api_refuse(call, API_FORM_INVALID, "product_key: required");
    return API_OK;
}

struct search {
    uint32_t enterprise;
    const struct fleet_product *own; /* the token's product, the only one that the caller may name; NULL = no token */
    struct str product, also;        /* also: the second name if the caller gave both, else at NULL */
    struct str appid;                /* at NULL = any app */
    enum api_error error;
    uint32_t product_no, app_no;
};

/* Checked before the registry is asked, since another product may have the same secret. */
static bool is_own(const struct search *s, struct str name)
{
    const struct product_row *row = s->own ? s->own->row : NULL;

    return row && (str_eq(name, str_of(s->own->product_key)) || secret_text_equal(name, str_of(row->product_secret)));
}

static enum mu_err find_product(struct registry_tx *tx, const struct search *s, struct str name, uint32_t *product)
{
    char text[ID_HEX_LEN + 1];
    struct product_row row = { 0 };
    enum mu_err err;

    *product = is_own(s, name) ? s->own->no : 0;
    if (*product)
        return MU_OK;
    if (!str_copy(text, sizeof(text), name))
        return MU_E_NOT_FOUND;
    if ((err = tx_product_by_secret(tx, text, s->enterprise, &row)) == MU_E_NOT_FOUND)
        err = tx_product_by_key(tx, text, &row);
    *product = row.no;
    return err;
}

static enum mu_err find_app(struct registry_tx *tx, struct search *s)
{
    char text[ID_HEX_LEN + 1];
    struct app_row app;
    enum mu_err err;

    if (!s->appid.at)
        return MU_OK;
    if (!str_copy(text, sizeof(text), s->appid))
        return MU_E_NOT_FOUND;
    if ((err = tx_app_by_id(tx, text, &app)) != MU_OK)
        return err;
    s->app_no = app.no;
    return app.enterprise == s->enterprise ? MU_OK : MU_E_NOT_FOUND;
}

static enum mu_err find_scope(struct registry_tx *tx, void *arg)
{
    struct search *s = arg;
    uint32_t enterprise, other;
    enum mu_err err;

    s->error = API_PRODUCT_UNKNOWN;
    if ((err = find_product(tx, s, s->product, &s->product_no)) != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    s->error = API_TOKEN_OTHER_PRODUCT;
    if (s->own && s->product_no != s->own->no)
        return MU_OK;
    if (s->own && s->also.at) {
        err = find_product(tx, s, s->also, &other);
        if (err == MU_OK ? other != s->own->no : err != MU_E_NOT_FOUND)
            return err;
    }
    s->error = API_PRODUCT_NOT_ASSOCIATED;
    if ((err = tx_product_enterprise(tx, s->product_no, &enterprise)) != MU_OK || enterprise != s->enterprise)
        return err;
    s->error = API_APP_UNKNOWN;
    if ((err = find_app(tx, s)) != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    s->error = API_OK;
    return MU_OK;
}

enum api_error scope_find(struct api_call *call, const struct scope_product *product, struct str appid,
                          struct scope *out)
{
    struct search search = {
        .enterprise = call->enterprise->no,
        .own = call->product,
        .appid = appid,
        .product = product->key.at ? product->key : product->secret,
        .also = product->key.at ? product->secret : (struct str){ NULL, 0 },
    };
    enum mu_err err = registry_read(call->api->parts.registry, find_scope, &search);

    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "find a product's users", err);
    *out = (struct scope){ search.product_no, search.app_no };
    return search.error;
}
