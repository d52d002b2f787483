/* Copying a registry (copy_rows.h), table by table. The tables and their columns are those of a fresh file, so nothing is
 * listed here a second time, and the statements suit both drivers. */
#include "registry/copy_rows.h"

#include <assert.h>
#include <stdio.h>

#include "base/mark.h"
#include "sql/sqlite_file.h"

enum { TABLES_MAX = 32, NAME_LEN = 40 };

struct table {
    char name[NAME_LEN + 2];       /* in quotes */
    char key[NAME_LEN];            /* the column that the database numbers; "": none */
    size_t count;                  /* of columns */
    char kinds[DB_VALUES_MAX + 1]; /* the first letters of their types */
    char read[1400], write[1000], copy[1000], total[200], clear[100];
};

/* Static, since a connection finds its prepared statements by the addresses of their texts. */
static struct table tables[TABLES_MAX];
static size_t table_count;

/* --- the tables -----------------------------------------------------------------------------------*/

static bool is_table(const struct table *t, const char *name)
{
    return strncmp(t->name + 1, name, strlen(name)) == 0 && t->name[strlen(name) + 1] == '"';
}

/* A group after its parent, which may have the higher number. */
#define GROUPS_IN_ORDER                                                                              \
    " JOIN (WITH RECURSIVE down(no, depth) AS (SELECT no, 0 FROM device_group WHERE parent IS NULL " \
    "UNION ALL SELECT g.no, down.depth + 1 FROM device_group g JOIN down ON g.parent = down.no) "    \
    "SELECT no, depth FROM down) AS level USING (no) ORDER BY depth"
/* Facts about one store only, which the other has of its own. */
#define OWN_FACTS "'id', 'commits', 'feed_pruned', '" REGISTRY_HAS_JOURNAL "', '" REGISTRY_COPYING "'"

static const char *order_of(const struct table *t)
{
    return is_table(t, "device_group") ? GROUPS_IN_ORDER
           : is_table(t, "fact")       ? " WHERE name NOT IN (" OWN_FACTS ")"
           : *t->key                   ? " ORDER BY 1"
                                       : "";
}

struct table_reading {
    struct db *db;
    struct table *table;
    char key[NAME_LEN], columns[700], values[200];
};

static enum mu_err add_column(void *ctx, struct db_row *row)
{
    struct table_reading *r = ctx;
    struct str name = col_str(row), kind = col_str(row);
    size_t columns = strlen(r->columns), values = strlen(r->values);
    const char *comma = r->table->count ? ", " : "";

    assert(r->table->count < DB_VALUES_MAX);
    r->table->kinds[r->table->count++] = kind.at[0];
    snprintf(r->columns + columns, sizeof(r->columns) - columns, "%s\"%.*s\"", comma, (int)name.len, name.at);
    snprintf(r->values + values, sizeof(r->values) - values, "%s$%zu", comma, r->table->count);
    if (!*r->key)
        str_copy(r->key, sizeof(r->key), name);
    return MU_OK;
}

static enum mu_err add_table(void *ctx, struct db_row *row)
{
    struct table *t = &tables[table_count++];
    struct table_reading r = { .db = ctx, .table = t };
    struct str found = col_str(row);
    char name[NAME_LEN + 2];
    bool is_numbered = col_int(row);

    assert(table_count <= TABLES_MAX && found.len < NAME_LEN);
    snprintf(name, sizeof(name), "\"%.*s\"", (int)found.len, found.at);
    *t = (struct table){ 0 };
    memcpy(t->name, name, sizeof(name));
    enum mu_err err = db_each(r.db, "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
                              DB_VALUES(db_str(found)), add_column, &r);
    if (is_numbered)
        memcpy(t->key, r.key, sizeof(t->key));
    snprintf(t->read, sizeof(t->read), "SELECT %s FROM %s%s", r.columns, name, order_of(t));
    snprintf(t->write, sizeof(t->write), "INSERT INTO %s (%s) VALUES (%s)", name, r.columns, r.values);
    snprintf(t->copy, sizeof(t->copy), "COPY %s (%s) FROM STDIN (FORMAT binary)", name, r.columns);
    snprintf(t->total, sizeof(t->total), "SELECT count(*) FROM %s%s", name,
             is_table(t, "fact") ? " WHERE name NOT IN (" OWN_FACTS ")" : "");
    snprintf(t->clear, sizeof(t->clear), "TRUNCATE %s CASCADE", name);
    return err;
}

