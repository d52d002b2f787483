/* Whether the file is what it should be: SQLite's own checks, the schema, and the rules that no constraint of the
 * schema can express. Each rule is a query; each row of its result is a mistake. */
#include "sql/sqlite_file.h"

#define BOUND_NOW                                                          \
    "SELECT d.product AS product, b.user AS user, min(b.since) AS since, " \
    "sum(b.until IS NULL) AS devices FROM binding b JOIN device d ON d.no = b.device GROUP BY 1, 2"

/* NOT INDEXED: an index may be the damaged part. */
static const char *const rules[] = {
    "SELECT 'device: mac ' || mac || ' of product ' || product || ' has ' || count(*) || "
    "' enabled registrations' FROM device NOT INDEXED WHERE is_disabled = 0 GROUP BY product, mac "
    "HAVING count(*) > 1",
    "SELECT 'device ' || no || ': did ' || did || ' is that of another one, too' FROM device NOT INDEXED "
    "GROUP BY did HAVING count(*) > 1",
    "SELECT 'device: the registrations of mac ' || mac || ' of product ' || product || ' are in several "
    "groups' FROM device NOT INDEXED GROUP BY product, mac "
    "HAVING count(DISTINCT ifnull(device_group, 0)) > 1",
    "SELECT 'device ' || d.no || ': its group ' || g.no || ' is of product ' || g.product || ', it is of ' "
    "|| d.product FROM device d JOIN device_group g ON g.no = d.device_group WHERE g.product <> d.product",
    "SELECT 'device ' || no || ': type ' || type || ', is_disabled ' || is_disabled || ', is_barred ' || is_barred "
    "|| ' or place_source ' "
    "|| place_source || ' means nothing' FROM device WHERE type NOT BETWEEN 0 AND 3 OR "
    "is_disabled NOT IN (0, 1) OR is_barred NOT IN (0, is_disabled) OR place_source NOT BETWEEN 0 AND 2",

    "SELECT 'device_group ' || c.no || ': of product ' || c.product || ', its parent ' || p.no || ' of ' || "
    "p.product FROM device_group c JOIN device_group p ON p.no = c.parent WHERE p.product <> c.product",
    "WITH RECURSIVE tree (no) AS (SELECT no FROM device_group WHERE parent IS NULL UNION ALL "
    "SELECT c.no FROM tree JOIN device_group c ON c.parent = tree.no) "
    "SELECT 'device_group ' || no || ': no root is above it' FROM device_group "
    "WHERE no NOT IN (SELECT no FROM tree)",
    "SELECT 'device_group: product ' || product || ' has ' || count(*) || ' roots' FROM device_group "
    "WHERE parent IS NULL GROUP BY product HAVING count(*) > 1",

    "SELECT 'product ' || no || ': version ' || definition || ' of its definition is not there' "
    "FROM product p WHERE definition <> 0 AND NOT EXISTS "
    "(SELECT 1 FROM definition d WHERE d.product = p.no AND d.version = p.definition)",
    "SELECT 'app ' || ap.app || ': its products belong to several enterprises' FROM app_product ap "
    "JOIN association s ON s.product = ap.product GROUP BY ap.app HAVING count(DISTINCT s.enterprise) > 1",
    "SELECT 'token ' || lower(hex(substr(t.hash, 1, 4))) || '…: product ' || t.product || "
    "' is not associated with enterprise ' || t.enterprise FROM token t "
    "LEFT JOIN association s ON s.product = t.product WHERE s.enterprise IS NOT t.enterprise",

    "SELECT 'binding ' || min(no) || ': user ' || user || ' and device ' || device || ' are bound ' || "
    "count(*) || ' times' FROM binding NOT INDEXED WHERE until IS NULL GROUP BY user, device "
    "HAVING count(*) > 1",
    "SELECT 'binding: device ' || device || ' has ' || sum(is_owner) || ' owners' FROM binding NOT INDEXED "
    "WHERE until IS NULL GROUP BY device HAVING sum(is_owner) <> 1",
    "SELECT 'binding ' || no || ': ends before it begins' FROM binding WHERE until < since",
    "SELECT 'binding ' || b.no || ': says app ' || b.app || ', its user ' || u.no || ' is of app ' || u.app "
    "FROM binding b JOIN user u ON u.no = b.user WHERE u.app <> b.app",

    "WITH bound AS (" BOUND_NOW ") SELECT 'product_user ' || b.product || ', ' || b.user || "
    "': is missing, there are bindings' FROM bound b WHERE NOT EXISTS "
    "(SELECT 1 FROM product_user p WHERE p.product = b.product AND p.user = b.user)",
    "WITH bound AS (" BOUND_NOW ") SELECT 'product_user ' || p.product || ', ' || p.user || ': says ' || "
    "p.devices || ' devices, bound are ' || ifnull(b.devices, 0) FROM product_user p LEFT JOIN bound b "
    "ON b.product = p.product AND b.user = p.user WHERE p.devices <> ifnull(b.devices, 0)",
    "WITH bound AS (" BOUND_NOW ") SELECT 'product_user ' || p.product || ', ' || p.user || "
    "': says first bound at ' || p.first_bound || ', the first binding is of ' || b.since "
    "FROM product_user p JOIN bound b ON b.product = p.product AND b.user = p.user "
    "WHERE p.first_bound > b.since",

/* If a number were given twice, one device would get the messages of another. */
#define GIVEN(table)                                                                        \
    "SELECT '" #table " ' || max(no) || ': its number has not been given yet' FROM " #table \
    " HAVING max(no) > ifnull((SELECT seq FROM sqlite_sequence WHERE name = '" #table "'), 0)"
    GIVEN(enterprise),
    GIVEN(product),
    GIVEN(app),
    GIVEN(user),
    GIVEN(device_group),
    GIVEN(device),
    GIVEN(binding),
    GIVEN(audit),
};

