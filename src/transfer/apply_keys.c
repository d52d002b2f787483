/* Finds which things an entry is about: the products that it lists, and whether another entry is about the same
 * thing. */
#include <assert.h>
#include <stdlib.h>

#include "transfer/apply_entry.h"

#include "base/array.h"

/* --- products by their keys -----------------------------------------------------------------------*/

bool apply_has_number(const uint32_t *numbers, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

enum mu_err apply_product_keys(const struct apply_entry *e, enum given *given, uint32_t **products, size_t *count)
{
    const json_t *list = apply_given_json(e, "product_keys");
    struct product_row product;

    *products = NULL;
    *count = 0;
    *given = list ? GIVEN_WELL : GIVEN_NOT;
    if (!list || json_is_null(list))
        return MU_OK;
    if (!json_is_array(list)) {
        apply_mistake(e, "product_keys", "must be a list");
        *given = GIVEN_WRONG;
        return MU_OK;
    }
    if (!(*products = calloc(json_array_size(list) + 1, sizeof(**products))))
        return MU_E_NOMEM;

    for (size_t i = 0; i < json_array_size(list); i++) {
        char field[40];
        const char *key = json_string_value(json_array_get(list, i));
        enum mu_err err = key ? tx_product_by_key(e->apply->tx, key, &product) : MU_E_NOT_FOUND;

        snprintf(field, sizeof(field), "product_keys[%zu]", i);
        if (err != MU_OK && err != MU_E_NOT_FOUND)
            return err;
        if (err == MU_E_NOT_FOUND)
            apply_mistake(e, field, "there is no such product");
        else if (apply_has_number(*products, *count, product.no))
            apply_mistake(e, field, "the product is listed twice");
        else
            (*products)[(*count)++] = product.no;
    }
    qsort(*products, *count, sizeof(**products), compare_numbers);
    return MU_OK;
}

/* --- entries that mean the same thing -------------------------------------------------------------*/

bool apply_seen(const struct apply_entry *e, uint32_t no)
{
    const struct apply_seen *seen = &e->apply->seen;
    return no / 8 < seen->size && (seen->bits[no / 8] & 1u << no % 8);
}

enum mu_err apply_see(const struct apply_entry *e, uint32_t no)
{
    struct apply_seen *seen = &e->apply->seen;
    size_t byte = no / 8;

    assert(no > 0);
    e->apply->no = no;
    uint8_t bit = (uint8_t)(1u << no % 8);

    if (!ARRAY_RESERVE_ZERO(seen->bits, seen->size, byte + 1))
        return MU_E_NOMEM;
    if (seen->bits[byte] & bit)
        apply_mistake(e, "",
                      e->apply->rows ? "an earlier line is about the same one"
                                     : "an earlier entry of the list is the same one");
    seen->bits[byte] |= bit;
    return MU_OK;
}
