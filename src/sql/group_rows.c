/* Device groups: a tree per product. */
#include "sql/sql_registry.h"

#include <stdlib.h>

#include "base/array.h"

void db_row_group(struct db_row *row, void *out)
{
    struct group_row *group = out;

    memset(group, 0, sizeof(*group));
    group->no = col_no(row);
    group->product = col_no(row);
    group->parent = col_no(row);
    col_text(row, group->gid, sizeof(group->gid));
}

#define GROUP_WHERE "SELECT " GROUP_COLUMNS " FROM device_group g WHERE "

const char db_group_by_gid[] = GROUP_WHERE "g.gid = $1";

enum mu_err tx_group_by_gid(struct registry_tx *tx, const char *gid, struct group_row *out)
{
    return db_get(tx->db, db_group_by_gid, DB_VALUES(db_text(gid)), db_row_group, out);
}

const char db_group_by_no[] = GROUP_WHERE "g.no = $1";

enum mu_err tx_group_by_no(struct registry_tx *tx, uint32_t no, struct group_row *out)
{
    return db_get(tx->db, db_group_by_no, DB_VALUES(db_int(no)), db_row_group, out);
}

const char db_root_group[] = GROUP_WHERE "g.product = $1 AND g.parent IS NULL ORDER BY g.no LIMIT 1";

enum mu_err tx_root_group(struct registry_tx *tx, uint32_t product, struct group_row *out)
{
    return db_get(tx->db, db_root_group, DB_VALUES(db_int(product)), db_row_group, out);
}

const char db_group_of_mac[] = "SELECT device_group FROM device WHERE product = $1 "
                               "AND mac = $2 AND device_group IS NOT NULL ORDER BY no DESC LIMIT 1";

enum mu_err tx_group_of_mac(struct registry_tx *tx, uint32_t product, const char *mac, uint32_t *group)
{
    int64_t no = 0;
    enum mu_err err = db_int_of(tx->db, db_group_of_mac, DB_VALUES(db_int(product), db_text(mac)), &no);
    *group = (uint32_t)no;
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

/* A circle would not be below any root, and the feed walks the tree from its roots. */
static enum mu_err check_no_circle(struct db *db, const struct group_row *row)
{
    enum mu_err err;
    int64_t circle;

    if ((err = db_int_of(db,
                         "WITH RECURSIVE up (no) AS (SELECT CAST($2 AS BIGINT) UNION "
                         "SELECT g.parent FROM up JOIN device_group g ON g.no = up.no) "
                         "SELECT count(*) FROM up WHERE no = $1",
                         DB_VALUES(db_int(row->no), db_int(row->parent)), &circle)) != MU_OK)
        return err;
    return circle ? MU_E_VALUE : MU_OK;
}

/* Counts levels up to one more than the limit: an older directory may have many more. */
#define LEVELS(name, next, link, end)                                                                              \
    "WITH RECURSIVE " name " (no, level) AS (SELECT CAST($1 AS BIGINT), 1 UNION ALL SELECT g." next ", level + 1 " \
    "FROM " name " JOIN device_group g ON g." link " = " name ".no WHERE " end " level <= $2) "                    \
    "SELECT max(level) FROM " name

/* The cost: one step for each level above the group, and, if a group moves, one for each group below it. */
static enum mu_err check_levels(struct db *db, const struct group_row *row)
{
    int64_t above = 0, below = 1;
    enum mu_err err = MU_OK;

    if (row->parent)
        err = db_int_of(db, LEVELS("up", "parent", "no", "g.parent IS NOT NULL AND"),
                        DB_VALUES(db_int(row->parent), db_int(LIMIT_GROUP_LEVELS)), &above);
    if (err == MU_OK && row->no)
        err = db_int_of(db, LEVELS("down", "no", "parent", ""), DB_VALUES(db_int(row->no), db_int(LIMIT_GROUP_LEVELS)),
                        &below);
    return err == MU_OK && above + below > LIMIT_GROUP_LEVELS ? MU_E_LIMIT : err;
}

enum mu_err tx_put_group(struct registry_tx *tx, struct group_row *row)
{
    static const struct db_put put = {
        DB_INSERT("INSERT INTO device_group (product, parent, gid) VALUES ($1, $2, $3)"),
        .update = "UPDATE device_group SET product = $1, parent = $2, gid = $3 WHERE no = $4",
    };
    enum mu_err err;

    if ((row->no && (err = check_no_circle(tx->db, row)) != MU_OK) || (err = check_levels(tx->db, row)) != MU_OK)
        return err;
    err = db_put(tx->db, &put, DB_VALUES(db_int(row->product), db_ref(row->parent), db_text(row->gid)), &row->no);
    return err == MU_OK ? feed_add(tx->db, FEED_GROUP, row->no, 0) : err;
}

/* --- queries --------------------------------------------------------------------------------------*/

struct groups_query {
    uint32_t product;
    struct group_row *rows;
    uint32_t cap;
    size_t count;
};

static enum mu_err add_group(void *ctx, struct db_row *row)
{
    struct groups_query *q = ctx;

    if (!ARRAY_RESERVE(q->rows, q->cap, q->count + 1))
        return MU_E_NOMEM;
    db_row_group(row, &q->rows[q->count++]);
    return MU_OK;
}

static enum mu_err find_groups(struct registry_tx *tx, void *arg)
{
    struct groups_query *q = arg;

    return db_each(tx->db, GROUP_WHERE "g.product = $1 ORDER BY g.no", DB_VALUES(db_int(q->product)), add_group, q);
}

enum mu_err registry_product_groups(struct registry *reg, uint32_t product, struct group_row **groups, size_t *count)
{
    struct groups_query q = { .product = product };
    enum mu_err err = registry_read(reg, find_groups, &q);

    if (err != MU_OK) {
        free(q.rows);
        q = (struct groups_query){ 0 };
    }
    *groups = q.rows;
    *count = q.count;
    return err;
}

struct macs_visit {
    uint32_t group;
    enum mu_err (*fn)(void *ctx, struct str mac);
    void *ctx;
};

static enum mu_err give_mac(void *ctx, struct db_row *row)
{
    const struct macs_visit *visit = ctx;

    return visit->fn(visit->ctx, col_str(row));
}

static enum mu_err give_macs(struct registry_tx *tx, void *arg)
{
    const struct macs_visit *visit = arg;
    struct group_row group;
    enum mu_err err = tx_group_by_no(tx, visit->group, &group);

    return err != MU_OK ? err
                        : db_each_big(tx->db, "SELECT DISTINCT mac FROM device WHERE device_group = $1 ORDER BY mac",
                                      DB_VALUES(db_int(visit->group)), give_mac, arg);
}

enum mu_err registry_visit_group_macs(struct registry *reg, uint32_t group,
                                      enum mu_err (*fn)(void *ctx, struct str mac), void *ctx)
{
    return registry_read(reg, give_macs, &(struct macs_visit){ group, fn, ctx });
}
