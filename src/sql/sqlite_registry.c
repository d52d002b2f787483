/* The registry as a whole: opening and closing it, and lending a connection to each reader. */
#include "sql/sqlite_registry.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- opening --------------------------------------------------------------------------------------*/

/* SQLite would create the file readable for everybody, but it contains passcodes. The files beside it get the same
 * mode. */
static enum mu_err create_file(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(why, why_size, "%s", strerror(errno));
        return mu_err_of_errno(errno);
    }
    close(fd);
    return MU_OK;
}

static enum mu_err create(struct registry **out, const char *dir, char *why, size_t why_size)
{
    struct registry *reg = calloc(1, sizeof(*reg));

    *out = reg;
    if (!reg)
        return MU_E_NOMEM;
    reg->mark = (struct mark)MARK_CLOSED;
    write_queue_init(reg);
    pthread_mutex_init(&reg->read_lock, NULL);
    int len = snprintf(reg->path, sizeof(reg->path), "%s/" REGISTRY_FILE, dir);
    if (len >= 0 && (size_t)len < sizeof(reg->path))
        return MU_OK;
    snprintf(why, why_size, "the path is too long");
    return MU_E_IO;
}

static void tell_why(enum mu_err err, const char *path, const char *cause, char *why, size_t why_size)
{
    snprintf(why, why_size, "cannot open %s: %s%s", path, *cause ? cause : mu_err_text(err),
             !*cause && err == MU_E_CORRUPT ? DAMAGE_ADVICE : "");
}

/* After a failure the WAL is left as it was. */
static enum mu_err open_writer(struct registry *reg, enum scan_state state, char *why, size_t why_size)
{
    enum mu_err err;
    struct db *db = &reg->writer;

    if ((err = db_open(db, reg->path, false)) != MU_OK)
        return err;
    if ((err = schema_update(db, why, why_size)) == MU_OK && (state == SCAN_PLAIN || state == SCAN_DOUBTFUL) &&
        (err = sqlite_rewrite_file(db, reg->path, state, why, why_size)) == MU_OK)
        err = schema_update(db, why, why_size); /* sets WAL mode again */
    if (err != MU_OK && db->handle)
        db_keep_log(db);
    return err;
}

enum mu_err registry_look(struct registry **out, const char *dir, struct registry_place *place, char *why,
                          size_t why_size)
{
    enum mu_err err;
    char cause[400] = "";
    struct registry *reg;

    if ((err = create(&reg, dir, cause, sizeof(cause))) != MU_OK ||
        (err = sqlite_scan_file(reg->path, &reg->scanned, cause, sizeof(cause))) != MU_OK ||
        (err = registry_trust_check(reg, place, cause, sizeof(cause))) != MU_OK)
        goto out;
    *out = reg;
    reg = NULL;
out:
    if (err != MU_OK && reg)
        tell_why(err, reg->path, cause, why, why_size);
    registry_close(reg);
    return err;
}

enum mu_err registry_begin(struct registry *reg, char *why, size_t why_size)
{
    enum mu_err err;
    char cause[400] = "";

    assert(!reg->unchanged && !reg->writer.handle);
    if ((err = create_file(reg->path, cause, sizeof(cause))) != MU_OK ||
        (err = open_writer(reg, reg->scanned, cause, sizeof(cause))) != MU_OK ||
        (err = feed_clear(&reg->writer)) != MU_OK || (err = registry_trust_begin(reg)) != MU_OK)
        tell_why(err, reg->path, cause, why, why_size);
    return err;
}

enum mu_err registry_open(struct registry **out, const char *dir, char *why, size_t why_size)
{
    struct registry_place place;
    enum mu_err err = registry_look(out, dir, &place, why, why_size);

    if (err == MU_OK && (err = registry_begin(*out, why, why_size)) != MU_OK) {
        registry_close(*out);
        *out = NULL;
    }
    return err;
}

static void reader_close(struct db *db)
{
    db_close(db);
    free(db);
}

/* Opens the first reader. If the file is older, that is an updated copy, and it stays the only reader. */
static enum mu_err read_as_present(struct registry *reg, char *why, size_t why_size)
{
    enum mu_err err;
    struct db *db, *copy = malloc(sizeof(*copy));

    if (!copy)
        return MU_E_NOMEM;
    if ((err = reader_begin(reg, &db)) != MU_OK) {
        free(copy);
        return err;
    }
    err = schema_read(db, copy, &reg->copied, why, why_size);
    reader_end(reg, db);
    if (!reg->copied) {
        free(copy);
        return err;
    }
    while (reg->reader_count > 0)
        reader_close(reg->readers[--reg->reader_count]);
    assert(reg->reader_count == 0);
    reg->readers[reg->reader_count++] = copy;
    return err;
}

enum mu_err registry_open_unchanged(struct registry **out, const char *dir, char *why, size_t why_size)
{
    struct registry_place place;
    char cause[400] = "";
    enum mu_err err = registry_look(out, dir, &place, why, why_size);

