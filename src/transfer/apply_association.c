/* Which enterprise has which products: reads product_keys of the enterprises, after all products exist. */
#include "transfer/apply_entry.h"

#include <assert.h>
#include <stdlib.h>

static enum mu_err audit(struct apply *a, const char *action, uint32_t enterprise, uint32_t product)
{
    struct enterprise_row owner;
    struct product_row row;
    enum mu_err err;

    if ((err = tx_enterprise_by_no(a->tx, enterprise, &owner)) != MU_OK ||
        (err = tx_product_by_no(a->tx, product, &row)) != MU_OK)
        return err;
    return tx_audit(a->tx, action, KIND_PRODUCT, row.product_key, "enterprise=%s", owner.enterprise_id);
}

struct wanted {
    struct apply_entry entry;
    uint32_t enterprise;
    uint32_t *products, *present;
    size_t count, present_count;
};

/* MU_OK with w->enterprise 0: the entry says nothing about products. */
static enum mu_err read_wanted(struct wanted *w, struct apply *a, const json_t *list, size_t index, uint32_t enterprise)
{
    enum mu_err err;
    enum given given;

    assert(!w->products && !w->present);
    w->entry = (struct apply_entry){ a, "enterprises", index, NULL };
    if ((err = values_of_json(&a->values, json_array_get(list, index))) != MU_OK ||
        (err = apply_product_keys(&w->entry, &given, &w->products, &w->count)) != MU_OK)
        return err;
    if (given != GIVEN_WELL || enterprise == 0)
        return MU_OK;
    w->enterprise = enterprise;
    return tx_enterprise_products(a->tx, enterprise, &w->present, &w->present_count);
}

static enum mu_err drop_unlisted(const struct wanted *w)
{
    struct apply *a = w->entry.apply;
    enum mu_err err;

    for (size_t i = 0; i < w->present_count; i++) {
        if (apply_has_number(w->products, w->count, w->present[i]))
            continue;
        err = tx_dissociate(a->tx, w->enterprise, w->present[i]);
        if (err == MU_E_NOT_FOUND)
            continue; /* an earlier entry of the same enterprise ended it; that is a mistake already */
        if (err == MU_OK)
            err = audit(a, "dissociate", w->enterprise, w->present[i]);
        if (err != MU_OK)
            return err;
        a->dissociated++;
    }
    return MU_OK;
}

static enum mu_err add_listed(const struct wanted *w)
{
    struct apply *a = w->entry.apply;
    struct product_row product;
    enum mu_err err;

    for (size_t i = 0; i < w->count; i++) {
        if (apply_has_number(w->present, w->present_count, w->products[i]))
            continue;
        err = tx_associate(a->tx, w->enterprise, w->products[i]);
        if (err == MU_OK) {
            a->associated++;
            if ((err = audit(a, "associate", w->enterprise, w->products[i])) != MU_OK)
                return err;
            continue;
        }
        if (err != MU_E_EXISTS && err != MU_E_VALUE)
            return err;
        bool taken = err == MU_E_EXISTS;
        if ((err = tx_product_by_no(a->tx, w->products[i], &product)) != MU_OK)
            return err;
        apply_mistake(&w->entry, "product_keys", "product %s %s", product.product_key,
                      taken ? "belongs to another enterprise"
                            : "has an app together with a product of another enterprise");
    }
    return MU_OK;
}

enum mu_err apply_associations(struct apply *a, const json_t *enterprises, const uint32_t *enterprise_nos)
{
    enum mu_err err = MU_OK;
    size_t count = json_array_size(enterprises);
    struct wanted *wanted = calloc(count + 1, sizeof(*wanted));

    if (!wanted)
        return MU_E_NOMEM;
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = read_wanted(&wanted[i], a, enterprises, i, enterprise_nos[i]);
    /* All associations that end, end before any begins, so that a file may move a product. */
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = drop_unlisted(&wanted[i]);
    for (size_t i = 0; i < count && err == MU_OK; i++) {
        if (wanted[i].enterprise)
            err = add_listed(&wanted[i]);
    }

    for (size_t i = 0; i < count; i++) {
        free(wanted[i].products);
        free(wanted[i].present);
    }
    free(wanted);
    return err;
}
