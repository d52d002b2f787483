/* Apps, and the products whose devices their users may have. */
#include "transfer/apply_entry.h"

#include <stdlib.h>

static const struct apply_field fields[] = {
    OWN_FIELD("appid", app_row, appid),
    OTHER_FIELD("product_keys"),
    FIELD("name", APPLY_TEXT, app_row, name),
};

const struct apply_field_list apply_app_fields = FIELD_LIST(fields);

static const struct app_row defaults = { 0 };

/* An app's users belong to one enterprise: that of its products. */
static enum mu_err check_enterprise(const struct apply_entry *e, const uint32_t *products, size_t count)
{
    uint32_t first = 0, enterprise;
    struct product_row product;
    enum mu_err err;

    for (size_t i = 0; i < count; i++) {
        if ((err = tx_product_enterprise(e->apply->tx, products[i], &enterprise)) != MU_OK)
            return err;
        if (enterprise && (enterprise == first || first == 0)) {
            first = enterprise;
            continue;
        }
        if ((err = tx_product_by_no(e->apply->tx, products[i], &product)) != MU_OK)
            return err;
        apply_mistake(e, "product_keys", "product %s belongs to %s", product.product_key,
                      enterprise ? "another enterprise than the others" : "no enterprise");
    }
    return MU_OK;
}

static enum mu_err put_products(const struct apply_entry *e, uint32_t app, const uint32_t *products, size_t count,
                                bool *changed)
{
    uint32_t *present;
    size_t present_count;
    enum mu_err err;

    if ((err = tx_app_products(e->apply->tx, app, &present, &present_count)) != MU_OK)
        return err;
    *changed = count != present_count || memcmp(products, present, count * sizeof(*products)) != 0;
    free(present);
    return *changed ? tx_set_app_products(e->apply->tx, app, products, count) : MU_OK;
}

static enum mu_err apply_products(const struct apply_entry *e, uint32_t app, bool created, bool *changed)
{
    unsigned mistakes = e->apply->mistakes;
    uint32_t *products;
    size_t count;
    enum given given;
    enum mu_err err;

    if ((err = apply_product_keys(e, &given, &products, &count)) != MU_OK)
        goto out;
    if (given == GIVEN_NOT) {
        if (created)
            apply_mistake(e, "product_keys", "missing");
        goto out;
    }
    if (given == GIVEN_WELL && count == 0 && e->apply->mistakes == mistakes)
        apply_mistake(e, "product_keys", "must name at least one product");
    if ((err = check_enterprise(e, products, count)) == MU_OK && e->apply->mistakes == mistakes)
        err = put_products(e, app, products, count, changed);
out:
    free(products);
    return err;
}

enum mu_err apply_app(const struct apply_entry *e)
{
    struct app_row row = defaults, before;
    enum given key;
    enum mu_err err = apply_find(e, "appid", "app", tx_app_by_id, row.appid, &key, &row);

    if (err != MU_OK)
        return err;

    bool created = row.no == 0, changed = false;
    memcpy(&before, &row, sizeof(row));
    apply_fields(e, fields, sizeof(fields) / sizeof(*fields), &row, &defaults);
    if (key == GIVEN_WRONG)
        return MU_OK;
    if (key == GIVEN_NOT && (err = apply_new_name(e, KIND_APP, "appid", row.name)) != MU_OK)
        return err;

    struct apply_change change = APPLY_CHANGE(KIND_APP, row.appid, &before, &row);
    if ((apply_differs(&change) && (err = tx_put_app(e->apply->tx, &row)) != MU_OK) ||
        (err = apply_products(e, row.no, created, &changed)) != MU_OK)
        return err;
    change.more = changed ? "product_keys" : NULL;
    err = apply_count(e, &change);
    return err == MU_OK ? apply_see(e, row.no) : err;
}
