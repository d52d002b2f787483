/* What followers see: everything as of one moment, then what has changed.
 *
 * A follower gets each thing that the feed names (feed.c) once, as its row is now; a thing without a row was deleted. */
#include "sql/sql_registry.h"

#include <assert.h>
#include <stdlib.h>

/* --- one row to the visitor -----------------------------------------------------------------------*/

struct feed_visit {
    struct db *db;
    const struct registry_visitor *v;
};

static enum mu_err give_enterprise(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct enterprise_row enterprise;
    db_row_enterprise(row, &enterprise);
    return visit->v->enterprise(visit->v->ctx, &enterprise);
}

static enum mu_err give_product(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct product_row product;
    db_row_product(row, &product);
    return visit->v->product(visit->v->ctx, &product);
}

static enum mu_err give_definition(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct definition_row definition;
    definition.product = col_no(row);
    definition.version = col_no(row);
    definition.json = col_str(row);
    return visit->v->definition(visit->v->ctx, &definition);
}

static enum mu_err give_association(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct association_row association;
    association.product = col_no(row);
    association.enterprise = col_no(row);
    return visit->v->association(visit->v->ctx, &association, col_int(row) == 0);
}

static enum mu_err give_app(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    enum mu_err err;
    struct app_row app;
    uint32_t *products;
    size_t count;

    db_row_app(row, &app);
    if ((err = tx_app_products(&(struct registry_tx){ .db = visit->db }, app.no, &products, &count)) != MU_OK)
        return err;
    err = visit->v->app(visit->v->ctx, &app, products, count);
    free(products);
    return err;
}

static enum mu_err give_group(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct group_row group;
    db_row_group(row, &group);
    return visit->v->group(visit->v->ctx, &group);
}

static enum mu_err give_device(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct device_row device;
    db_row_device(row, &device);
    return visit->v->device(visit->v->ctx, &device);
}

static enum mu_err give_user(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct user_brief user;
    user.no = col_no(row);
    user.app = col_no(row);
    user.is_disabled = col_int(row) != 0;
    col_text(row, user.place.country, sizeof(user.place.country));
    col_text(row, user.place.region, sizeof(user.place.region));
    col_text(row, user.place.city, sizeof(user.place.city));
    return visit->v->user(visit->v->ctx, &user);
}

static enum mu_err give_binding(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct bound_row bound;
    bound.no = col_no(row);
    bound.device = col_no(row);
    bound.user = col_no(row);
    bound.since = col_int(row);
    bound.until = col_int(row);
    return visit->v->binding(visit->v->ctx, &bound);
}

static enum mu_err give_first_bound(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct first_bound_row first;
    first.product = col_no(row);
    first.user = col_no(row);
    first.since = col_int(row);
    return visit->v->first_bound(visit->v->ctx, &first);
}

static enum mu_err give_token(void *ctx, struct db_row *row)
{
    const struct feed_visit *visit = ctx;
    struct token_row token = { 0 };
    col_bytes(row, token.hash, sizeof(token.hash));
    token.enterprise = col_no(row);
    token.product = col_no(row);
    token.expires_at = col_int(row);
    return visit->v->token(visit->v->ctx, &token, token.enterprise == 0);
}

/* --- what to visit, parents first -----------------------------------------------------------------*/

#define CHANGED(kind) "SELECT no FROM change WHERE seq > $1 AND kind = " #kind
/* PostgreSQL took IN for a reason to walk through the whole index of a large table. Of an array it looks up each number. */
#define AMONG_CHANGED(kind) "= ANY (ARRAY(" CHANGED(kind) "))"

#define USER_BRIEF    "u.no, u.app, u.is_disabled, u.country, u.region, u.city"
#define BOUND_COLUMNS "b.no, b.device, b.\"user\", b.since, b.until"

/* All groups, from the roots down, level by level. */
#define GROUP_TREE                                                                                       \
    "WITH RECURSIVE tree (no, depth) AS (SELECT no, 0 FROM device_group WHERE parent IS NULL UNION ALL " \
    "SELECT child.no, depth + 1 FROM tree JOIN device_group child ON child.parent = tree.no) "

/* The changed groups in the same order: it begins with those whose parent has not changed. This does not walk through
 * all groups for each new one. */
