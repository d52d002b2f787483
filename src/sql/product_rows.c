/* Products and the versions of their definitions. */
#include "sql/sql_registry.h"

#include <assert.h>

void db_row_product(struct db_row *row, void *out)
{
    struct product_row *product = out;

    memset(product, 0, sizeof(*product));
    product->no = col_no(row);
    col_text(row, product->product_key, sizeof(product->product_key));
    col_text(row, product->product_secret, sizeof(product->product_secret));
    col_text(row, product->name, sizeof(product->name));
    product->remote_control = col_int(row) != 0;
    product->registration = (enum registration)col_int(row);
    product->pacing = (enum pacing)col_int(row);
    product->control = (enum control_frames)col_int(row);
    product->definition = col_no(row);
}

const char db_product_by_key[] = "SELECT " PRODUCT_COLUMNS " FROM product p WHERE p.product_key = $1";

enum mu_err tx_product_by_key(struct registry_tx *tx, const char *product_key, struct product_row *out)
{
    return db_get(tx->db, db_product_by_key, DB_VALUES(db_text(product_key)), db_row_product, out);
}

enum mu_err tx_product_by_secret(struct registry_tx *tx, const char *product_secret, uint32_t enterprise,
                                 struct product_row *out)
{
    return db_get(tx->db,
                  "SELECT " PRODUCT_COLUMNS " FROM product p "
                  "LEFT JOIN association s ON s.product = p.no WHERE p.product_secret = $1 "
                  "ORDER BY CASE WHEN s.enterprise = $2 THEN 0 ELSE 1 END, p.no LIMIT 1",
                  DB_VALUES(db_text(product_secret), db_int(enterprise)), db_row_product, out);
}

enum mu_err tx_product_by_no(struct registry_tx *tx, uint32_t no, struct product_row *out)
{
    return db_get(tx->db, "SELECT " PRODUCT_COLUMNS " FROM product p WHERE p.no = $1", DB_VALUES(db_int(no)),
                  db_row_product, out);
}

enum mu_err tx_put_product(struct registry_tx *tx, struct product_row *row)
{
    static const struct db_put put = {
        DB_INSERT("INSERT INTO product (product_key, product_secret, name, remote_control, registration, pacing, "
                  "control) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        .update =
            "UPDATE product SET product_key = $1, product_secret = $2, name = $3, remote_control = $4, registration = $5, "
            "pacing = $6, control = $7 WHERE no = $8",
    };
    enum mu_err err = db_put(tx->db, &put,
                             DB_VALUES(db_text(row->product_key), db_text(row->product_secret), db_text(row->name),
                                       db_int(row->remote_control), db_int(row->registration), db_int(row->pacing),
                                       db_int(row->control)),
                             &row->no);

    return err == MU_OK ? feed_add(tx->db, FEED_PRODUCT, row->no, 0) : err;
}

/* --- definitions ----------------------------------------------------------------------------------*/

static enum mu_err put_in_force(struct db *db, uint32_t product, uint32_t version)
{
    enum mu_err err;

    if ((err = db_run(db, "UPDATE product SET definition = $2 WHERE no = $1",
                      DB_VALUES(db_int(product), db_int(version)))) != MU_OK)
        return err;
    return feed_add(db, FEED_PRODUCT, product, 0);
}

static void append_text(struct db_row *row, void *out)
{
    struct str text = col_str(row);
    buf_append(out, text.at, text.len);
}

enum mu_err tx_definition(struct registry_tx *tx, uint32_t product, uint32_t version, struct buf *out)
{
    enum mu_err err = db_get(tx->db, "SELECT json FROM definition WHERE product = $1 AND version = $2",
                             DB_VALUES(db_int(product), db_int(version)), append_text, out);

    return err == MU_OK ? out->err : err;
}

static enum mu_err same_as_in_force(struct db *db, uint32_t product, uint32_t version, struct str json, bool *same)
{
    int64_t count = 0;
    enum mu_err err = db_int_of(db,
                                "SELECT count(*) FROM definition "
                                "WHERE product = $1 AND version = $2 AND json = $3",
                                DB_VALUES(db_int(product), db_int(version), db_str(json)), &count);
    *same = count != 0;
    return err;
}

enum mu_err tx_put_definition(struct registry_tx *tx, uint32_t product, struct str json, uint32_t *version)
{
    enum mu_err err;
    struct product_row row;
    bool same;
    int64_t next;

    assert(json.len > 0);
    if ((err = tx_product_by_no(tx, product, &row)) != MU_OK ||
        (err = same_as_in_force(tx->db, product, row.definition, json, &same)) != MU_OK)
        return err;
    if (same) {
        *version = row.definition;
        return MU_OK;
    }
    /* After a salvage, a version that may have been lost is not given again, since messages carry versions. */
    if ((err = db_int_of(tx->db,
                         "SELECT max(given) + 1 FROM (SELECT version AS given FROM definition WHERE product = $1 "
                         "UNION ALL SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'last_definition' "
                         "UNION ALL SELECT 0) g",
                         DB_VALUES(db_int(product)), &next)) != MU_OK ||
        (err = db_run(tx->db, "INSERT INTO definition (product, version, json) VALUES ($1, $2, $3)",
                      DB_VALUES(db_int(product), db_int(next), db_str(json)))) != MU_OK ||
        (err = feed_add(tx->db, FEED_DEFINITION, product, (uint32_t)next)) != MU_OK)
        return err;
    *version = (uint32_t)next;
    return put_in_force(tx->db, product, *version);
}

enum mu_err tx_clear_definition(struct registry_tx *tx, uint32_t product)
{
    enum mu_err err;
    struct product_row row;

    if ((err = tx_product_by_no(tx, product, &row)) != MU_OK || row.definition == 0)
        return err;
    return put_in_force(tx->db, product, 0);
}
