/* Without its product a device is useless, and so is a binding without its device. So a lost product would take all
 * its devices along. An index has its key and the row's number on other pages than the table. From these a row is
 * made; its other columns are empty. The operator fills them with `muster apply`; a device fills its own when it
 * registers again. */
#include "sql/sqlite_salvage.h"

#include <assert.h>

/* Values of missing columns that are neither 0 nor ''. They allow nothing to anybody. */
static const struct {
    const char *table, *column, *sql;
} unknown[] = {
    { "enterprise", "secret_salt", "randomblob(16)" },
    { "enterprise", "secret_hash", "randomblob(32)" },
    { "enterprise", "secret_required", "1" },
    { "product", "product_secret", "lower(hex(randomblob(16)))" },
    { "product", "registration", "1" }, /* only known devices may register */
    { "device", "is_disabled", "1" },   /* until the device registers again */
    { "device", "created_at", "unixepoch()" },
    { "user", "created_at", "unixepoch()" },
    { "user", "updated_at", "unixepoch()" },
};

/* Columns that a row must have: those of a unique index, and those that refer to another row. */
#define NEEDED                                                                                      \
    "SELECT i.name FROM pragma_index_list('%q') l, pragma_index_info(l.name) i WHERE l.\"unique\" " \
    "AND NOT l.partial "                                                                            \
    "UNION SELECT c.name FROM pragma_foreign_key_list('%q') f, pragma_table_info('%q') c "          \
    "WHERE c.name = f.\"from\" AND c.\"notnull\""

#define INDEXED "pragma_index_info('%q')"

/* Reads entries of an index until one cannot be read. */
static enum mu_err read_entries(struct salvaging *s, sqlite3_stmt *entry, sqlite3_stmt *insert, bool *is_whole)
{
    enum mu_err err = MU_OK;
    int rc = SQLITE_DONE;

    while (err == MU_OK && (rc = sqlite3_step(entry)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_bind_parameter_count(insert); i++)
            sqlite3_bind_value(insert, i + 1, sqlite3_column_value(entry, i));
        if ((rc = sqlite3_step(insert)) != SQLITE_DONE)
            err = sqlite_error(&s->to, rc);
        sqlite3_reset(insert);
    }
    *is_whole = rc == SQLITE_DONE;
    return err != MU_OK || *is_whole || salvage_is_local(rc) ? err : sqlite_error(&s->from, rc);
}

/* Reads an index from its beginning. If that ends at damage, reads it from its end, too. */
static enum mu_err read_index(struct salvaging *s, struct salvaged_table *t, const char *index)
{
    static const char *const directions[] = { "", " DESC" };
    sqlite3_stmt *insert = NULL;
    char columns[256], places[128], sets[512], order[256];
    bool is_whole = false;
    enum mu_err err;

    if ((err = salvage_text(&s->from, columns, sizeof(columns), SALVAGE_LIST(SALVAGE_QUOTED, INDEXED), index)) !=
            MU_OK ||
        (err = salvage_text(&s->from, places, sizeof(places), SALVAGE_LIST("'?' || (seqno + 2)", INDEXED), index)) !=
            MU_OK ||
        (err = salvage_text(&s->from, sets, sizeof(sets),
                            SALVAGE_LIST(SALVAGE_QUOTED " || ' = excluded.' || " SALVAGE_QUOTED, INDEXED), index)) !=
            MU_OK ||
        (err = salvage_prepare(&s->to, &insert,
                               "INSERT INTO temp.found (no, %s) SELECT ?1, %s WHERE NOT EXISTS "
                               "(SELECT 1 FROM main.\"%w\" WHERE no = ?1) ON CONFLICT (no) DO UPDATE SET %s",
                               columns, places, t->name, sets)) != MU_OK)
        goto out;
    for (size_t i = 0; i < 2 && err == MU_OK && !is_whole; i++) {
        sqlite3_stmt *entry = NULL;
        if ((err = salvage_text(&s->from, order, sizeof(order),
                                "SELECT group_concat(" SALVAGE_QUOTED " || '%s', ', ') "
                                "FROM " INDEXED,
                                directions[i], index)) == MU_OK &&
            (err = salvage_prepare(&s->from, &entry, "SELECT rowid, %s FROM \"%w\" INDEXED BY \"%w\" ORDER BY %s",
                                   columns, t->name, index, order)) == MU_OK)
            err = read_entries(s, entry, insert, &is_whole);
        sqlite3_finalize(entry);
    }
out:
    sqlite3_finalize(insert);
    return err;
}

