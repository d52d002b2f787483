#include "registry/sqlite_registry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "registry/sqlite_pages.h"

#define LOG_RATE  1 /* lines a second about failures, and how many at once */
#define LOG_BURST 5

/* Another process may hold the file for a moment (a backup, sqlite3 on the command line). */
#define BUSY_TIMEOUT_MS 5000

/* Without it a WAL that grew during one long read would keep its size for ever. */
#define SETTINGS \
    "PRAGMA foreign_keys = ON;" \
    "PRAGMA synchronous = FULL;" \
    "PRAGMA journal_size_limit = 67108864;" \
    "PRAGMA temp_store = MEMORY;" \
    "PRAGMA trusted_schema = OFF;" \
    "PRAGMA cell_size_check = ON;"

/* The unique indexes of a million devices are hit at random by each registration. Pages that get free
 * are overwritten: so every page of the file is written at some time, and has its checksum. */
#define WRITER_SETTINGS "PRAGMA page_size = 4096; PRAGMA cache_size = -32768; PRAGMA secure_delete = ON;"

/* Pages that are copied at a time; only memory and fairness depend on it. */
enum { COPY_PAGES = 1024 };

/* Nobody asks SQLite how much memory it has; keeping count takes a lock at each piece of it, a quarter
 * of the time that an import takes. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    pages_register();
}

static void configure_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
}

enum mu_err db_open(struct db *db, const char *path, bool read_only)
{
    enum mu_err err;
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_EXRESCODE;

    *db = (struct db){ 0 };
    configure_once();
    int rc = sqlite3_open_v2(path, &db->handle, flags, PAGES_VFS);
    if (rc != SQLITE_OK) {
        err = db->handle ? db_error(db, rc) : MU_E_NOMEM;
        goto out;
    }
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    if ((err = db_exec(db, SETTINGS)) != MU_OK)
        goto out;
    if (!read_only && (err = db_exec(db, WRITER_SETTINGS)) == MU_OK) {
        /* Of a file that is new, or that VACUUM makes. Last: the size of a page takes it back. */
        int reserved = PAGES_RESERVED;
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    }
out:
    if (err != MU_OK)
        db_close(db);
    return err;
}

/* An empty log has nothing to say, and SQLite would make one that is not there: then the file is all
 * there is, and cannot change. Otherwise the log is read with its index in memory: that is what SQLite
 * does for the one who has locked the file for himself, which takes a file that is open for writing.
 * Nothing is: neither by a statement nor, at the end, by folding the log into the file. */
enum mu_err db_open_unchanged(struct db *db, const char *path)
{
    char *log_path = sqlite3_mprintf("%s-wal", path), *uri = sqlite3_mprintf("file:");
    struct stat st;
    enum mu_err err = MU_E_NOMEM;

