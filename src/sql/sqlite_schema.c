/* The tables, how a file of an older version gets them, and whether a file has them as they were made. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <stdio.h>

#include "base/log.h"
#include "sql/db_driver.h"

/* "must" in ASCII. It distinguishes our files from other programs' databases; file(1) shows it, too. */
#define APPLICATION_ID 0x6d757374

/* Step n updates a file of version n to version n + 1. A step that was released is never changed; a later change is a
 * new step. */
static const char *const steps[] = {
    "CREATE TABLE enterprise ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  enterprise_id TEXT NOT NULL UNIQUE,"
    "  secret_salt BLOB NOT NULL,"
    "  secret_hash BLOB NOT NULL,"
    "  name TEXT NOT NULL,"
    "  hourly_quota INTEGER NOT NULL,"
    "  secret_required INTEGER NOT NULL,"
    "  ip_allow BLOB NOT NULL" /* for each network 16 bytes of address and one of prefix length */
    ") STRICT;"

    "CREATE TABLE product ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  product_key TEXT NOT NULL UNIQUE,"
    "  product_secret TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  remote_control INTEGER NOT NULL,"
    "  registration INTEGER NOT NULL,"
    "  pacing INTEGER NOT NULL,"
    "  definition INTEGER NOT NULL DEFAULT 0" /* the version in force; 0 = none */
    ") STRICT;"

    "CREATE TABLE definition ("
    "  product INTEGER NOT NULL REFERENCES product,"
    "  version INTEGER NOT NULL,"
    "  json TEXT NOT NULL,"
    "  PRIMARY KEY (product, version)"
    ") STRICT;"

    "CREATE TABLE association ("
    "  product INTEGER PRIMARY KEY REFERENCES product,"
    "  enterprise INTEGER NOT NULL REFERENCES enterprise"
    ") STRICT;"
    "CREATE INDEX association_enterprise ON association (enterprise);"

    "CREATE TABLE app ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  appid TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE app_product ("
    "  app INTEGER NOT NULL REFERENCES app,"
    "  product INTEGER NOT NULL REFERENCES product,"
    "  PRIMARY KEY (app, product)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX app_product_product ON app_product (product);"

    "CREATE TABLE user ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  app INTEGER NOT NULL REFERENCES app,"
    "  uid TEXT NOT NULL UNIQUE,"
    "  username TEXT NOT NULL,"
    "  phone TEXT NOT NULL,"
    "  email TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  gender TEXT NOT NULL,"
    "  birthday TEXT NOT NULL,"
    "  address TEXT NOT NULL,"
    "  remark TEXT NOT NULL,"
    "  auth_src TEXT NOT NULL,"
    "  is_anonymous INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL,"
    "  country TEXT NOT NULL,"
    "  region TEXT NOT NULL,"
    "  city TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX user_app ON user (app);"

    "CREATE TABLE device_group ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  product INTEGER NOT NULL REFERENCES product,"
    "  parent INTEGER REFERENCES device_group,"
    "  gid TEXT NOT NULL UNIQUE"
    ") STRICT;"
    "CREATE INDEX device_group_parent ON device_group (parent);"

    "CREATE TABLE device ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  product INTEGER NOT NULL REFERENCES product,"
    "  did TEXT NOT NULL UNIQUE,"
    "  mac TEXT NOT NULL,"
    "  passcode TEXT NOT NULL,"
    "  device_sn TEXT NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  is_disabled INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  country TEXT NOT NULL,"
    "  region TEXT NOT NULL,"
    "  city TEXT NOT NULL,"
    "  place_source INTEGER NOT NULL,"
    "  longitude REAL,"
    "  latitude REAL,"
    "  device_group INTEGER REFERENCES device_group"
    ") STRICT;"
    "CREATE UNIQUE INDEX device_mac ON device (product, mac, passcode);"
    /* At most one registration of a mac is enabled. */
    "CREATE UNIQUE INDEX device_enabled ON device (product, mac) WHERE is_disabled = 0;"
    "CREATE INDEX device_in_group ON device (device_group) WHERE device_group IS NOT NULL;"

    /* Bindings are intervals: reports ask who was bound on a past day. */
    "CREATE TABLE binding ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  device INTEGER NOT NULL REFERENCES device,"
    "  user INTEGER NOT NULL REFERENCES user,"
    "  app INTEGER NOT NULL REFERENCES app,"
    "  is_owner INTEGER NOT NULL,"
    "  since INTEGER NOT NULL,"
    "  until INTEGER" /* NULL: bound now */
    ") STRICT;"
    "CREATE UNIQUE INDEX binding_now ON binding (user, device) WHERE until IS NULL;"
    "CREATE INDEX binding_user ON binding (user);"
    "CREATE INDEX binding_device ON binding (device);"

    "CREATE TABLE token ("
    "  hash BLOB PRIMARY KEY,"
    "  enterprise INTEGER NOT NULL REFERENCES enterprise,"
    "  product INTEGER NOT NULL REFERENCES product,"
    "  expires_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX token_product ON token (product);"
    "CREATE INDEX token_expiry ON token (expires_at);"

    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE change ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  kind INTEGER NOT NULL," /* enum feed_kind says what no and other mean */
    "  no INTEGER NOT NULL,"
    "  other INTEGER NOT NULL,"
    "  hash BLOB"
    ") STRICT;",

    /* What is kept of bindings: when a user was first bound to a device of a product, and to how many of its devices he
     * is bound now. With it the users of a product are counted without reading its bindings. */
    "CREATE TABLE product_user ("
    "  product INTEGER NOT NULL REFERENCES product,"
    "  user INTEGER NOT NULL REFERENCES user,"
    "  first_bound INTEGER NOT NULL,"
    "  devices INTEGER NOT NULL,"
    "  PRIMARY KEY (product, user)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX product_user_bound ON product_user (product, user) WHERE devices > 0;"
    "INSERT INTO product_user SELECT d.product, b.user, min(b.since), sum(b.until IS NULL) "
    "FROM binding b JOIN device d ON d.no = b.device GROUP BY d.product, b.user;"

    /* For searches of users and devices. Most rows have none of these fields. */
    "CREATE INDEX user_username ON user (username) WHERE username <> '';"
    "CREATE INDEX user_phone ON user (phone) WHERE phone <> '';"
    "CREATE INDEX user_email ON user (email) WHERE email <> '';"
    "CREATE INDEX device_sn ON device (product, device_sn) WHERE device_sn <> '';",

    /* Very few users are disabled, so leaving them out costs little. */
    "ALTER TABLE user ADD COLUMN is_disabled INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX user_disabled ON user (no) WHERE is_disabled = 1;"
    "CREATE INDEX product_user_user ON product_user (user);" /* for the deletion of a user */

    /* Who changed something: a row for each transaction. For an enterprise's call it has the request's number, for an
     * operator's command his user id and name. */
    "CREATE TABLE audit ("
    "  no INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at INTEGER NOT NULL," /* microseconds */
    "  enterprise_id TEXT NOT NULL,"
    "  request INTEGER NOT NULL,"
    "  uid INTEGER NOT NULL,"
    "  user TEXT NOT NULL,"
    "  command TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX audit_at ON audit (at);"
    "CREATE TABLE audit_change ("
    "  audit INTEGER NOT NULL REFERENCES audit,"
    "  change INTEGER NOT NULL,"
    "  action TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  id TEXT NOT NULL,"
    "  what TEXT NOT NULL,"
    "  PRIMARY KEY (audit, change)"
    ") STRICT, WITHOUT ROWID;",

    "ALTER TABLE device ADD COLUMN is_barred INTEGER NOT NULL DEFAULT 0;",

    /* Version 5 added an index that proved useless. */
    "",
    "DROP INDEX IF EXISTS user_place;",

    "ALTER TABLE product ADD COLUMN control INTEGER NOT NULL DEFAULT 0;",

    /* An apply without ids searches by name before it makes something new. */
    "CREATE INDEX enterprise_name ON enterprise (name);"
    "CREATE INDEX product_name ON product (name);"
    "CREATE INDEX app_name ON app (name);",
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

static enum mu_err make_fresh(struct db *db)
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
    enum mu_err err = make_fresh(&fresh);

    if (err == MU_OK)
        err = db_each(&fresh, "SELECT type, name, ifnull(sql, '') FROM sqlite_schema", NULL, 0, compare_object,
                      &(struct comparison){ db, f });
    db_close(&fresh);
    return err;
}
