/* The tables, how a file of an older version gets them, and whether a file has them as they were made. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "sql/db_driver.h"

/* "must" in ASCII. It distinguishes our files from other programs' databases; file(1) shows it, too. */
#define APPLICATION_ID 0x6d757374

#define NUMBER    "INTEGER PRIMARY KEY AUTOINCREMENT"
#define INT       "INTEGER"
#define REAL      "REAL"
#define TEXT      "TEXT"
#define BLOB      "BLOB"
#define USER      "user"
#define WRITERS   ""
#define TABLE_END ") STRICT;"
#define KEYED_END ") STRICT, WITHOUT ROWID;"

/* Step n updates a file of version n to version n + 1. */
static const char *const steps[] = {
#include "sql/schema_steps.h"
};

enum { PRESENT_VERSION = sizeof(steps) / sizeof(*steps) };

static enum mu_err pragma_int(struct db *db, const char *sql, int64_t *out)
{
    return db_int_of(db, sql, NULL, 0, out);
}

enum mu_err schema_recognise(struct db *db, int64_t *version, char *why, size_t why_size)
{
    enum mu_err err;
    int64_t application = 0, tables = 0;

    if ((err = pragma_int(db, "PRAGMA application_id", &application)) != MU_OK ||
        (err = pragma_int(db, "PRAGMA user_version", version)) != MU_OK ||
        (err = pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables)) != MU_OK)
        return err;
    if (application == 0 && *version == 0 && tables == 0)
        return MU_OK;
    if (application != APPLICATION_ID || *version < 1) {
        snprintf(why, why_size, "it is a database, but not one of muster");
        return MU_E_CORRUPT;
    }
    if (*version > PRESENT_VERSION) {
        snprintf(why, why_size,
                 "it was written by a newer version of muster (its schema is %lld, "
                 "this muster knows %d)",
                 (long long)*version, PRESENT_VERSION);
        return MU_E_SCHEMA;
    }
    return MU_OK;
}

static enum mu_err take_step(struct db *db, int64_t from)
{
    enum mu_err err;
    char mark[96];

    assert(from >= 0 && from < PRESENT_VERSION);
    snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %lld;", APPLICATION_ID,
             (long long)from + 1);
    if ((err = sqlite_exec(db, "BEGIN IMMEDIATE")) != MU_OK)
        return err;
    if ((err = sqlite_exec(db, steps[from])) != MU_OK || (err = sqlite_exec(db, mark)) != MU_OK ||
        (err = sqlite_exec(db, "COMMIT")) != MU_OK)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

static enum mu_err use_wal(struct db *db)
{
    char mode[16];
    enum mu_err err = db_text_of(db, "PRAGMA journal_mode = WAL", NULL, 0, mode, sizeof(mode));

    if (err != MU_OK || strcmp(mode, "wal") == 0)
        return err;
    log_event(LOG_ERROR, "registry_failed", "error=\"the file system does not support WAL\"");
    return MU_E_IO;
}

static enum mu_err take_steps(struct db *db, int64_t version)
{
    enum mu_err err = MU_OK;

    for (; version < PRESENT_VERSION && err == MU_OK; version++)
        err = take_step(db, version);
    return err;
}

enum mu_err schema_update(struct db *db, char *why, size_t why_size)
{
    enum mu_err err;
    int64_t version = 0;

    if ((err = schema_recognise(db, &version, why, why_size)) != MU_OK || (err = use_wal(db)) != MU_OK)
        return err;
    return take_steps(db, version);
}

/* An older file takes the same steps as in an update. */
enum mu_err schema_read(struct db *db, struct db *copy, bool *copied, char *why, size_t why_size)
{
    enum mu_err err;
    int64_t version = 0;

    *copied = false;
    if ((err = schema_recognise(db, &version, why, why_size)) != MU_OK || version == PRESENT_VERSION)
        return err;
    if (version == 0) {
        snprintf(why, why_size, "it is empty");
        return MU_E_CORRUPT;
    }
    if ((err = sqlite_open_temporary(copy)) != MU_OK)
        return err;
    if ((err = sqlite_copy(db, copy)) != MU_OK || (err = take_steps(copy, version)) != MU_OK) {
        if (err == MU_E_FULL)
            snprintf(why, why_size,
                     "there is no room for the copy of it that is upgraded, among "
                     "the temporary files (TMPDIR)");
        db_close(copy);
    }
    *copied = err == MU_OK;
    return err;
}

/* --- comparing ------------------------------------------------------------------------------------*/

enum mu_err schema_fresh(struct db *db)
{
    enum mu_err err = MU_OK;

    *db = (struct db){ .driver = &db_sqlite };
    if (sqlite3_open(":memory:", &db->handle) != SQLITE_OK)
        return MU_E_NOMEM;
    for (size_t i = 0; i < PRESENT_VERSION && err == MU_OK; i++)
        err = sqlite_exec(db, steps[i]);
    return err;
}

struct comparison {
    struct db *db;
    const struct findings *findings;
};

/* Looks in the file for an object that a new file has. */
static enum mu_err compare_object(void *ctx, struct db_row *row)
{
    const struct comparison *c = ctx;
    struct str type = col_str(row), name = col_str(row), sql = col_str(row);
    int64_t same = 0;
    enum mu_err err = db_int_of(c->db, "SELECT ifnull(sql, '') = $3 FROM sqlite_schema WHERE type = $1 AND name = $2",
                                DB_VALUES(db_str(type), db_str(name), db_str(sql)), &same);

    if (err == MU_E_NOT_FOUND)
        findings_mistake(c->findings, "the %.*s %.*s is missing", (int)type.len, type.at, (int)name.len, name.at);
    else if (err == MU_OK && !same)
        findings_mistake(c->findings, "the %.*s %.*s is not as muster made it", (int)type.len, type.at, (int)name.len,
                         name.at);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err schema_compare(struct db *db, const struct findings *f)
{
    struct db fresh;
    enum mu_err err = schema_fresh(&fresh);

    if (err == MU_OK)
        err = db_each(&fresh, "SELECT type, name, ifnull(sql, '') FROM sqlite_schema", NULL, 0, compare_object,
                      &(struct comparison){ db, f });
    db_close(&fresh);
    return err;
}