/* In the order in which they were made, so that a row comes after those that it refers to. */
static enum mu_err load_tables(void)
{
    struct db fresh;
    enum mu_err err = schema_fresh(&fresh);

    table_count = 0;
    if (err == MU_OK)
        err = db_each(&fresh,
                      "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema "
                      "WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
                      NULL, 0, add_table, &fresh);
    db_close(&fresh);
    return err;
}

/* --- numbers --------------------------------------------------------------------------------------*/

/* The last number that a table has given. */
static enum mu_err last_number(struct db *db, const struct table *t, int64_t *out)
{
    char name[NAME_LEN];
    bool in_file = db_is_sqlite(db);

    *out = 0;
    snprintf(name, sizeof(name), "%.*s", (int)strlen(t->name) - 2, t->name + 1);
    enum mu_err err =
        in_file ? db_int_of(db, "SELECT seq FROM sqlite_sequence WHERE name = $1", DB_VALUES(db_text(name)), out)
                : db_int_of(db,
                            "SELECT coalesce(last_value, 0) FROM pg_sequences WHERE "
                            "format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence($1, $2)",
                            DB_VALUES(db_text(t->name), db_text(t->key)), out);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

static enum mu_err set_last_number(struct db *db, const struct table *t, int64_t last)
{
    char name[NAME_LEN];
    int64_t set;
    enum mu_err err;

    if (!db_is_sqlite(db))
        return db_int_of(db, "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, 1), $3::bigint > 0)",
                         DB_VALUES(db_text(t->name), db_text(t->key), db_int(last)), &set);
    snprintf(name, sizeof(name), "%.*s", (int)strlen(t->name) - 2, t->name + 1);
    if ((err = db_run(db, "DELETE FROM sqlite_sequence WHERE name = $1", DB_VALUES(db_text(name)))) != MU_OK)
        return err;
    return db_run(db, "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
                  DB_VALUES(db_text(name), db_int(last)));
}

/* --- rows -----------------------------------------------------------------------------------------*/

struct table_copy {
    struct registry *registry; /* the target */
    struct db *from, *to;
    struct db_rows rows_to;
    const struct table *table;
    int64_t rows; /* of the table */
    void (*step)(void *ctx);
    void *ctx;
    char *why;
    size_t why_size;
};

static struct db_value value_of(struct db_row *row, char kind)
{
    bool set, null = col_is_null(row);
    double real;

    switch (kind) {
    case 'I': {
        int64_t integer = col_int(row);
        return null ? (struct db_value){ .kind = DB_NULL } : db_int(integer);
    }
    case 'R': real = col_real(row, &set); return db_real(set, real);
    default: break;
    }
    struct str bytes = col_str(row);
    return null ? (struct db_value){ .kind = DB_NULL } : kind == 'T' ? db_str(bytes) : db_blob(bytes.at, bytes.len);
}

static enum mu_err copy_row(void *ctx, struct db_row *row)
{
    struct table_copy *c = ctx;
    struct db_value values[DB_VALUES_MAX];

    for (size_t i = 0; i < c->table->count; i++)
        values[i] = value_of(row, c->table->kinds[i]);
    c->rows++;
    c->step(c->ctx);
    return db_add_row(&c->rows_to, values, c->table->count);
}

static enum mu_err compare(const struct table_copy *c)
{
    int64_t there = 0;
    enum mu_err err = db_int_of(c->to, c->table->total, NULL, 0, &there);

    if (err != MU_OK || there == c->rows)
        return err;
    snprintf(c->why, c->why_size, "%lld rows of the table %s were copied, and %lld are there", (long long)c->rows,
             c->table->name, (long long)there);
    return MU_E_CORRUPT;
}

static enum mu_err copy_rows(struct table_copy *c)
{
    enum mu_err err = db_begin_rows(&c->rows_to, c->to, c->table->write, c->table->copy);

    if (err == MU_OK)
        err = db_each_big(c->from, c->table->read, NULL, 0, copy_row, c);
    return db_end_rows(&c->rows_to, err);
}

static enum mu_err copy_table(struct table_copy *c, const struct table *t)
{
    bool is_feed = is_table(t, "change");
    int64_t last = 0;
    enum mu_err err = MU_OK;