    if (err != MU_OK)
        return err;
    (*out)->unchanged = true;
    if ((err = read_as_present(*out, cause, sizeof(cause))) != MU_OK) {
        tell_why(err, (*out)->path, cause, why, why_size);
        registry_close(*out);
        *out = NULL;
    }
    return err;
}

void registry_close(struct registry *reg)
{
    if (!reg)
        return;
    while (reg->reader_count > 0)
        reader_close(reg->readers[--reg->reader_count]);
    /* The writer is closed last: closing the last connection writes the WAL into the file. */
    db_close(&reg->writer);
    mark_close(&reg->mark);
    pthread_mutex_destroy(&reg->read_lock);
    write_queue_free(reg);
    free(reg);
}

/* --- reading --------------------------------------------------------------------------------------*/

static enum mu_err reader_open(struct registry *reg, struct db **out)
{
    enum mu_err err;
    struct db *db = reg->copied ? NULL : malloc(sizeof(*db));

    if (!db)
        return reg->copied ? MU_E_LOCKED : MU_E_NOMEM;
    err = reg->unchanged ? db_open_unchanged(db, reg->path, "") : db_open(db, reg->path, true);
    if (err != MU_OK) {
        free(db);
        return err;
    }
    *out = db;
    return MU_OK;
}

enum mu_err reader_begin(struct registry *reg, struct db **out)
{
    enum mu_err err;
    struct db *db = NULL;

    pthread_mutex_lock(&reg->read_lock);
    assert(reg->reader_count <= READERS_KEPT);
    if (reg->reader_count > 0)
        db = reg->readers[--reg->reader_count];
    pthread_mutex_unlock(&reg->read_lock);

    if (!db && (err = reader_open(reg, &db)) != MU_OK)
        return err;
    if ((err = db_run(db, "BEGIN", NULL, 0)) != MU_OK) {
        reader_close(db);
        return err;
    }
    *out = db;
    return MU_OK;
}

void reader_end(struct registry *reg, struct db *db)
{
    assert(db != &reg->writer && db->handle);
    /* A statement that was not read to its end would keep the transaction open. */
    for (size_t i = 0; i < db->kept_count; i++)
        sqlite3_reset(db->kept[i].statement);
    bool good = db_run(db, "COMMIT", NULL, 0) == MU_OK;

    pthread_mutex_lock(&reg->read_lock);
    if (good && reg->reader_count < READERS_KEPT) {
        reg->readers[reg->reader_count++] = db;
        db = NULL;
    }
    pthread_mutex_unlock(&reg->read_lock);

    if (db)
        reader_close(db);
}

enum mu_err registry_read(struct registry *reg, registry_fn fn, void *arg)
{
    enum mu_err err;
    struct registry_tx tx = { 0 };

    if ((err = reader_begin(reg, &tx.db)) != MU_OK)
        return err;
    err = fn(&tx, arg);
    reader_end(reg, tx.db);
    return err;
}

/* --- totals ---------------------------------------------------------------------------------------*/

enum mu_err db_totals(struct db *db, struct registry_totals *out)
{
    static const char *const sql[] = { "SELECT count(*) FROM enterprise", "SELECT count(*) FROM product",
                                       "SELECT count(*) FROM device", "SELECT count(*) FROM user" };
    uint64_t *const counts[] = { &out->enterprises, &out->products, &out->devices, &out->users };
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < sizeof(sql) / sizeof(*sql) && err == MU_OK; i++) {
        int64_t count = 0;
        err = db_int_of(db, sql[i], NULL, 0, &count);
        *counts[i] = (uint64_t)count;
    }
    return err;
}

static enum mu_err count(struct registry_tx *tx, void *arg)
{
    return db_totals(tx->db, arg);
}

enum mu_err registry_count(struct registry *reg, struct registry_totals *out)
{
    return registry_read(reg, count, out);
}

/* --- facts ----------------------------------------------------------------------------------------*/

struct fact {
    const char *name;
    const char *value;
    char *out;
    size_t size;
    bool fits;
};

static void read_fact(struct db_row *row, void *out)
{
    struct fact *fact = out;

    fact->fits = str_copy(fact->out, fact->size, col_str(row));
}

static enum mu_err get_fact(struct registry_tx *tx, void *arg)
{
    struct fact *fact = arg;
    enum mu_err err =
        db_get(tx->db, "SELECT value FROM fact WHERE name = ?1", DB_VALUES(db_text(fact->name)), read_fact, fact);

    return err == MU_OK && !fact->fits ? MU_E_LIMIT : err;
}

static enum mu_err set_fact(struct registry_tx *tx, void *arg)
{
    const struct fact *fact = arg;
    return db_run(tx->db,
                  "INSERT INTO fact (name, value) VALUES (?1, ?2) "
                  "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  DB_VALUES(db_text(fact->name), db_text(fact->value)));
}

enum mu_err registry_get_fact(struct registry *reg, const char *name, char *out, size_t size)
{
    return registry_read(reg, get_fact, &(struct fact){ .name = name, .out = out, .size = size });
}

enum mu_err registry_set_fact(struct registry *reg, const char *name, const char *value)
{
    return registry_write(reg, set_fact, &(struct fact){ .name = name, .value = value });
}