#define CHANGED_TREE                                                                                             \
    "WITH RECURSIVE changed (no) AS MATERIALIZED (SELECT DISTINCT no FROM change WHERE seq > $1 AND kind = 6), " \
    "tree (no, depth) AS (SELECT g.no, 0 FROM changed JOIN device_group g ON g.no = changed.no "                 \
    "WHERE g.parent IS NULL OR g.parent NOT IN (SELECT no FROM changed) UNION ALL "                              \
    "SELECT child.no, depth + 1 FROM tree JOIN device_group child ON child.parent = tree.no "                    \
    "WHERE child.no IN (SELECT no FROM changed)) "

#define GROUPS_OF_TREE \
    "SELECT " GROUP_COLUMNS " FROM tree JOIN device_group g ON g.no = tree.no ORDER BY tree.depth, tree.no"

static const struct step {
    enum feed_kind kind;
    const char *all;
    const char *changed;
    enum mu_err (*give)(void *visit, struct db_row *row);
    const char *changed_postgres; /* NULL: the same */
} steps[] = {
    { FEED_ENTERPRISE, "SELECT " ENTERPRISE_COLUMNS " FROM enterprise e ORDER BY e.no",
      "SELECT " ENTERPRISE_COLUMNS " FROM enterprise e WHERE e.no IN (" CHANGED(1) ") ORDER BY e.no", give_enterprise,
      NULL },
    { FEED_PRODUCT, "SELECT " PRODUCT_COLUMNS " FROM product p ORDER BY p.no",
      "SELECT " PRODUCT_COLUMNS " FROM product p WHERE p.no IN (" CHANGED(2) ") ORDER BY p.no", give_product, NULL },
    { FEED_DEFINITION, "SELECT product, version, json FROM definition ORDER BY product, version",
      "SELECT f.product, f.version, f.json FROM definition f WHERE (f.product, f.version) IN "
      "(SELECT no, other FROM change WHERE seq > $1 AND kind = 3) ORDER BY f.product, f.version",
      give_definition, NULL },
    { FEED_ASSOCIATION, "SELECT product, enterprise, 1 FROM association ORDER BY product",
      /* For a product that moved: first the association that ended, then the new one. */
      "SELECT DISTINCT c.no, c.other, s.product IS NOT NULL AS here FROM change c "
      "LEFT JOIN association s ON s.product = c.no AND s.enterprise = c.other "
      "WHERE c.seq > $1 AND c.kind = 4 ORDER BY here, c.no, c.other",
      give_association, NULL },
    { FEED_APP, "SELECT " APP_COLUMNS " FROM app a ORDER BY a.no",
      "SELECT " APP_COLUMNS " FROM app a WHERE a.no IN (" CHANGED(5) ") ORDER BY a.no", give_app, NULL },
    { FEED_GROUP, GROUP_TREE GROUPS_OF_TREE, CHANGED_TREE GROUPS_OF_TREE, give_group, NULL },
    { FEED_DEVICE, "SELECT " DEVICE_COLUMNS " FROM device d ORDER BY d.no",
      "SELECT " DEVICE_COLUMNS " FROM device d WHERE d.no IN (" CHANGED(7) ") ORDER BY d.no", give_device,
      "SELECT " DEVICE_COLUMNS " FROM device d WHERE d.no " AMONG_CHANGED(7) " ORDER BY d.no" },
    { FEED_USER, "SELECT " USER_BRIEF " FROM \"user\" u ORDER BY u.no",
      "SELECT " USER_BRIEF " FROM \"user\" u WHERE u.no IN (" CHANGED(9) ") ORDER BY u.no", give_user,
      "SELECT " USER_BRIEF " FROM \"user\" u WHERE u.no " AMONG_CHANGED(9) " ORDER BY u.no" },
    { FEED_BINDING, "SELECT " BOUND_COLUMNS " FROM binding b ORDER BY b.no",
      "SELECT " BOUND_COLUMNS " FROM binding b WHERE b.no IN (" CHANGED(10) ") ORDER BY b.no", give_binding,
      "SELECT " BOUND_COLUMNS " FROM binding b WHERE b.no " AMONG_CHANGED(10) " ORDER BY b.no" },
    { FEED_FIRST_BOUND, "SELECT product, \"user\", first_bound FROM product_user",
      "SELECT product, \"user\", first_bound FROM product_user WHERE (product, \"user\") IN "
      "(SELECT no, other FROM change WHERE seq > $1 AND kind = 11)",
      give_first_bound, NULL },
    { FEED_TOKEN, "SELECT " TOKEN_COLUMNS " FROM token t",
      "SELECT DISTINCT c.hash, t.enterprise, t.product, t.expires_at FROM change c "
      "LEFT JOIN token t ON t.hash = c.hash WHERE c.seq > $1 AND c.kind = 8",
      give_token, NULL },
};

