/* Finds existing things that look like the one that an entry would make. */
#include <assert.h>

#include "registry/apply_rows.h"
#include "sql/sql_registry.h"

struct named {
    uint32_t no;
    char id[ID_HEX_LEN + 1];
};

static void read_named(struct db_row *row, void *out)
{
    struct named *named = out;

    named->no = col_no(row);
    col_text(row, named->id, sizeof(named->id));
}

enum mu_err tx_named(struct registry_tx *tx, enum registry_kind kind, const char *name, uint32_t *no,
                     char id[ID_HEX_LEN + 1])
{
    static const char *const sql[] = {
        [KIND_ENTERPRISE] = "SELECT no, enterprise_id FROM enterprise WHERE name = $1 ORDER BY no LIMIT 1",
        [KIND_PRODUCT] = "SELECT no, product_key FROM product WHERE name = $1 ORDER BY no LIMIT 1",
        [KIND_APP] = "SELECT no, appid FROM app WHERE name = $1 ORDER BY no LIMIT 1",
    };
    struct named named;

    assert(kind <= KIND_APP);
    enum mu_err err = db_get(tx->db, sql[kind], DB_VALUES(db_text(name)), read_named, &named);

    if (err != MU_OK)
        return err;
    *no = named.no;
    memcpy(id, named.id, sizeof(named.id));
    return MU_OK;
}

enum mu_err tx_user_like(struct registry_tx *tx, uint32_t app, enum user_login by, const char *text,
                         char uid[ID_HEX_LEN + 1])
{
    /* Each field has an index of the users that have it. The condition <> '' lets SQLite use it. */
    static const char *const sql[] = {
        "SELECT uid FROM \"user\" WHERE username = $1 AND username <> '' AND app = $2 ORDER BY no LIMIT 1",
        "SELECT uid FROM \"user\" WHERE phone = $1 AND phone <> '' AND app = $2 ORDER BY no LIMIT 1",
        "SELECT uid FROM \"user\" WHERE email = $1 AND email <> '' AND app = $2 ORDER BY no LIMIT 1",
    };

    assert(by < sizeof(sql) / sizeof(*sql));
    return db_text_of(tx->db, sql[by], DB_VALUES(db_text(text), db_int(app)), uid, ID_HEX_LEN + 1);
}

enum mu_err tx_has_plain_mac(struct registry_tx *tx, uint32_t product, bool *has)
{
    int64_t found = 0;
    enum mu_err err =
        db_int_of(tx->db,
                  "SELECT EXISTS (SELECT 1 FROM device WHERE product = $1 "
                  "AND length(mac) = 12 AND ltrim(mac, '0123456789abcdef') = '' AND ltrim(mac, '0123456789') <> '')",
                  DB_VALUES(db_int(product)), &found);

    *has = found != 0;
    return err;
}
