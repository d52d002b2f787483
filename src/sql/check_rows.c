/* Whether the rows agree with each other, and whether the store is undamaged. */
#include "sql/sql_registry.h"

#define BOUND_NOW                                                                  \
    "SELECT d.product AS product, b.\"user\" AS \"user\", min(b.since) AS since, " \
    "sum(CASE WHEN b.until IS NULL THEN 1 ELSE 0 END) AS devices "                 \
    "FROM binding b JOIN device d ON d.no = b.device GROUP BY d.product, b.\"user\""

#define UNINDEXED  " NOT INDEXED"
#define HEX(bytes) "lower(hex(" bytes "))"
static const char *const sqlite_rules[] = {
#include "sql/check_rules.h"
};

#undef UNINDEXED
#undef HEX
#define UNINDEXED  ""
#define HEX(bytes) "encode(" bytes ", 'hex')"
static const char *const postgres_rules[] = {
#include "sql/check_rules.h"
};

enum { RULES = sizeof(sqlite_rules) / sizeof(*sqlite_rules) };

static const struct {
    const char *what, *sql;
} counted[] = {
    { "enterprises", "SELECT count(*) FROM enterprise" },
    { "products", "SELECT count(*) FROM product" },
    { "definitions", "SELECT count(*) FROM definition" },
    { "apps", "SELECT count(*) FROM app" },
    { "users", "SELECT count(*) FROM \"user\"" },
    { "groups", "SELECT count(*) FROM device_group" },
    { "devices", "SELECT count(*) FROM device" },
    { "bindings", "SELECT count(*) FROM binding" },
    { "tokens", "SELECT count(*) FROM token" },
    { "entries of the audit log", "SELECT count(*) FROM audit_change" },
};

enum mu_err db_note_mistake(void *findings, struct db_row *row)
{
    struct str text = col_str(row);

    findings_mistake(findings, "%.*s", (int)text.len, text.at);
    return MU_OK;
}

/* If the store cannot be read at some place, some query fails. The results of the other queries still help. */
void db_note_failure(const struct findings *f, const char *what, struct db *db, enum mu_err err)
{
    if (err != MU_OK)
        findings_mistake(f, "%s: %s: %s", db_is_sqlite(db) ? REGISTRY_FILE : "registry", what, db_said(db, err));
}

enum mu_err registry_check(struct registry *reg, const struct findings *f)
{
    void *findings = (void *)(uintptr_t)f;
    enum mu_err err;
    struct db *db;

    if ((err = reader_begin(reg, &db)) != MU_OK)
        return err;
    reg->store->check(db, f);
    for (size_t i = 0; i < RULES; i++)
        db_note_failure(f, "reading", db,
                        db_each(db, DB_SQL(db, sqlite_rules, postgres_rules)[i], NULL, 0, db_note_mistake, findings));
    for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
        int64_t count = 0;
        if ((err = db_int_of(db, counted[i].sql, NULL, 0, &count)) != MU_OK)
            db_note_failure(f, "counting", db, err);
        f->looked_at(f->ctx, counted[i].what, (uint64_t)count);
    }
    reader_end(reg, db);
    return MU_OK;
}