    c->table = t;
    c->rows = 0;
    if (!is_feed && ((err = copy_rows(c)) != MU_OK || (err = compare(c)) != MU_OK))
        return err;
    if (*t->key && (err = last_number(c->from, t, &last)) == MU_OK)
        err = set_last_number(c->to, t, last);
    return err == MU_OK && is_feed ? feed_forget(c->to, last) : err;
}

/* Both stores of a directory know its id, and so does its mark, which is written after the commit. */
static enum mu_err copy_id(struct table_copy *c)
{
    struct mark_place place;
    char text[2 * sizeof(place.id) + 1];
    enum mu_err err = db_read_place(c->from, &place);

    if (err != MU_OK || !mark_is_id(place.id))
        return err;
    hex_encode(place.id, sizeof(place.id), text);
    memcpy(c->registry->file.place.id, place.id, sizeof(place.id));
    return db_run(c->to, "UPDATE fact SET value = $1 WHERE name = 'id'", DB_VALUES(db_text(text)));
}

static enum mu_err copy_all(struct registry_tx *tx, void *arg)
{
    struct table_copy *c = arg;
    enum mu_err err;

    c->to = tx->db;
    err = copy_id(c);
    for (size_t i = 0; i < table_count && err == MU_OK; i++) {
        err = copy_table(c, &tables[i]);
        if (err != MU_OK && !*c->why)
            snprintf(c->why, c->why_size, "the table %s cannot be copied: %s", tables[i].name, mu_err_text(err));
    }
    return err;
}

enum mu_err registry_copy(struct registry *from, struct registry *to, void (*step)(void *ctx), void *ctx, char *why,
                          size_t why_size)
{
    struct table_copy c = { .registry = to, .step = step, .ctx = ctx, .why = why, .why_size = why_size };
    enum mu_err err;

    if ((err = load_tables()) != MU_OK || (err = reader_begin(from, &c.from)) != MU_OK)
        return err;
    err = registry_write(to, copy_all, &c);
    reader_end(from, c.from);
    return err;
}

/* --- the target -----------------------------------------------------------------------------------*/

static enum mu_err look(struct registry_tx *tx, void *arg)
{
    bool *const *found = arg;
    int64_t copying = 0, rows = 0;
    enum mu_err err =
        db_int_of(tx->db, "SELECT count(*) FROM fact WHERE name = '" REGISTRY_COPYING "'", NULL, 0, &copying);

    *found[0] = copying > 0;
    *found[1] = true;
    for (size_t i = 0; i < table_count && err == MU_OK; i++) {
        err = db_int_of(tx->db, tables[i].total, NULL, 0, &rows);
        *found[1] &= rows == 0;
    }
    return err;
}

enum mu_err registry_look_at_target(struct registry *to, bool *begun, bool *empty)
{
    enum mu_err err = load_tables();
    return err == MU_OK ? registry_read(to, look, (bool *[]){ begun, empty }) : err;
}

static enum mu_err clear(struct registry_tx *tx, void *arg)
{
    enum mu_err err = MU_OK;

    (void)arg;
    assert(!db_is_sqlite(tx->db));
    for (size_t i = 0; i < table_count && err == MU_OK; i++)
        err = is_table(&tables[i], "fact")
                  ? db_run(tx->db, "DELETE FROM fact WHERE name NOT IN ('id', '" REGISTRY_COPYING "')", NULL, 0)
                  : db_run(tx->db, tables[i].clear, NULL, 0);
    return err;
}

enum mu_err registry_clear_target(struct registry *to)
{
    enum mu_err err = load_tables();

    if (err != MU_OK || (err = registry_set_fact(to, REGISTRY_COPYING, "begun")) != MU_OK)
        return err;
    return registry_write(to, clear, NULL);
}

static enum mu_err finish(struct registry_tx *tx, void *arg)
{
    (void)arg;
    return db_run(tx->db, "DELETE FROM fact WHERE name = '" REGISTRY_COPYING "'", NULL, 0);
}

enum mu_err registry_finish_target(struct registry *to)
{
    return registry_write(to, finish, NULL);
}
