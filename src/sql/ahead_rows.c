/* What many rows of an import will read, asked for all at once, and the numbers of the rows that they will make. */
#include <assert.h>
#include <stdlib.h>

#include "registry/apply_rows.h"
#include "sql/sql_registry.h"

bool tx_can_look_ahead(const struct registry_tx *tx)
{
    return !db_is_sqlite(tx->db);
}

void tx_end_ahead(struct registry_tx *tx)
{
    tx->ahead = NULL;
    db_forget_ahead(tx->db);
}

/* What the ids find. */
static enum mu_err ask_ids(struct db *db, const struct row_names *row)
{
    const struct {
        const char *sql, *id;
    } all[] = {
        { db_product_by_key, row->product_key }, { db_app_by_id, row->appid },   { db_user_by_uid, row->uid },
        { db_group_by_gid, row->gid },           { db_device_by_did, row->did },
    };
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < sizeof(all) / sizeof(*all) && err == MU_OK; i++) {
        if (all[i].id)
            err = db_ahead(db, all[i].sql, DB_VALUES(db_text(all[i].id)));
    }
    return err;
}

/* Whether a row makes a device or a user. What that needs is read ahead already. */
static enum mu_err is_new(struct registry_tx *tx, const struct row_names *row, uint32_t product, bool *is_new)
{
    struct device_row device;
    struct user_row user;
    enum mu_err err = MU_OK;

    if (tx->ahead->makes == MAKES_USERS)
        err = tx_user_by_uid(tx, row->uid, &user);
    else if (tx->ahead->makes == MAKES_DEVICES)
        err = row->did ? tx_device_by_did(tx, row->did, &device) : tx_device_by_mac(tx, product, row->mac, &device);
    *is_new = err == MU_E_NOT_FOUND;
    return *is_new ? MU_OK : err;
}

/* What is found by the number of the product. */
static enum mu_err ask_of_product(struct registry_tx *tx, const struct row_names *row)
{
    struct product_row product;
    enum mu_err err = row->product_key ? tx_product_by_key(tx, row->product_key, &product) : MU_E_NOT_FOUND;

    if (err == MU_OK)
        err = db_ahead(tx->db, db_root_group, DB_VALUES(db_int(product.no)));
    if (err != MU_OK || !row->mac)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    const struct db_value mac[] = { db_int(product.no), db_text(row->mac) };
    if (!row->did)
        err = db_ahead(tx->db, db_device_by_mac, mac, 2);
    if (err != MU_OK || tx->ahead->makes != MAKES_DEVICES ||
        (err = db_ahead(tx->db, db_devices_of_mac, mac, 2)) != MU_OK)
        return err;
    return row->gid ? MU_OK : db_ahead(tx->db, db_group_of_mac, mac, 2);
}

/* --- numbers --------------------------------------------------------------------------------------*/

static enum mu_err reserve(struct registry_tx *tx, size_t wanted)
{
    struct tx_ahead *a = tx->ahead;
    size_t count = 0, left = a->count - a->next;
    uint32_t *numbers = NULL;
    enum mu_err err;

    if (wanted <= left)
        return MU_OK;
    err =
        db_numbers(tx->db,
                   a->makes == MAKES_USERS
                       ? "SELECT nextval(pg_get_serial_sequence('\"user\"', 'no')) FROM generate_series(1, $1::bigint)"
                       : "SELECT nextval(pg_get_serial_sequence('device', 'no')) FROM generate_series(1, $1::bigint)",
                   DB_VALUES(db_int((int64_t)(wanted - left))), &numbers, &count);
    assert(left + count <= AHEAD_ROWS);
    memmove(a->numbers, a->numbers + a->next, left * sizeof(*a->numbers));
    if (count)
        memcpy(a->numbers + left, numbers, count * sizeof(*numbers));
    a->next = 0;
    a->count = left + count;
    free(numbers);
    return err;
}

uint32_t tx_reserved_number(struct registry_tx *tx, enum ahead_makes kind)
{
    struct tx_ahead *a = tx->ahead;

    return a && a->makes == kind && a->next < a->count ? a->numbers[a->next++] : 0;
}

/* --- all of it ------------------------------------------------------------------------------------*/

enum mu_err tx_look_ahead(struct registry_tx *tx, struct tx_ahead *ahead, const struct row_names *rows, size_t count)
{
    size_t made = 0;
    enum mu_err err = MU_OK;

    assert(tx_can_look_ahead(tx) && count <= AHEAD_ROWS);
    db_forget_ahead(tx->db);
    tx->ahead = ahead;
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = ask_ids(tx->db, &rows[i]);
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = ask_of_product(tx, &rows[i]);
    for (size_t i = 0; i < count && err == MU_OK; i++) {
        struct product_row product = { 0 };
        bool makes = false;
        if (rows[i].product_key && (err = tx_product_by_key(tx, rows[i].product_key, &product)) == MU_E_NOT_FOUND)
            err = MU_OK;
        if (err == MU_OK)
            err = is_new(tx, &rows[i], product.no, &makes);
        made += makes;
    }
    return err == MU_OK ? reserve(tx, made) : err;
}
