/* Bindings, and what is kept of a user and a product. */
#include "sql/sql_registry.h"

#include <assert.h>

static void read_binding(struct db_row *row, void *out)
{
    struct binding_row *binding = out;

    memset(binding, 0, sizeof(*binding));
    binding->no = col_no(row);
    binding->device = col_no(row);
    binding->user = col_no(row);
    binding->app = col_no(row);
    binding->is_owner = col_int(row) != 0;
    binding->since = col_int(row);
    binding->until = col_int(row);
}

#define BINDING_WHERE "SELECT no, device, \"user\", app, is_owner, since, until FROM binding WHERE "
#define BOUND_NOW     BINDING_WHERE "until IS NULL AND "
/* The same by the device. PostgreSQL must not take the index of those who are bound now, which begins with the user: of a
 * table that has grown since it was analyzed it finds that index cheap, and reads all of it. */
#define BOUND_OF "coalesce(until, 0) = 0 AND device = "

enum mu_err tx_binding_now(struct registry_tx *tx, uint32_t user, uint32_t device, struct binding_row *out)
{
    return db_get(tx->db, BOUND_NOW "\"user\" = $1 AND device = $2", DB_VALUES(db_int(user), db_int(device)),
                  read_binding, out);
}

enum mu_err tx_owner_binding(struct registry_tx *tx, uint32_t device, struct binding_row *out)
{
    return db_get(tx->db, BINDING_WHERE BOUND_OF "$1 AND is_owner = 1 LIMIT 1", DB_VALUES(db_int(device)), read_binding,
                  out);
}

enum mu_err tx_oldest_binding(struct registry_tx *tx, uint32_t device, struct binding_row *out)
{
    return db_get(tx->db, BINDING_WHERE BOUND_OF "$1 ORDER BY since, no LIMIT 1", DB_VALUES(db_int(device)),
                  read_binding, out);
}

enum mu_err tx_bindings_now(struct registry_tx *tx, uint32_t user, uint32_t device, uint32_t **bindings, size_t *count)
{
    assert(!user || !device);
    if (user)
        return db_numbers(tx->db,
                          "SELECT no FROM binding WHERE \"user\" = $1 AND until IS NULL "
                          "ORDER BY since, no",
                          DB_VALUES(db_int(user)), bindings, count);
    return db_numbers(tx->db, "SELECT no FROM binding WHERE " BOUND_OF "$1 ORDER BY since, no",
                      DB_VALUES(db_int(device)), bindings, count);
}

enum mu_err tx_binding_by_no(struct registry_tx *tx, uint32_t no, struct binding_row *out)
{
    return db_get(tx->db, BOUND_NOW "no = $1", DB_VALUES(db_int(no)), read_binding, out);
}

enum mu_err tx_binding_like(struct registry_tx *tx, const struct binding_row *binding, struct binding_row *out)
{
    /* The + keeps SQLite from searching by the user, who may have thousands of bindings. */
    return db_get(tx->db,
                  BINDING_WHERE "device = $1 AND +\"user\" = $2 AND "
                                "((since = $3 AND coalesce(until, 0) = $4) OR (coalesce(until, $5) > since AND "
                                "coalesce(until, $5) > $3 AND since < CASE WHEN $4 = 0 THEN $5 ELSE $4 END)) ORDER BY "
                                "CASE WHEN since <> $3 THEN 2 WHEN coalesce(until, 0) <> $4 THEN 1 ELSE 0 END LIMIT 1",
                  DB_VALUES(db_int(binding->device), db_int(binding->user), db_int(binding->since),
                            db_int(binding->until), db_int(INT64_MAX)),
                  read_binding, out);
}

#define EARLIER                                                                                          \
    "first_bound = CASE WHEN excluded.first_bound < product_user.first_bound THEN excluded.first_bound " \
    "ELSE product_user.first_bound END"

enum mu_err tx_note_first_bound(struct registry_tx *tx, uint32_t product, uint32_t user, int64_t since)
{
    enum mu_err err = db_run(tx->db,
                             "INSERT INTO product_user (product, \"user\", first_bound, devices) "
                             "VALUES ($1, $2, $3, 0) ON CONFLICT (product, \"user\") DO UPDATE SET " EARLIER,
                             DB_VALUES(db_int(product), db_int(user), db_int(since)));

    return err == MU_OK ? feed_add(tx->db, FEED_FIRST_BOUND, product, user) : err;
}

enum mu_err tx_bind(struct registry_tx *tx, struct binding_row *row)
{
    static const struct db_put put = {
        DB_INSERT("INSERT INTO binding (device, \"user\", app, is_owner, since, until) "
                  "VALUES ($1, $2, $3, $4, $5, $6)"),
    };

    assert(!row->no && (!row->until || row->until >= row->since));
    enum mu_err err = db_put(tx->db, &put,
                             DB_VALUES(db_int(row->device), db_int(row->user), db_int(row->app), db_int(row->is_owner),
                                       db_int(row->since), row->until ? db_int(row->until) : db_ref(0)),
                             &row->no);

    if (err != MU_OK)
        return err;
    err = db_run_along(
        tx->db,
        "INSERT INTO product_user (product, \"user\", first_bound, devices) "
        "SELECT product, $2, $3, $4 FROM device WHERE no = $1 ON CONFLICT (product, \"user\") DO UPDATE SET " EARLIER
        ", devices = product_user.devices + excluded.devices",
        DB_VALUES(db_int(row->device), db_int(row->user), db_int(row->since), db_int(row->until == 0)));
    if (err == MU_OK)
        err = db_run_along(tx->db,
                           "INSERT INTO change (kind, no, other) "
                           "SELECT $1, product, $3 FROM device WHERE no = $2",
                           DB_VALUES(db_int(FEED_FIRST_BOUND), db_int(row->device), db_int(row->user)));
    return err == MU_OK ? feed_add(tx->db, FEED_BINDING, row->no, 0) : err;
}

enum mu_err tx_unbind(struct registry_tx *tx, uint32_t no, int64_t until)
{
    enum mu_err err = db_run(tx->db, "UPDATE binding SET until = $2 WHERE no = $1 AND until IS NULL",
                             DB_VALUES(db_int(no), db_int(until)));

    if (err == MU_OK && db_changes(tx->db) == 0)
        return MU_E_NOT_FOUND;
    if (err != MU_OK)
        return err;
    err = db_run(tx->db,
                 "UPDATE product_user SET devices = devices - 1 WHERE (product, \"user\") = "
                 "(SELECT d.product, b.user FROM binding b JOIN device d ON d.no = b.device "
                 "WHERE b.no = $1)",
                 DB_VALUES(db_int(no)));
    return err == MU_OK ? feed_add(tx->db, FEED_BINDING, no, 0) : err;
}

enum mu_err tx_set_owner(struct registry_tx *tx, uint32_t no)
{
    return db_run_along(tx->db,
                        "UPDATE binding SET is_owner = 1 - is_owner WHERE "
                        "is_owner <> CASE WHEN no = $1 THEN 1 ELSE 0 END "
                        "AND " BOUND_OF "(SELECT device FROM binding WHERE no = $1)",
                        DB_VALUES(db_int(no)));
}

enum mu_err tx_first_bound(struct registry_tx *tx, uint32_t product, uint32_t user, int64_t *since)
{
    return db_int_of(tx->db, "SELECT first_bound FROM product_user WHERE product = $1 AND \"user\" = $2",
                     DB_VALUES(db_int(product), db_int(user)), since);
}
