/* Enterprises, their products, and the tokens given to them. */
#include "sql/sql_registry.h"

#include <assert.h>

/* --- enterprises ----------------------------------------------------------------------------------*/

enum { CIDR_SIZE = sizeof(((struct ip_addr *)0)->bytes) + 1 };

void db_row_enterprise(struct db_row *row, void *out)
{
    struct enterprise_row *enterprise = out;

    memset(enterprise, 0, sizeof(*enterprise));
    enterprise->no = col_no(row);
    col_text(row, enterprise->enterprise_id, sizeof(enterprise->enterprise_id));
    col_bytes(row, enterprise->secret_salt, sizeof(enterprise->secret_salt));
    col_bytes(row, enterprise->secret_hash, sizeof(enterprise->secret_hash));
    col_text(row, enterprise->name, sizeof(enterprise->name));
    enterprise->hourly_quota = col_no(row);
    enterprise->secret_required = col_int(row) != 0;

    struct str nets = col_str(row);
    while (nets.len >= CIDR_SIZE && enterprise->ip_allow_count < ENTERPRISE_IP_ALLOW_MAX) {
        struct cidr *net = &enterprise->ip_allow[enterprise->ip_allow_count++];
        memcpy(net->net.bytes, nets.at, CIDR_SIZE - 1);
        net->bits = (uint8_t)nets.at[CIDR_SIZE - 1];
        nets.at += CIDR_SIZE;
        nets.len -= CIDR_SIZE;
    }
}

enum mu_err tx_enterprise_by_id(struct registry_tx *tx, const char *enterprise_id, struct enterprise_row *out)
{
    return db_get(tx->db,
                  "SELECT " ENTERPRISE_COLUMNS " FROM enterprise e "
                  "WHERE e.enterprise_id = $1",
                  DB_VALUES(db_text(enterprise_id)), db_row_enterprise, out);
}

enum mu_err tx_enterprise_by_no(struct registry_tx *tx, uint32_t no, struct enterprise_row *out)
{
    return db_get(tx->db, "SELECT " ENTERPRISE_COLUMNS " FROM enterprise e WHERE e.no = $1", DB_VALUES(db_int(no)),
                  db_row_enterprise, out);
}

enum mu_err tx_put_enterprise(struct registry_tx *tx, struct enterprise_row *row)
{
    static const struct db_put put = {
        DB_INSERT("INSERT INTO enterprise (enterprise_id, secret_salt, secret_hash, name, hourly_quota, "
                  "secret_required, ip_allow) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        .update =
            "UPDATE enterprise SET enterprise_id = $1, secret_salt = $2, secret_hash = $3, name = $4, hourly_quota = $5, "
            "secret_required = $6, ip_allow = $7 WHERE no = $8",
    };
    enum mu_err err;
    uint8_t nets[ENTERPRISE_IP_ALLOW_MAX * CIDR_SIZE];

    assert(row->ip_allow_count <= ENTERPRISE_IP_ALLOW_MAX);
    for (uint32_t i = 0; i < row->ip_allow_count; i++) {
        memcpy(&nets[i * CIDR_SIZE], row->ip_allow[i].net.bytes, CIDR_SIZE - 1);
        nets[i * CIDR_SIZE + CIDR_SIZE - 1] = row->ip_allow[i].bits;
    }
    err = db_put(tx->db, &put,
                 DB_VALUES(db_text(row->enterprise_id), db_blob(row->secret_salt, sizeof(row->secret_salt)),
                           db_blob(row->secret_hash, sizeof(row->secret_hash)), db_text(row->name),
                           db_int(row->hourly_quota), db_int(row->secret_required),
                           db_blob(nets, row->ip_allow_count * CIDR_SIZE)),
                 &row->no);
    return err == MU_OK ? feed_add(tx->db, FEED_ENTERPRISE, row->no, 0) : err;
}

/* --- associations ---------------------------------------------------------------------------------*/

enum mu_err tx_product_enterprise(struct registry_tx *tx, uint32_t product, uint32_t *enterprise)
{
    int64_t no = 0;
    enum mu_err err =
        db_int_of(tx->db, "SELECT enterprise FROM association WHERE product = $1", DB_VALUES(db_int(product)), &no);
    *enterprise = (uint32_t)no;
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err tx_enterprise_products(struct registry_tx *tx, uint32_t enterprise, uint32_t **products, size_t *count)
{
    return db_numbers(tx->db, "SELECT product FROM association WHERE enterprise = $1 ORDER BY product",
                      DB_VALUES(db_int(enterprise)), products, count);
}

/* An app's enterprise follows from its products, so their apps have changed, too. */
static enum mu_err apps_changed(struct db *db, uint32_t product)
{
    return db_run(db,
                  "INSERT INTO change (kind, no, other) "
                  "SELECT $1, app, 0 FROM app_product WHERE product = $2",
                  DB_VALUES(db_int(FEED_APP), db_int(product)));
}

enum mu_err tx_associate(struct registry_tx *tx, uint32_t enterprise, uint32_t product)
{
    enum mu_err err;
    uint32_t present;
    int64_t foreign;

