/* Copies the rows of a table from the first one on. Behind a page that cannot be read it goes on: a number on the
 * damaged page cannot be looked up, but the first number behind the page can. */
#include "sql/sqlite_salvage.h"

#include <assert.h>

/* How many numbers are tried one by one after the last row, if it is not known how many there were. */
enum { PROBES = 4096 };

struct copying {
    struct salvaging *s;
    struct salvaged_table *t;
    bool by_number; /* the key's first column is an integer; otherwise nothing can be read behind damage */
    sqlite3_stmt *up, *down, *insert;
    int columns;
    int64_t number; /* the number of the last row that was read */
};

/* If the columns do not fit the table (it is STRICT), the row is damage that no checksum has shown. */
static enum mu_err put_row(struct copying *c, sqlite3_stmt *row)
{
    for (int i = 0; i < c->columns; i++)
        sqlite3_bind_value(c->insert, i + 1, sqlite3_column_value(row, i + 1));
    int rc = sqlite3_step(c->insert);
    sqlite3_reset(c->insert);
    if (rc == SQLITE_DONE)
        c->t->told.copied += sqlite3_changes(c->s->to.handle) > 0;
    else if ((rc & 0xff) == SQLITE_CONSTRAINT)
        c->t->told.is_damaged = true;
    else
        return sqlite_error(&c->s->to, rc);
    return MU_OK;
}

/* Copies rows until one cannot be read. rc: SQLITE_DONE, or why it ended. rows: how many were read. */
static enum mu_err copy_run(struct copying *c, sqlite3_stmt *statement, int64_t from, int *rc, uint64_t *rows)
{
    enum mu_err err = MU_OK;

    assert(statement && c->insert);
    *rows = 0;
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, from);
    while (err == MU_OK && (*rc = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t number = sqlite3_column_int64(statement, 0);
        if (number < from) { /* a damaged inner page led to a wrong place */
            *rc = SQLITE_CORRUPT;
            break;
        }
        err = put_row(c, statement);
        c->number = from = number;
        (*rows)++;
    }
    sqlite3_reset(statement);
    return err != MU_OK || *rc == SQLITE_DONE || salvage_is_local(*rc) ? err : sqlite_error(&c->s->from, *rc);
}

static enum mu_err copy_upwards(struct copying *c)
{
    int64_t lost = 0; /* the first number that could not be read; 0: the last read worked */
    unsigned probes = 0;

    for (int64_t from = INT64_MIN;;) {
        uint64_t rows;
        int rc = SQLITE_DONE;
        assert(!lost || lost <= from);
        enum mu_err err = copy_run(c, c->up, from, &rc, &rows);
        if (err != MU_OK)
            return err;
        if (lost && (rows > 0 || rc == SQLITE_DONE)) {
            c->t->told.missing += (uint64_t)(from - lost);
            lost = 0;
        }
        if (rc == SQLITE_DONE)
            return MU_OK;
        c->t->told.is_damaged = true;
        if (!c->by_number || c->number == INT64_MAX)
            return MU_OK;
        probes = rows > 0 ? 0 : probes + 1;
        from = rows > 0 ? c->number + 1 : from < 1 ? 1 : from + 1;
        if (!lost)
            lost = from;
        if (c->t->last ? from > c->t->last : probes > PROBES) {
            c->t->told.missing += (uint64_t)(from - lost);
            return MU_OK;
        }
    }
}

struct table_sql {
    char columns[1024], places[256];
    char key[128], down[256]; /* the order of the rows, and the opposite order */
    char number[64];          /* the first column of the key if that is an integer, else "" */
};

#define KEY "(SELECT name FROM " SALVAGE_COLUMNS " WHERE pk > 0 ORDER BY pk)"

static enum mu_err describe(struct db *from, const char *name, struct table_sql *t)
{
    char without_rowid[8];
    enum mu_err err;

    if ((err = salvage_text(from, t->columns, sizeof(t->columns), SALVAGE_LIST(SALVAGE_QUOTED, SALVAGE_COLUMNS),
                            name)) != MU_OK ||
        (err = salvage_text(from, t->places, sizeof(t->places), SALVAGE_LIST("'?' || (cid + 1)", SALVAGE_COLUMNS),
                            name)) != MU_OK ||
        (err = salvage_text(from, t->key, sizeof(t->key), SALVAGE_LIST("name", KEY), name)) != MU_OK ||
        (err = salvage_text(from, t->down, sizeof(t->down), SALVAGE_LIST("name || ' DESC'", KEY), name)) != MU_OK ||
        (err = salvage_text(from, t->number, sizeof(t->number),
                            "SELECT name FROM " SALVAGE_COLUMNS " WHERE pk = 1 AND type = 'INTEGER'", name)) != MU_OK ||
        (err = salvage_text(from, without_rowid, sizeof(without_rowid),
                            "SELECT wr FROM pragma_table_list "
                            "WHERE schema = 'main' AND name = '%q'",
                            name)) != MU_OK)
        return err;
    if (strcmp(without_rowid, "1") != 0) {
        strcpy(t->key, "rowid");
        strcpy(t->down, "rowid DESC");
        strcpy(t->number, "rowid");
    }
    return MU_OK;
}

/* MU_E_NOT_FOUND: the registry is older than the table. Each column that the old table has, the new one has, too. */
static enum mu_err prepare(struct copying *c)
{
    struct db *from = &c->s->from;
    const char *name = c->t->name;
    struct table_sql t;
    enum mu_err err;

    if ((err = describe(from, name, &t)) != MU_OK || !t.columns[0])
        return err == MU_OK ? MU_E_NOT_FOUND : err;
    c->by_number = t.number[0] != '\0';
    err = c->by_number ? salvage_prepare(from, &c->up,
                                         "SELECT %s, %s FROM \"%w\" NOT INDEXED WHERE %s >= ?1 "
                                         "ORDER BY %s",
                                         t.number, t.columns, name, t.number, t.key)
                       : salvage_prepare(from, &c->up, "SELECT 0, %s FROM \"%w\" NOT INDEXED ORDER BY %s", t.columns,
                                         name, t.key);
    if (err != MU_OK ||
        (err = salvage_prepare(from, &c->down, "SELECT 0, %s FROM \"%w\" NOT INDEXED ORDER BY %s", t.columns, name,
                               t.down)) != MU_OK ||
        (err = salvage_prepare(&c->s->to, &c->insert, "INSERT OR IGNORE INTO \"%w\" (%s) VALUES (%s)", name, t.columns,
                               t.places)) != MU_OK)
        return err;
    c->columns = sqlite3_bind_parameter_count(c->insert);
    return MU_OK;
}

enum mu_err salvage_rows(struct salvaging *s, struct salvaged_table *t)
{
    struct copying c = { .s = s, .t = t };
    enum mu_err err;
    uint64_t rows;
    int rc;

    assert(t >= s->tables && t < s->tables + s->count);
    if ((err = prepare(&c)) != MU_OK)
        goto out;
    (void)sqlite_damaged_page(&s->from); /* forgets a damaged page of the schema */
    if ((err = copy_upwards(&c)) != MU_OK)
        goto out;
    t->told.is_damaged |= sqlite_damaged_page(&s->from) != 0;
    if (t->told.is_damaged)
        err = copy_run(&c, c.down, INT64_MIN, &rc, &rows);
out:
    sqlite3_finalize(c.up);
    sqlite3_finalize(c.down);
    sqlite3_finalize(c.insert);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}