    *db = (struct db){ 0 };
    configure_once();
    for (const char *at = path; uri && *at; at++) {
        char *longer = strchr("%?#", *at) ? sqlite3_mprintf("%s%%%02x", uri, (unsigned char)*at)
                                          : sqlite3_mprintf("%s%c", uri, *at);
        sqlite3_free(uri);
        uri = longer;
    }
    if (!log_path || !uri)
        goto out;
    bool has_log = stat(log_path, &st) == 0 && st.st_size > 0;
    if (!has_log) {
        char *longer = sqlite3_mprintf("%s?immutable=1", uri);
        sqlite3_free(uri);
        if (!(uri = longer))
            goto out;
    }
    int rc = sqlite3_open_v2(uri, &db->handle, (has_log ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                             SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI, PAGES_VFS);
    if (rc != SQLITE_OK) {
        err = db->handle ? db_error(db, rc) : MU_E_NOMEM;
        goto out;
    }
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if ((err = db_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON")) == MU_OK)
        err = db_exec(db, SETTINGS);
out:
    sqlite3_free(log_path);
    sqlite3_free(uri);
    if (err != MU_OK)
        db_close(db);
    return err;
}

/* Neither a journal nor a sync: what is lost is made again. */
enum mu_err db_open_temporary(struct db *db)
{
    enum mu_err err;

    *db = (struct db){ 0 };
    configure_once();
    int rc = sqlite3_open_v2("", &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                             SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        err = db->handle ? db_error(db, rc) : MU_E_NOMEM;
    else if ((err = db_exec(db, SETTINGS WRITER_SETTINGS)) == MU_OK)
        err = db_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    if (err != MU_OK)
        db_close(db);
    return err;
}

enum mu_err db_copy(struct db *from, struct db *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    int rc;

    if (!backup)
        return db_error(to, sqlite3_errcode(to->handle));
    do
        rc = sqlite3_backup_step(backup, COPY_PAGES);
    while (rc == SQLITE_OK);
    sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE ? MU_OK : db_error(to, rc);
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < db->kept_count; i++)
        sqlite3_finalize(db->kept[i].statement);
    sqlite3_close(db->handle);
    *db = (struct db){ 0 };
}

static enum mu_err error_of(struct db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return MU_E_NOMEM;
    case SQLITE_FULL:
        return MU_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MU_E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MU_E_LOCKED;
    case SQLITE_TOOBIG:
        return MU_E_LIMIT;
    case SQLITE_IOERR: {
        if (rc == SQLITE_IOERR_DATA)
            return MU_E_CORRUPT;
        /* The shared-memory index only ever fails to grow for want of room, and keeps no errno. */
        int os = sqlite3_system_errno(db->handle);
        return os == ENOSPC || os == EDQUOT || rc == SQLITE_IOERR_SHMSIZE ? MU_E_FULL : MU_E_IO;
    }
    default:
        return MU_E_IO;
    }
}

uint32_t db_damaged_page(struct db *db)
{
    uint32_t page = 0;

    sqlite3_file_control(db->handle, "main", PAGES_FCNTL_DAMAGED, &page);
    return page;
}

enum mu_err db_error(struct db *db, int rc)
{
    uint32_t page = rc == SQLITE_IOERR_DATA && db->handle ? db_damaged_page(db) : 0;
    char damaged[80] = "";

    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return MU_E_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return MU_E_NOT_FOUND;
    default:
        break;
    }
    if (page)
        snprintf(damaged, sizeof(damaged), "page %u is damaged (its checksum is wrong)", page);
    if (bucket_take(&db->log_bucket, LOG_RATE, LOG_BURST, 1, clock_mono_us())) {
        log_event(LOG_ERROR, "registry_failed", "code=%d error=%s suppressed=%u", rc,
                  LOG_Q(page ? damaged : db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc), -1),
                  db->log_suppressed);
        db->log_suppressed = 0;
    } else {
        db->log_suppressed++;
    }
    return error_of(db, rc);
}

static enum mu_err find_statement(struct db *db, const char *sql, sqlite3_stmt **out)
{
    for (size_t i = 0; i < db->kept_count; i++) {
        if (db->kept[i].sql == sql) {
            *out = db->kept[i].statement;
            return MU_OK;
        }
    }

    assert(db->kept_count < DB_STATEMENTS_MAX);
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc != SQLITE_OK)
        return db_error(db, rc);
    db->kept[db->kept_count].sql = sql;
    db->kept[db->kept_count].statement = *out;
    db->kept_count++;
    return MU_OK;
}