    if ((err = tx_product_enterprise(tx, product, &present)) != MU_OK)
        return err;
    if (present != 0)
        return present == enterprise ? MU_OK : MU_E_EXISTS;

    if ((err = db_int_of(tx->db,
                         "SELECT count(*) FROM app_product mine "
                         "JOIN app_product beside ON beside.app = mine.app "
                         "JOIN association s ON s.product = beside.product "
                         "WHERE mine.product = $1 AND s.enterprise <> $2",
                         DB_VALUES(db_int(product), db_int(enterprise)), &foreign)) != MU_OK)
        return err;
    if (foreign != 0)
        return MU_E_VALUE;

    if ((err = db_run(tx->db, "INSERT INTO association (product, enterprise) VALUES ($1, $2)",
                      DB_VALUES(db_int(product), db_int(enterprise)))) != MU_OK ||
        (err = feed_add(tx->db, FEED_ASSOCIATION, product, enterprise)) != MU_OK)
        return err;
    return apps_changed(tx->db, product);
}

enum mu_err tx_delete_tokens(struct registry_tx *tx, uint32_t enterprise, uint32_t product, uint64_t *deleted)
{
    enum mu_err err;

    if ((err = db_run(tx->db,
                      "INSERT INTO change (kind, no, other, hash) SELECT $1, 0, 0, hash FROM token "
                      "WHERE ($2 = 0 OR enterprise = $2) AND ($3 = 0 OR product = $3)",
                      DB_VALUES(db_int(FEED_TOKEN), db_int(enterprise), db_int(product)))) != MU_OK ||
        (err = db_run(tx->db,
                      "DELETE FROM token "
                      "WHERE ($1 = 0 OR enterprise = $1) AND ($2 = 0 OR product = $2)",
                      DB_VALUES(db_int(enterprise), db_int(product)))) != MU_OK)
        return err;
    *deleted = db_changes(tx->db);
    return MU_OK;
}

enum mu_err tx_dissociate(struct registry_tx *tx, uint32_t enterprise, uint32_t product)
{
    enum mu_err err;
    uint64_t tokens;

    if ((err = db_run(tx->db, "DELETE FROM association WHERE product = $1 AND enterprise = $2",
                      DB_VALUES(db_int(product), db_int(enterprise)))) != MU_OK)
        return err;
    if (db_changes(tx->db) == 0)
        return MU_E_NOT_FOUND;
    if ((err = feed_add(tx->db, FEED_ASSOCIATION, product, enterprise)) != MU_OK ||
        (err = apps_changed(tx->db, product)) != MU_OK)
        return err;
    return tx_delete_tokens(tx, enterprise, product, &tokens);
}

/* --- tokens ---------------------------------------------------------------------------------------*/

enum mu_err tx_put_token(struct registry_tx *tx, const struct token_row *row)
{
    enum mu_err err;

    if ((err = db_run(tx->db,
                      "INSERT INTO token (hash, enterprise, product, expires_at) "
                      "VALUES ($1, $2, $3, $4)",
                      DB_VALUES(db_blob(row->hash, sizeof(row->hash)), db_int(row->enterprise), db_int(row->product),
                                db_int(row->expires_at)))) != MU_OK)
        return err;
    return db_run(tx->db, "INSERT INTO change (kind, no, other, hash) VALUES ($1, 0, 0, $2)",
                  DB_VALUES(db_int(FEED_TOKEN), db_blob(row->hash, sizeof(row->hash))));
}

struct token_expiry {
    int64_t now_s;
    uint32_t *deleted;
};

static enum mu_err delete_expired(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct token_expiry *expiry = arg;

    if ((err = db_run(tx->db,
                      "INSERT INTO change (kind, no, other, hash) "
                      "SELECT $1, 0, 0, hash FROM token WHERE expires_at <= $2",
                      DB_VALUES(db_int(FEED_TOKEN), db_int(expiry->now_s)))) != MU_OK ||
        (err = db_run(tx->db, "DELETE FROM token WHERE expires_at <= $1", DB_VALUES(db_int(expiry->now_s)))) != MU_OK)
        return err;
    *expiry->deleted = (uint32_t)db_changes(tx->db);
    return MU_OK;
}

enum mu_err registry_delete_expired_tokens(struct registry *reg, int64_t now_s, uint32_t *deleted)
{
    *deleted = 0;
    return registry_write(reg, delete_expired, &(struct token_expiry){ now_s, deleted });
}
