/* What the user reports read: who was bound to what and when, and where registered users are. */
#include "registry/sqlite_registry.h"

/* The bindings, also those that are over, of the devices in a group or below it. */
#define SUBTREE(group) \
    "WITH RECURSIVE sub (no) AS (SELECT no FROM device_group WHERE no = " group " UNION ALL " \
    "SELECT g.no FROM sub JOIN device_group g ON g.parent = sub.no) "
#define BOUND_IN_SUBTREE \
    "FROM sub CROSS JOIN device d ON d.device_group = sub.no CROSS JOIN binding b ON b.device = d.no " \
    "AND b.user NOT IN " DISABLED_USERS " "

/* --- ever bound -----------------------------------------------------------------------------------*/

struct first_bound_query {
    uint32_t product, group;
    int64_t from_s, until_s;
    enum mu_err (*fn)(void *ctx, int64_t since);
    void *ctx;
    uint64_t *count;
};

static enum mu_err count_bound(struct registry_tx *tx, void *arg)
{
    const struct first_bound_query *q = arg;
    int64_t count = 0;
    enum mu_err err = q->group
        ? db_int_of(tx->db, SUBTREE("?1") "SELECT count(DISTINCT b.user) " BOUND_IN_SUBTREE,
                    DB_VALUES(db_int(q->group)), &count)
        : db_int_of(tx->db, "SELECT count(*) FROM product_user WHERE product = ?1 "
                    "AND user NOT IN " DISABLED_USERS,
                    DB_VALUES(db_int(q->product)), &count);

    *q->count = (uint64_t)count;
    return err;
}

enum mu_err registry_count_ever_bound(struct registry *reg, uint32_t product, uint32_t group,
                                      uint64_t *count)
{
    return registry_read(reg, count_bound, &(struct first_bound_query){
        .product = product, .group = group, .count = count });
}

static enum mu_err visit_first_bound(struct registry_tx *tx, void *arg)
{
    const struct first_bound_query *q = arg;
    sqlite3_stmt *statement;
    enum mu_err err = q->group
        ? db_query(tx->db, SUBTREE("?1") "SELECT min(b.since) AS first " BOUND_IN_SUBTREE
                   "GROUP BY b.user HAVING first >= ?2 AND first < ?3",
                   DB_VALUES(db_int(q->group), db_int(q->from_s), db_int(q->until_s)), &statement)
        : db_query(tx->db, "SELECT first_bound FROM product_user WHERE product = ?1 "
                   "AND first_bound >= ?2 AND first_bound < ?3 AND user NOT IN " DISABLED_USERS,
                   DB_VALUES(db_int(q->product), db_int(q->from_s), db_int(q->until_s)), &statement);

    while (err == MU_OK && (err = db_next(tx->db, statement)) == MU_OK) {
        struct db_row row = { .statement = statement };
        if ((err = q->fn(q->ctx, row_int(&row))) != MU_OK)
            sqlite3_reset(statement);
    }
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err registry_visit_first_bound(struct registry *reg, uint32_t product, uint32_t group,
                                       int64_t from_s, int64_t until_s,
                                       enum mu_err (*fn)(void *ctx, int64_t since), void *ctx)
{
    return registry_read(reg, visit_first_bound, &(struct first_bound_query){
        .product = product, .group = group, .from_s = from_s, .until_s = until_s,
        .fn = fn, .ctx = ctx });
}

/* --- bindings ---------------------------------------------------------------------------------------*/

struct bindings_query {
    uint32_t product, app;
    int64_t from_s, until_s;
    enum mu_err (*fn)(void *ctx, const struct past_binding *binding);
    void *ctx;
};

/* In the order of product_user's key, which is why that table leads. */
static enum mu_err visit_bindings(struct registry_tx *tx, void *arg)
{
    const struct bindings_query *q = arg;
    sqlite3_stmt *statement;
    enum mu_err err = db_query(tx->db,
        "SELECT b.user, b.device, b.since, ifnull(b.until, ?5) FROM product_user p "
        "CROSS JOIN user u ON u.no = p.user CROSS JOIN binding b ON b.user = u.no "
        "CROSS JOIN device d ON d.no = b.device "
        "WHERE p.product = ?1 AND (?2 = 0 OR u.app = ?2) AND u.is_disabled = 0 AND +d.product = ?1 "
        "AND b.since < ?4 AND (b.until IS NULL OR b.until >= ?3) ORDER BY p.user",
        DB_VALUES(db_int(q->product), db_int(q->app), db_int(q->from_s), db_int(q->until_s),
                  db_int(INT64_MAX)), &statement);

    while (err == MU_OK && (err = db_next(tx->db, statement)) == MU_OK) {
        struct db_row row = { .statement = statement };
        struct past_binding b = { .user = row_no(&row) };
        b.device = row_no(&row);
        b.since = row_int(&row);
        b.until = row_int(&row);
        if ((err = q->fn(q->ctx, &b)) != MU_OK)
            sqlite3_reset(statement);
    }
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err registry_visit_bindings(struct registry *reg, uint32_t product, uint32_t app, int64_t from_s,
                                    int64_t until_s,
                                    enum mu_err (*fn)(void *ctx, const struct past_binding *binding),
                                    void *ctx)
{
    return registry_read(reg, visit_bindings, &(struct bindings_query){
        .product = product, .app = app, .from_s = from_s, .until_s = until_s, .fn = fn, .ctx = ctx });
}

/* --- places -----------------------------------------------------------------------------------------*/

struct places_query {
    uint32_t product;
    enum mu_err (*fn)(void *ctx, const struct place *place, uint64_t count);
    void *ctx;
};

/* An app's users stand in the order of their places in an index, so they are counted without being
 * sorted: a tenth of the time. */
static enum mu_err visit_places(struct registry_tx *tx, void *arg)
{
    const struct places_query *q = arg;
    sqlite3_stmt *statement;
    enum mu_err err = db_query(tx->db,
        "SELECT country, region, city, sum(users) FROM (SELECT country, region, city, count(*) AS users "
        "FROM user WHERE app IN (SELECT app FROM app_product WHERE product = ?1) AND is_disabled = 0 "
        "GROUP BY app, country, region, city) GROUP BY country, region, city "
        "ORDER BY country, region, city", DB_VALUES(db_int(q->product)), &statement);

    while (err == MU_OK && (err = db_next(tx->db, statement)) == MU_OK) {
        struct db_row row = { .statement = statement };
        struct place place;
        row_text(&row, place.country, sizeof(place.country));
        row_text(&row, place.region, sizeof(place.region));
        row_text(&row, place.city, sizeof(place.city));
        if ((err = q->fn(q->ctx, &place, (uint64_t)row_int(&row))) != MU_OK)
            sqlite3_reset(statement);
    }
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err registry_visit_user_places(struct registry *reg, uint32_t product,
                                       enum mu_err (*fn)(void *ctx, const struct place *place,
                                                         uint64_t count),
                                       void *ctx)
{
    return registry_read(reg, visit_places, &(struct places_query){
        .product = product, .fn = fn, .ctx = ctx });
}
