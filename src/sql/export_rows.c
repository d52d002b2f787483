/* Reads the rows for an export. */
#include <assert.h>
#include <stdlib.h>

#include "registry/export_rows.h"
#include "sql/sql_registry.h"

enum mu_err tx_export_numbers(struct registry_tx *tx, enum registry_kind kind, const struct export_slice *slice,
                              uint32_t **numbers, size_t *count)
{
    assert(slice->limit > 0);
    *numbers = NULL;
    *count = 0;
    switch (kind) {
    case KIND_USER:
        return db_numbers(tx->db,
                          "SELECT no FROM \"user\" WHERE no > $1 AND ($2 = 0 OR app IN "
                          "(SELECT app FROM app_product WHERE product = $2)) ORDER BY no LIMIT $3",
                          DB_VALUES(db_int(slice->after), db_int(slice->product), db_int((int64_t)slice->limit)),
                          numbers, count);
    case KIND_DEVICE:
        return db_numbers(tx->db,
                          "SELECT no FROM device WHERE no > $1 AND ($2 = 0 OR product = $2) "
                          "ORDER BY no LIMIT $3",
                          DB_VALUES(db_int(slice->after), db_int(slice->product), db_int((int64_t)slice->limit)),
                          numbers, count);
    case KIND_GROUP:
        return db_numbers(tx->db,
                          "WITH RECURSIVE tree (no, depth) AS ("
                          "SELECT no, 0 FROM device_group WHERE parent IS NULL AND ($1 = 0 OR product = $1) "
                          "UNION ALL SELECT g.no, depth + 1 FROM tree JOIN device_group g "
                          "ON g.parent = tree.no) SELECT no FROM tree ORDER BY depth, no",
                          DB_VALUES(db_int(slice->product)), numbers, count);
    case KIND_ENTERPRISE:
        return db_numbers(tx->db, "SELECT no FROM enterprise WHERE no > $1 ORDER BY no LIMIT $2",
                          DB_VALUES(db_int(slice->after), db_int((int64_t)slice->limit)), numbers, count);
    case KIND_PRODUCT:
        return db_numbers(tx->db, "SELECT no FROM product WHERE no > $1 ORDER BY no LIMIT $2",
                          DB_VALUES(db_int(slice->after), db_int((int64_t)slice->limit)), numbers, count);
    case KIND_APP:
        return db_numbers(tx->db, "SELECT no FROM app WHERE no > $1 ORDER BY no LIMIT $2",
                          DB_VALUES(db_int(slice->after), db_int((int64_t)slice->limit)), numbers, count);
    }
    return MU_OK;
}

enum mu_err tx_ahead(struct registry_tx *tx, enum registry_kind kind, const uint32_t *numbers, size_t count, size_t at)
{
    static const char *const sql[] = {
        [KIND_USER] = db_user_by_no, [KIND_DEVICE] = db_device_by_no, [KIND_GROUP] = db_group_by_no
    };

    assert(at < count && (size_t)kind < sizeof(sql) / sizeof(*sql) && sql[kind]);
    enum mu_err err = MU_OK;
    if (at % DB_AHEAD != 0)
        return MU_OK;
    db_forget_ahead(tx->db);
    for (size_t i = at; i < count && i < at + DB_AHEAD && err == MU_OK; i++)
        err = db_ahead(tx->db, sql[kind], DB_VALUES(db_int(numbers[i])));
    return err;
}

enum mu_err tx_appid(struct registry_tx *tx, uint32_t app, char appid[ID_HEX_LEN + 1])
{
    return db_text_of(tx->db, "SELECT appid FROM app WHERE no = $1", DB_VALUES(db_int(app)), appid, ID_HEX_LEN + 1);
}

struct bindings_export {
    export_binding_fn fn;
    void *ctx;
    uint64_t count;
    uint32_t last;
};

static enum mu_err give_binding(void *ctx, struct db_row *row)
{
    struct bindings_export *ex = ctx;
    struct export_binding binding;

    ex->count++;
    ex->last = col_no(row);
    col_text(row, binding.uid, sizeof(binding.uid));
    col_text(row, binding.appid, sizeof(binding.appid));
    col_text(row, binding.product_key, sizeof(binding.product_key));
    col_text(row, binding.mac, sizeof(binding.mac));
    col_text(row, binding.did, sizeof(binding.did));
    binding.since = col_int(row);
    binding.ended = !col_is_null(row);
    binding.until = col_int(row);
    binding.is_owner = col_int(row) != 0;
    return ex->fn(ex->ctx, &binding);
}

enum mu_err tx_export_bindings(struct registry_tx *tx, const struct export_slice *slice, export_binding_fn fn,
                               void *ctx, uint32_t *last)
{
    struct bindings_export ex = { .fn = fn, .ctx = ctx };
    enum mu_err err = db_each(tx->db,
                              "SELECT b.no, u.uid, a.appid, p.product_key, d.mac, d.did, b.since, b.until, b.is_owner "
                              "FROM binding b JOIN \"user\" u ON u.no = b.\"user\" JOIN app a ON a.no = u.app "
                              "JOIN device d ON d.no = b.device JOIN product p ON p.no = d.product "
                              "WHERE b.no > $1 AND ($2 = 0 OR d.product = $2) ORDER BY b.no LIMIT $3",
                              DB_VALUES(db_int(slice->after), db_int(slice->product), db_int((int64_t)slice->limit)),
                              give_binding, &ex);

    assert(ex.count <= slice->limit);
    *last = ex.count == slice->limit ? ex.last : 0;
    return err;
}

/* Joined by product, since the key of product_user begins with it. */
static enum mu_err export_first_bound_of(struct registry_tx *tx, uint32_t product, uint32_t user,
                                         struct bindings_export *ex)
{
    return db_each(tx->db,
                   "SELECT u.no, u.uid, a.appid, p.product_key, '', '', f.first_bound, NULL, 0 FROM product p "
                   "CROSS JOIN product_user f CROSS JOIN \"user\" u CROSS JOIN app a "
                   "WHERE f.product = p.no AND f.\"user\" = $1 AND u.no = f.\"user\" AND a.no = u.app "
                   "AND ($2 = 0 OR p.no = $2) AND f.first_bound < coalesce((SELECT min(b.since) FROM binding b "
                   "JOIN device d ON d.no = b.device WHERE b.\"user\" = $1 AND d.product = p.no), $3)",
                   DB_VALUES(db_int(user), db_int(product), db_int(INT64_MAX)), give_binding, ex);
}

enum mu_err tx_export_first_bound(struct registry_tx *tx, const struct export_slice *slice, export_binding_fn fn,
                                  void *ctx, uint32_t *last)
{
    const struct export_slice of_any = { .after = slice->after, .limit = slice->limit };
    struct bindings_export ex = { .fn = fn, .ctx = ctx };
    uint32_t *users;
    size_t count;
    enum mu_err err = tx_export_numbers(tx, KIND_USER, &of_any, &users, &count);

    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = export_first_bound_of(tx, slice->product, users[i], &ex);
    *last = count == slice->limit ? users[count - 1] : 0;
    free(users);
    return err;
}
