/* The registry as a whole, wherever it is stored: lending a connection to each reader, closing. */
#include "sql/sql_registry.h"

#include <assert.h>
#include <stdlib.h>

struct registry *registry_new(const struct registry_store *store)
{
    struct registry *reg = calloc(1, sizeof(*reg));

    if (!reg)
        return NULL;
    reg->store = store;
    reg->file.mark = (struct mark)MARK_CLOSED;
    write_queue_init(reg);
    pthread_mutex_init(&reg->read_lock, NULL);
    pthread_cond_init(&reg->reader_back, NULL);
    return reg;
}

static void reader_close(struct db *db)
{
    db_close(db);
    free(db);
}

void registry_close_readers(struct registry *reg)
{
    while (reg->reader_count > 0)
        reader_close(reg->readers[--reg->reader_count]);
}

void registry_close(struct registry *reg)
{
    if (!reg)
        return;
    registry_close_readers(reg);
    /* The writer is closed last: closing the last connection to SQLite writes the WAL into the file. */
    db_close(&reg->writer);
    mark_close(&reg->file.mark);
    pthread_cond_destroy(&reg->reader_back);
    pthread_mutex_destroy(&reg->read_lock);
    write_queue_free(reg);
    free(reg->uri);
    free(reg);
}

/* --- reading --------------------------------------------------------------------------------------*/

static enum mu_err reader_open(struct registry *reg, struct db **out)
{
    struct db *db = malloc(sizeof(*db));
    enum mu_err err = db ? reg->store->open_reader(reg, db) : MU_E_NOMEM;

    if (err != MU_OK) {
        free(db);
        return err;
    }
    *out = db;
    return MU_OK;
}

/* An idle connection, or NULL. Waits if too many are lent. */
static struct db *borrow(struct registry *reg)
{
    struct db *db = NULL;

    pthread_mutex_lock(&reg->read_lock);
    while (reg->store->readers_max && reg->readers_lent >= reg->store->readers_max)
        pthread_cond_wait(&reg->reader_back, &reg->read_lock);
    reg->readers_lent++;
    assert(reg->reader_count <= READERS_KEPT);
    if (reg->reader_count > 0)
        db = reg->readers[--reg->reader_count];
    pthread_mutex_unlock(&reg->read_lock);
    return db;
}

/* db: NULL if it is of no use any more. */
static void give_back(struct registry *reg, struct db *db)
{
    pthread_mutex_lock(&reg->read_lock);
    assert(reg->readers_lent > 0);
    reg->readers_lent--;
    if (db && reg->reader_count < READERS_KEPT) {
        reg->readers[reg->reader_count++] = db;
        db = NULL;
    }
    pthread_cond_signal(&reg->reader_back);
    pthread_mutex_unlock(&reg->read_lock);

    if (db)
        reader_close(db);
}

enum mu_err reader_begin(struct registry *reg, struct db **out)
{
    enum mu_err err = MU_OK;
    struct db *db = borrow(reg);

    if ((!db && (err = reader_open(reg, &db)) != MU_OK) || (err = db_begin_read(db)) != MU_OK) {
        if (db)
            reader_close(db);
        give_back(reg, NULL);
        return err;
    }
    *out = db;
    return MU_OK;
}

void reader_end(struct registry *reg, struct db *db)
{
    assert(db != &reg->writer);
    if (!db_end_read(db)) {
        reader_close(db);
        db = NULL;
    }
    give_back(reg, db);
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
                                       "SELECT count(*) FROM device", "SELECT count(*) FROM \"user\"" };
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

enum mu_err registry_count_devices(struct registry *reg, uint32_t *count)
{
    int64_t devices = 0;
    struct db *db;
    enum mu_err err = reader_begin(reg, &db);

    if (err != MU_OK)
        return err;
    err = db_int_of(db, "SELECT count(*) FROM device", NULL, 0, &devices);
    *count = (uint32_t)devices;
    reader_end(reg, db);
    return err;
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
        db_get(tx->db, "SELECT value FROM fact WHERE name = $1", DB_VALUES(db_text(fact->name)), read_fact, fact);

    return err == MU_OK && !fact->fits ? MU_E_LIMIT : err;
}

static enum mu_err set_fact(struct registry_tx *tx, void *arg)
{
    const struct fact *fact = arg;
    return db_run(tx->db,
                  "INSERT INTO fact (name, value) VALUES ($1, $2) "
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
