/* Groups of devices, and their places in the tree of their product. */
#include "transfer/apply_entry.h"

static const struct apply_field fields[] = {
    OTHER_FIELD("gid"),
    OTHER_FIELD("product_key"),
    OWN_FIELD("parent_gid", group_row, parent),
};
const struct apply_field_list apply_group_fields = FIELD_LIST(fields);

/* Reads the product of a group. An existing group stays in its product. */
static enum mu_err read_product(const struct apply_entry *e, struct group_row *row)
{
    struct product_row product;
    enum given given;
    enum mu_err err = apply_reference(e, "product_key", "product", tx_product_by_key, &given, &product);

    if (given == GIVEN_NOT && !row->no)
        apply_mistake(e, "product_key", "missing");
    if (err != MU_OK || given != GIVEN_WELL)
        return err;
    if (row->no && row->product != product.no)
        apply_mistake(e, "product_key", "it is a group of another product");
    row->product = product.no;
    return MU_OK;
}

static enum mu_err read_parent(const struct apply_entry *e, struct group_row *row)
{
    struct group_row other;
    enum given given = GIVEN_NOT;
    enum mu_err err = MU_OK;

    if (!apply_is_null(e, "parent_gid"))
        err = apply_reference(e, "parent_gid", "group", tx_group_by_gid, &given, &other);
    else
        row->parent = 0;
    if (err != MU_OK || given == GIVEN_WRONG)
        return err;
    if (given == GIVEN_WELL) {
        row->parent = other.no;
        if (other.product != row->product)
            apply_mistake(e, "parent_gid", "it is a group of another product");
    } else if (row->parent == 0 && row->product) {
        err = tx_root_group(e->apply->tx, row->product, &other);
        if (err == MU_OK && other.no != row->no)
            apply_mistake(e, "parent_gid", "missing; the product's root is %s", other.gid);
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    }
    return MU_OK;
}

enum mu_err apply_group(const struct apply_entry *e)
{
    struct group_row row = { 0 }, before;
    unsigned mistakes = e->apply->mistakes;
    enum given key;
    enum mu_err err = apply_find(e, "gid", "group", tx_group_by_gid, row.gid, &key, &row);

    if (err != MU_OK)
        return err;
    memcpy(&before, &row, sizeof(row));
    apply_fields(e, fields, apply_group_fields.count, &row, &row);
    if ((err = read_product(e, &row)) != MU_OK || (err = read_parent(e, &row)) != MU_OK ||
        (row.no && (err = apply_see(e, row.no)) != MU_OK))
        return err;
    if (e->apply->mistakes != mistakes)
        return MU_OK;

    const struct apply_change change = APPLY_CHANGE(KIND_GROUP, row.gid, &before, &row);
    if (apply_differs(&change))
        err = tx_put_group(e->apply->tx, &row);
    if (err == MU_E_VALUE) {
        apply_mistake(e, "parent_gid", "it is the group itself, or below it");
        return MU_OK;
    }
    if (err == MU_E_LIMIT) {
        apply_mistake(e, "parent_gid", "there would be more than %d levels of groups", LIMIT_GROUP_LEVELS);
        return MU_OK;
    }
    if (err != MU_OK || (err = apply_count(e, &change)) != MU_OK)
        return err;
    return before.no ? MU_OK : apply_see(e, row.no);
}