static const struct {
    const char *what, *sql;
} counted[] = {
    { "enterprises", "SELECT count(*) FROM enterprise" },
    { "products", "SELECT count(*) FROM product" },
    { "definitions", "SELECT count(*) FROM definition" },
    { "apps", "SELECT count(*) FROM app" },
    { "users", "SELECT count(*) FROM user" },
    { "groups", "SELECT count(*) FROM device_group" },
    { "devices", "SELECT count(*) FROM device" },
    { "bindings", "SELECT count(*) FROM binding" },
    { "tokens", "SELECT count(*) FROM token" },
    { "entries of the audit log", "SELECT count(*) FROM audit_change" },
};

/* Notes a mistake for each row of such a query. */
static enum mu_err note_mistake(void *ctx, struct db_row *row)
{
    struct str text = col_str(row);

    if (!str_eq(text, STR("ok"))) /* the only row of PRAGMA integrity_check for a good file */
        findings_mistake(ctx, "%.*s", (int)text.len, text.at);
    return MU_OK;
}

static enum mu_err note_reference(void *ctx, struct db_row *row)
{
    struct str table = col_str(row), no = col_str(row), other = col_str(row);

    if (!no.len)
        no = STR("(a row)");
    findings_mistake(ctx, "%.*s %.*s: refers to a row of %.*s that is not there", (int)table.len, table.at, (int)no.len,
                     no.at, (int)other.len, other.at);
    return MU_OK;
}

/* If the file cannot be read at some place, some query fails. The results of the other queries still help. */
static void note(const struct findings *f, const char *what, struct db *db, enum mu_err err)
{
    if (err != MU_OK)
        findings_mistake(f, REGISTRY_FILE ": %s: %s", what, sqlite3_errmsg(db->handle));
}

enum mu_err registry_check(struct registry *reg, const struct findings *f)
{
    void *findings = (void *)(uintptr_t)f;
    enum mu_err err;
    struct db *db;

    if ((err = reader_begin(reg, &db)) != MU_OK)
        return err;
    note(f, "integrity", db, db_each(db, "PRAGMA integrity_check(1000)", NULL, 0, note_mistake, findings));
    note(f, "schema", db, schema_compare(db, f));
    note(f, "references", db, db_each(db, "PRAGMA foreign_key_check", NULL, 0, note_reference, findings));
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        note(f, "reading", db, db_each(db, rules[i], NULL, 0, note_mistake, findings));
    for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
        int64_t count = 0;
        if ((err = db_int_of(db, counted[i].sql, NULL, 0, &count)) != MU_OK)
            note(f, "counting", db, err);
        f->looked_at(f->ctx, counted[i].what, (uint64_t)count);
    }
    reader_end(reg, db);
    return MU_OK;
}

/* --- what the journal is compared with ------------------------------------------------------------*/

struct last_number {
    uint32_t no;
};

static enum mu_err get_last(struct registry_tx *tx, void *arg)
{
    int64_t seq = 0;
    enum mu_err err = db_int_of(tx->db, "SELECT seq FROM sqlite_sequence WHERE name = 'device'", NULL, 0, &seq);

    ((struct last_number *)arg)->no = (uint32_t)seq;
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err registry_last_device(struct registry *reg, uint32_t *no)
{
    struct last_number last = { 0 };
    enum mu_err err = registry_read(reg, get_last, &last);

    *no = last.no;
    return err;
}

struct places_visit {
    enum mu_err (*fn)(void *ctx, uint32_t product, const struct place *place, uint64_t devices);
    void *ctx;
};

static enum mu_err give_place(void *ctx, struct db_row *row)
{
    const struct places_visit *visit = ctx;
    struct place place;
    uint32_t product = col_no(row);

    col_text(row, place.country, sizeof(place.country));
    col_text(row, place.region, sizeof(place.region));
    col_text(row, place.city, sizeof(place.city));
    return visit->fn(visit->ctx, product, &place, (uint64_t)col_int(row));
}

enum mu_err registry_visit_device_places(struct registry *reg,
                                         enum mu_err (*fn)(void *ctx, uint32_t product, const struct place *place,
                                                           uint64_t devices),
                                         void *ctx)
{
    enum mu_err err;
    struct db *db;

    if ((err = reader_begin(reg, &db)) != MU_OK)
        return err;
    err = db_each(db,
                  "SELECT product, country, region, city, count(*) FROM device NOT INDEXED "
                  "WHERE is_disabled = 0 GROUP BY 1, 2, 3, 4",
                  NULL, 0, give_place, &(struct places_visit){ fn, ctx });
    reader_end(reg, db);
    return err;
}