static int bind_value(sqlite3_stmt *statement, int at, const struct db_value *v)
{
    switch (v->kind) {
    case DB_NULL:
        return sqlite3_bind_null(statement, at);
    case DB_INT:
        return sqlite3_bind_int64(statement, at, v->integer);
    case DB_REAL:
        return sqlite3_bind_double(statement, at, v->real);
    case DB_TEXT:
        return sqlite3_bind_text64(statement, at, v->bytes, v->len, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BLOB:
        return sqlite3_bind_blob64(statement, at, v->bytes, v->len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

enum mu_err db_query(struct db *db, const char *sql, const struct db_value *values, size_t count,
                     sqlite3_stmt **out)
{
    enum mu_err err;

    if ((err = find_statement(db, sql, out)) != MU_OK)
        return err;
    sqlite3_reset(*out);
    assert((size_t)sqlite3_bind_parameter_count(*out) == count);
    for (size_t i = 0; i < count; i++) {
        int rc = bind_value(*out, (int)i + 1, &values[i]);
        if (rc != SQLITE_OK)
            return db_error(db, rc);
    }
    return MU_OK;
}

enum mu_err db_next(struct db *db, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return MU_OK;
    enum mu_err err = rc == SQLITE_DONE ? MU_E_NOT_FOUND : db_error(db, rc);
    sqlite3_reset(statement);
    return err;
}

enum mu_err db_run(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
    enum mu_err err;
    sqlite3_stmt *statement;

    if ((err = db_query(db, sql, values, count, &statement)) != MU_OK)
        return err;
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        err = db_error(db, rc);
    sqlite3_reset(statement);
    return err;
}

enum mu_err db_exec(struct db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? MU_OK : db_error(db, rc);
}

enum mu_err db_int_of(struct db *db, const char *sql, const struct db_value *values, size_t count,
                      int64_t *out)
{
    enum mu_err err;
    sqlite3_stmt *statement;

    if ((err = db_query(db, sql, values, count, &statement)) != MU_OK ||
        (err = db_next(db, statement)) != MU_OK)
        return err;
    *out = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return MU_OK;
}

enum mu_err db_numbers(struct db *db, const char *sql, const struct db_value *values, size_t count,
                       uint32_t **out, size_t *out_count)
{
    enum mu_err err;
    sqlite3_stmt *statement;
    size_t room = 0;

    *out = NULL;
    *out_count = 0;
    if ((err = db_query(db, sql, values, count, &statement)) != MU_OK)
        return err;
    while ((err = db_next(db, statement)) == MU_OK) {
        if (*out_count == room) {
            room = room ? 2 * room : 8;
            uint32_t *more = realloc(*out, room * sizeof(**out));
            if (!more) {
                sqlite3_reset(statement);
                err = MU_E_NOMEM;
                break;
            }
            *out = more;
        }
        (*out)[(*out_count)++] = (uint32_t)sqlite3_column_int64(statement, 0);
    }
    if (err == MU_E_NOT_FOUND)
        return MU_OK;
    free(*out);
    *out = NULL;
    return err;
}

int64_t row_int(struct db_row *row)
{
    return sqlite3_column_int64(row->statement, row->column++);
}

uint32_t row_no(struct db_row *row)
{
    return (uint32_t)row_int(row);
}

double row_real(struct db_row *row, bool *set)
{
    *set = sqlite3_column_type(row->statement, row->column) != SQLITE_NULL;
    return sqlite3_column_double(row->statement, row->column++);
}

struct str row_str(struct db_row *row)
{
    /* As a blob, since SQLite copies a text to terminate it; a million rows feel that. */
    const char *at = sqlite3_column_blob(row->statement, row->column);
    size_t len = (size_t)sqlite3_column_bytes(row->statement, row->column++);
    return (struct str){ at ? at : "", at ? len : 0 };
}

void row_text(struct db_row *row, char *out, size_t size)
{
    struct str s = row_str(row);
    size_t len = s.len < size ? s.len : size - 1;
    memcpy(out, s.at, len);
    out[len] = '\0';
}

void row_bytes(struct db_row *row, void *out, size_t size)
{
    struct str s = row_str(row);
    memcpy(out, s.at, s.len < size ? s.len : size);
}

enum mu_err db_put_result(struct db *db, enum mu_err err, uint32_t *no)
{
    if (err != MU_OK)
        return err;
    if (*no == 0)
        *no = (uint32_t)sqlite3_last_insert_rowid(db->handle);
    else if (sqlite3_changes(db->handle) == 0)
        return MU_E_NOT_FOUND;
    return MU_OK;
}
