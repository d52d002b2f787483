/* How far the registry is, and to which data it belongs. */
#include "sql/sql_registry.h"

static enum mu_err read_fact(struct db *db, const char *name, char *out, size_t size)
{
    *out = '\0';
    enum mu_err err = db_text_of(db, "SELECT value FROM fact WHERE name = $1", DB_VALUES(db_text(name)), out, size);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

/* All zero: the file is empty, or of a version that did not count. */
enum mu_err db_read_place(struct db *db, struct mark_place *out)
{
    char text[40];
    int64_t tables = 1, count;
    enum mu_err err = MU_OK;

    if (db_is_sqlite(db))
        err = db_int_of(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'fact'", NULL, 0, &tables);
    *out = (struct mark_place){ 0 };
    if (err != MU_OK || !tables || (err = read_fact(db, "commits", text, sizeof(text))) != MU_OK)
        return err;
    if (*text && !str_int64(str_of(text), &count))
        return MU_E_CORRUPT;
    out->count = *text ? (uint64_t)count : 0;
    if ((err = read_fact(db, "id", text, sizeof(text))) != MU_OK)
        return err;
    if (*text && (strlen(text) != 2 * sizeof(out->id) || hex_decode(text, strlen(text), out->id) != MU_OK))
        return MU_E_CORRUPT;
    return MU_OK;
}

/* PostgreSQL's sequence also counts numbers that were given in a transaction that was rolled back. */
static enum mu_err last_device(struct db *db, uint32_t *no)
{
    int64_t last = 0;
    enum mu_err err = db_int_of(db,
                                DB_SQL(db, "SELECT seq FROM sqlite_sequence WHERE name = 'device'",
                                       "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM device_no_seq"),
                                NULL, 0, &last);

    *no = (uint32_t)last;
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err db_tell_place(struct db *db, const struct mark_place *at, struct registry_place *out)
{
    char made[8] = "";
    enum mu_err err = feed_last(db, &out->change);

    if (err == MU_OK)
        err = last_device(db, &out->device);
    memcpy(out->id, at->id, sizeof(out->id));
    out->exists = true;
    if (err == MU_OK && mark_is_id(at->id))
        err = read_fact(db, REGISTRY_HAS_JOURNAL, made, sizeof(made));
    out->has_journal = *made != '\0';
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

static enum mu_err get_place(struct registry_tx *tx, void *arg)
{
    struct mark_place at;
    enum mu_err err = db_read_place(tx->db, &at);
    return err == MU_OK ? db_tell_place(tx->db, &at, arg) : err;
}

enum mu_err registry_get_place(struct registry *reg, struct registry_place *out)
{
    *out = (struct registry_place){ 0 };
    return registry_read(reg, get_place, out);
}

/* --- what the journal is compared with ------------------------------------------------------------*/

static enum mu_err get_last(struct registry_tx *tx, void *arg)
{
    return last_device(tx->db, arg);
}

enum mu_err registry_last_device(struct registry *reg, uint32_t *no)
{
    *no = 0;
    return registry_read(reg, get_last, no);
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

/* Through an index, SQLite would read the table at random places. */
#define PLACES(how)                                                       \
    "SELECT product, country, region, city, count(*) FROM device" how " " \
    "WHERE is_disabled = 0 GROUP BY product, country, region, city"

enum mu_err registry_visit_device_places(struct registry *reg,
                                         enum mu_err (*fn)(void *ctx, uint32_t product, const struct place *place,
                                                           uint64_t devices),
                                         void *ctx)
{
    enum mu_err err;
    struct db *db;

    if ((err = reader_begin(reg, &db)) != MU_OK)
        return err;
    err = db_each(db, DB_SQL(db, PLACES(" NOT INDEXED"), PLACES("")), NULL, 0, give_place,
                  &(struct places_visit){ fn, ctx });
    reader_end(reg, db);
    return err;
}
