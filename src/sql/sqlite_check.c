/* Whether the file is what it should be: SQLite's own checks, the schema, the numbers that were given. */
#include "sql/sqlite_file.h"

/* If a number were given twice, one device would get the messages of another. */
#define GIVEN(table)                                                                        \
    "SELECT '" #table " ' || max(no) || ': its number has not been given yet' FROM " #table \
    " HAVING max(no) > ifnull((SELECT seq FROM sqlite_sequence WHERE name = '" #table "'), 0)"
static const char *const given[] = {
    GIVEN(enterprise),   GIVEN(product), GIVEN(app),     GIVEN(user),
    GIVEN(device_group), GIVEN(device),  GIVEN(binding), GIVEN(audit),
};

static enum mu_err note_integrity(void *findings, struct db_row *row)
{
    struct str text = col_str(row);

    if (!str_eq(text, STR("ok"))) /* the only row for a good file */
        findings_mistake(findings, "%.*s", (int)text.len, text.at);
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

void sqlite_check(struct db *db, const struct findings *f)
{
    void *findings = (void *)(uintptr_t)f;

    db_note_failure(f, "integrity", db, db_each(db, "PRAGMA integrity_check(1000)", NULL, 0, note_integrity, findings));
    db_note_failure(f, "schema", db, schema_compare(db, f));
    db_note_failure(f, "references", db, db_each(db, "PRAGMA foreign_key_check", NULL, 0, note_reference, findings));
    for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
        db_note_failure(f, "reading", db, db_each(db, given[i], NULL, 0, db_note_mistake, findings));
}
