/* What looks like what an entry is about to make. */
#include "registry/apply_rows.h"
#include "registry/sqlite_registry.h"

static enum mu_err find(struct db *db, const char *sql, const struct db_value *values, size_t count, uint32_t *no,
                        char id[ID_HEX_LEN + 1])
{
    struct db_row row = { 0 };
    enum mu_err err;

    if ((err = db_query(db, sql, values, count, &row.statement)) != MU_OK ||
        (err = db_next(db, row.statement)) != MU_OK)
        return err;
    *no = col_no(&row);
    col_text(&row, id, ID_HEX_LEN + 1);
    sqlite3_reset(row.statement);
    return MU_OK;
}

enum mu_err tx_named(struct registry_tx *tx, enum registry_kind kind, const char *name, uint32_t *no,
                     char id[ID_HEX_LEN + 1])
{
    switch (kind) {
    case KIND_ENTERPRISE:
        return find(tx->db, "SELECT no, enterprise_id FROM enterprise WHERE name = ?1 ORDER BY no LIMIT 1",
                    DB_VALUES(db_text(name)), no, id);
    case KIND_PRODUCT:
        return find(tx->db, "SELECT no, product_key FROM product WHERE name = ?1 ORDER BY no LIMIT 1",
                    DB_VALUES(db_text(name)), no, id);
    case KIND_APP:
        return find(tx->db, "SELECT no, appid FROM app WHERE name = ?1 ORDER BY no LIMIT 1", DB_VALUES(db_text(name)),
                    no, id);
    case KIND_DEVICE:
    case KIND_GROUP:
    case KIND_USER: break;
    }
    return MU_E_NOT_FOUND;
}

enum mu_err tx_user_like(struct registry_tx *tx, uint32_t app, enum user_login by, const char *text,
                         char uid[ID_HEX_LEN + 1])
{
    /* Each has an index of those that are set. */
    static const char *const sql[] = {
        "SELECT no, uid FROM user WHERE username = ?1 AND username <> '' AND app = ?2 ORDER BY no LIMIT 1",
        "SELECT no, uid FROM user WHERE phone = ?1 AND phone <> '' AND app = ?2 ORDER BY no LIMIT 1",
        "SELECT no, uid FROM user WHERE email = ?1 AND email <> '' AND app = ?2 ORDER BY no LIMIT 1",
    };

    uint32_t no;

    return find(tx->db, sql[by], DB_VALUES(db_text(text), db_int(app)), &no, uid);
}

#define HEX    "[0-9a-f]"
#define HEX_12 HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX HEX

enum mu_err tx_has_plain_mac(struct registry_tx *tx, uint32_t product, bool *has)
{
    int64_t found = 0;
    enum mu_err err = db_int_of(tx->db,
                                "SELECT EXISTS (SELECT 1 FROM device WHERE product = ?1 "
                                "AND mac GLOB '" HEX_12 "' AND mac GLOB '*[a-f]*')",
                                DB_VALUES(db_int(product)), &found);

    *has = found != 0;
    return err;
}