/* Children come first. A younger group comes before an older one, which may be its parent. */
#define GONE(kind, table)                                                                                     \
    "SELECT DISTINCT no FROM change WHERE seq > $1 AND kind = " #kind " AND NOT EXISTS (SELECT 1 FROM " table \
    " t WHERE t.no = change.no) ORDER BY no DESC"

static const struct gone_step {
    enum feed_kind kind;
    enum registry_kind told_as;
    const char *sql;
} gone_steps[] = {
    { FEED_USER, KIND_USER, GONE(9, "\"user\"") },       { FEED_DEVICE, KIND_DEVICE, GONE(7, "device") },
    { FEED_GROUP, KIND_GROUP, GONE(6, "device_group") }, { FEED_APP, KIND_APP, GONE(5, "app") },
    { FEED_PRODUCT, KIND_PRODUCT, GONE(2, "product") },  { FEED_ENTERPRISE, KIND_ENTERPRISE, GONE(1, "enterprise") },
};

static bool is_wanted(const struct registry_visitor *v, enum feed_kind kind)
{
    switch (kind) {
    case FEED_ENTERPRISE: return v->enterprise != NULL;
    case FEED_PRODUCT: return v->product != NULL;
    case FEED_DEFINITION: return v->definition != NULL;
    case FEED_ASSOCIATION: return v->association != NULL;
    case FEED_APP: return v->app != NULL;
    case FEED_GROUP: return v->group != NULL;
    case FEED_DEVICE: return v->device != NULL;
    case FEED_TOKEN: return v->token != NULL;
    case FEED_USER: return v->user != NULL;
    case FEED_BINDING: return v->binding != NULL;
    case FEED_FIRST_BOUND: return v->first_bound != NULL;
    }
    return false;
}

static enum mu_err give_gone(const struct feed_visit *visit, const struct gone_step *step, uint64_t after)
{
    enum mu_err err;
    uint32_t *numbers;
    size_t count;

    if ((err = db_numbers(visit->db, step->sql, DB_VALUES(db_int((int64_t)after)), &numbers, &count)) != MU_OK)
        return err;
    assert(visit->v->deleted);
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = visit->v->deleted(visit->v->ctx, step->told_as, numbers[i]);
    free(numbers);
    return err;
}

/* --- all of it, and all changes -------------------------------------------------------------------*/

enum mu_err registry_visit_all(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    enum mu_err err;
    struct feed_visit visit = { .v = v };
    uint64_t last;

    assert(v && seq);
    if ((err = reader_begin(reg, &visit.db)) != MU_OK)
        return err;
    if ((err = feed_last(visit.db, &last)) != MU_OK)
        goto out;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        if (is_wanted(v, steps[i].kind) &&
            (err = db_each_big(visit.db, steps[i].all, NULL, 0, steps[i].give, &visit)) != MU_OK)
            goto out;
    }
    *seq = last;
out:
    db_shrink(visit.db);
    reader_end(reg, visit.db);
    return err;
}

enum mu_err registry_visit_changes(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    enum mu_err err;
    struct feed_visit visit = { .v = v };
    uint64_t last;
    unsigned kinds;

    if ((err = reader_begin(reg, &visit.db)) != MU_OK)
        return err;
    if ((err = feed_last(visit.db, &last)) != MU_OK || last == *seq ||
        (err = feed_changed_kinds(visit.db, *seq, last, &kinds)) != MU_OK)
        goto out;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        const char *other = steps[i].changed_postgres;
        const char *sql = other ? DB_SQL(visit.db, steps[i].changed, other) : steps[i].changed;
        if ((kinds & 1u << steps[i].kind) && is_wanted(v, steps[i].kind) &&
            (err = db_each_big(visit.db, sql, DB_VALUES(db_int((int64_t)*seq)), steps[i].give, &visit)) != MU_OK)
            goto out;
    }
    for (size_t i = 0; i < sizeof(gone_steps) / sizeof(*gone_steps); i++) {
        if ((kinds & 1u << gone_steps[i].kind) && v->deleted &&
            (err = give_gone(&visit, &gone_steps[i], *seq)) != MU_OK)
            goto out;
    }
    *seq = last;
out:
    reader_end(reg, visit.db);
    return err;
}