static enum mu_err read_indexes(struct salvaging *s, struct salvaged_table *t)
{
    sqlite3_stmt *list;
    enum mu_err err =
        salvage_prepare(&s->from, &list, "SELECT name FROM pragma_index_list('%q') WHERE NOT partial", t->name);

    while (err == MU_OK && sqlite3_step(list) == SQLITE_ROW)
        err = read_index(s, t, (const char *)sqlite3_column_text(list, 0));
    sqlite3_finalize(list);
    return err;
}

static enum mu_err fill_unknown(struct salvaging *s, struct salvaged_table *t)
{
    enum mu_err err = MU_OK;
    char empty[2048];

    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown) && err == MU_OK; i++) {
        if (strcmp(unknown[i].table, t->name) == 0)
            err = salvage_exec(&s->to, "UPDATE temp.found SET \"%w\" = %s", unknown[i].column, unknown[i].sql);
    }
    if (err == MU_OK)
        err = salvage_text(&s->to, empty, sizeof(empty),
                           SALVAGE_LIST(SALVAGE_QUOTED
                                        " || ' = coalesce(' || " SALVAGE_QUOTED " || ', ' || CASE type "
                                        "WHEN 'TEXT' THEN '''''' WHEN 'BLOB' THEN 'x''''' ELSE '0' END || ')'",
                                        SALVAGE_COLUMNS) " WHERE \"notnull\" AND NOT pk",
                           t->name);
    return err == MU_OK ? salvage_exec(&s->to, "UPDATE temp.found SET %s", empty) : err;
}

static enum mu_err add_found(struct salvaging *s, struct salvaged_table *t, const char *columns)
{
    char needed[512];
    enum mu_err err;

    if ((err = salvage_text(&s->to, needed, sizeof(needed),
                            "SELECT group_concat(" SALVAGE_QUOTED " || ' IS NULL', "
                            "' OR ') FROM (" NEEDED ")",
                            t->name, t->name, t->name)) != MU_OK ||
        (err = salvage_exec(&s->to, "DELETE FROM temp.found WHERE %s", needed)) != MU_OK ||
        (err = fill_unknown(s, t)) != MU_OK ||
        (err = salvage_exec(&s->to, "INSERT OR IGNORE INTO main.\"%w\" (no, %s) SELECT no, %s FROM temp.found", t->name,
                            columns, columns)) != MU_OK)
        return err;
    t->told.by_key = (uint64_t)sqlite3_changes(s->to.handle);
    return MU_OK;
}

enum mu_err salvage_keys(struct salvaging *s, struct salvaged_table *t)
{
    char columns[1024], keys[16];
    enum mu_err err;

    assert(t >= s->tables && t < s->tables + s->count && !t->told.by_key);
    if (!t->told.is_damaged || !t->gives_numbers)
        return MU_OK;
    if ((err = salvage_text(&s->to, keys, sizeof(keys),
                            "SELECT count(*) FROM pragma_index_list('%q') "
                            "WHERE \"unique\" AND NOT partial",
                            t->name)) != MU_OK ||
        strcmp(keys, "0") == 0)
        return err; /* no index tells one row from another */
    if ((err = salvage_text(&s->to, columns, sizeof(columns),
                            SALVAGE_LIST(SALVAGE_QUOTED, SALVAGE_COLUMNS) " WHERE NOT pk", t->name)) != MU_OK ||
        (err = salvage_exec(&s->to, "CREATE TEMP TABLE found (no INTEGER PRIMARY KEY, %s)", columns)) != MU_OK)
        return err;
    if ((err = read_indexes(s, t)) == MU_OK)
        err = add_found(s, t, columns);
    enum mu_err dropped = salvage_exec(&s->to, "DROP TABLE temp.found");
    return err == MU_OK ? dropped : err;
}
