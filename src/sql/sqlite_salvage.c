/* Salvages a damaged registry: the steps in their order, and the numbers that were given. */
#include "sql/sqlite_salvage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sql/sqlite_pages.h"

/* If the last number given cannot be read, it is guessed. So many numbers are left out then: as many as rows that fit
 * on a page or two, since nothing else tells the numbers of lost rows. */
enum { NUMBERS_LEFT_OUT = 1000 };

/* --- statements -----------------------------------------------------------------------------------*/

static enum mu_err prepare_list(struct db *db, sqlite3_stmt **out, const char *format, va_list args)
{
    char *sql = sqlite3_vmprintf(format, args);
    int rc = sql ? sqlite3_prepare_v2(db->handle, sql, -1, out, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return rc == SQLITE_OK ? MU_OK : sqlite_error(db, rc);
}

enum mu_err salvage_prepare(struct db *db, sqlite3_stmt **out, const char *format, ...)
{
    va_list args;

    *out = NULL;
    va_start(args, format);
    enum mu_err err = prepare_list(db, out, format, args);
    va_end(args);
    return err;
}

enum mu_err salvage_exec(struct db *db, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list args;

    va_start(args, format);
    enum mu_err err = prepare_list(db, &statement, format, args);
    va_end(args);
    if (err == MU_OK) {
        int rc = sqlite3_step(statement);
        err = rc == SQLITE_DONE || rc == SQLITE_ROW ? MU_OK : sqlite_error(db, rc);
    }
    sqlite3_finalize(statement);
    return err;
}

enum mu_err salvage_text(struct db *db, char *out, size_t size, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list args;

    out[0] = '\0';
    va_start(args, format);
    enum mu_err err = prepare_list(db, &statement, format, args);
    va_end(args);
    if (err == MU_OK) {
        int rc = sqlite3_step(statement);
        struct db_row row = sqlite_row(statement);
        if (rc == SQLITE_ROW && !str_copy(out, size, col_str(&row)))
            err = MU_E_LIMIT;
        else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            err = sqlite_error(db, rc);
    }
    sqlite3_finalize(statement);
    return err;
}

bool salvage_is_local(int rc)
{
    return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_IOERR;
}

/* --- numbers --------------------------------------------------------------------------------------*/

static struct salvaged_table *find_table(struct salvaging *s, struct str name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq(name, str_of(s->tables[i].name)))
            return &s->tables[i];
    }
    return NULL;
}

/* The feed is for followers only, and begins empty at each start. */
static bool is_feed(const struct salvaged_table *t)
{
    return strcmp(t->name, "change") == 0;
}

/* Reads the last number given of each table. A number that cannot be read stays unknown. */
static enum mu_err read_last(struct salvaging *s)
{
    sqlite3_stmt *statement;
    enum mu_err err = salvage_prepare(&s->from, &statement, "SELECT name, seq FROM sqlite_sequence");
    int rc = SQLITE_DONE;

    while (err == MU_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct db_row row = sqlite_row(statement);
        struct salvaged_table *t = find_table(s, col_str(&row));
        int64_t last = col_int(&row);
        if (t && last > 0 && (last <= UINT32_MAX || is_feed(t)))
            t->last = last;
    }
    sqlite3_finalize(statement);
    return err == MU_OK && rc != SQLITE_DONE && !salvage_is_local(rc) ? sqlite_error(&s->from, rc) : err;
}

/* The highest number among a table's rows and among references to them. It is read before references to nothing are
 * removed. */
static enum mu_err highest_seen(struct db *to, const char *table, int64_t *highest)
{
    sqlite3_stmt *list;
    char number[32];
    enum mu_err err;

    if ((err = salvage_text(to, number, sizeof(number), "SELECT max(rowid) FROM \"%w\"", table)) != MU_OK)
        return err;
    *highest = atoll(number);
    err = salvage_prepare(to, &list,
                          "SELECT t.name, f.\"from\" FROM sqlite_schema t, "
                          "pragma_foreign_key_list(t.name) f WHERE t.type = 'table' AND f.\"table\" = '%q'",
                          table);
    while (err == MU_OK && sqlite3_step(list) == SQLITE_ROW) {
        err = salvage_text(to, number, sizeof(number), "SELECT max(\"%w\") FROM \"%w\"",
                           (const char *)sqlite3_column_text(list, 1), (const char *)sqlite3_column_text(list, 0));
        if (atoll(number) > *highest)
            *highest = atoll(number);
    }
    sqlite3_finalize(list);
    return err;
}

/* The next version of a definition follows the highest row that exists. If rows were lost, the highest version is kept
 * as a fact. */
static enum mu_err keep_versions(struct salvaging *s, const struct salvage *about)
{
    char highest[32];
    const struct salvaged_table *definition = find_table(s, STR("definition")),
                                *product = find_table(s, STR("product"));
    enum mu_err err = salvage_text(&s->to, highest, sizeof(highest), "SELECT max(version) FROM definition");

    assert(definition && product); /* the new registry has all tables */
    bool lost = definition->told.is_damaged || product->told.is_damaged;
    if (err != MU_OK || (!lost && atoll(highest) >= about->last_definition))
        return err;
    return salvage_exec(&s->to,
                        "INSERT OR REPLACE INTO fact (name, value) SELECT 'last_definition', max(v) FROM "
                        "(SELECT %u AS v UNION ALL SELECT max(version) FROM definition UNION ALL "
                        "SELECT max(definition) FROM product)",
                        about->last_definition);
}

static enum mu_err keep_id(struct salvaging *s, const struct salvage *about)
{
    char id[2 * sizeof(about->seen.id) + 1];

    if (!mark_is_id(about->seen.id))
        return MU_OK;
    hex_encode(about->seen.id, sizeof(about->seen.id), id);
    return salvage_exec(&s->to, "INSERT OR IGNORE INTO fact (name, value) VALUES ('id', '%q')", id);
}

static enum mu_err keep_numbers(struct salvaging *s, const struct salvage *about)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < s->count && err == MU_OK; i++) {
        struct salvaged_table *t = &s->tables[i];
        int64_t seen, last = t->last;
        if (!t->gives_numbers)
            continue;
        if ((err = highest_seen(&s->to, t->name, &seen)) != MU_OK)
            break;
        int64_t known = last > 0 ? last : seen;
        if (strcmp(t->name, "device") == 0 && about->seen.device > seen)
            seen = about->seen.device;
        if (is_feed(t) && (int64_t)about->seen.change > seen)
            seen = (int64_t)about->seen.change;
        if (seen > known) /* these numbers were given after the point where the log was cut */
            t->told.missing += (uint64_t)(seen - known);
        if (last == 0 && (seen > 0 || t->told.is_damaged))
            last = seen + NUMBERS_LEFT_OUT;
        if (seen > last)
            last = seen;
        err = salvage_exec(&s->to, "DELETE FROM sqlite_sequence WHERE name = '%q'", t->name);
        if (err == MU_OK && last > 0)
            err = salvage_exec(&s->to, "INSERT INTO sqlite_sequence (name, seq) VALUES ('%q', %lld)", t->name,
                               (long long)last);
    }
    return err == MU_OK ? keep_versions(s, about) : err;
}

/* --- the order ------------------------------------------------------------------------------------*/

static enum mu_err list_tables(struct salvaging *s)
{
    sqlite3_stmt *list;
    enum mu_err err = salvage_prepare(&s->to, &list,
                                      "SELECT name, sql LIKE '%%AUTOINCREMENT%%' FROM sqlite_schema "
                                      "WHERE type = 'table' AND name NOT LIKE 'sqlite_%%'");

    while (err == MU_OK && sqlite3_step(list) == SQLITE_ROW) {
        struct db_row row = sqlite_row(list);
        struct salvaged_table *t = &s->tables[s->count];
        if (s->count == SALVAGE_TABLES_MAX || !str_copy(t->name, sizeof(t->name), col_str(&row))) {
            err = MU_E_LIMIT;
            break;
        }
        t->told.name = t->name;
        t->gives_numbers = col_int(&row) != 0;
        s->count++;
    }
    sqlite3_finalize(list);
    return err;
}

static enum mu_err make_new(struct salvaging *s, const char *path, char *why, size_t why_size)
{
    enum mu_err err;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        snprintf(why, why_size, "cannot make %s: %s", path, strerror(errno));
        return errno == EEXIST ? MU_E_EXISTS : mu_err_of_errno(errno);
    }
    close(fd);
    /* No sync is needed: nobody else uses the file before it is complete. */
    if ((err = sqlite_open(&s->to, path, false)) != MU_OK || (err = schema_update(&s->to, why, why_size)) != MU_OK)
        return err;
    return sqlite_exec(&s->to, "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; "
                               "PRAGMA cache_size = -131072; BEGIN");
}

static enum mu_err copy_all(struct salvaging *s, const struct salvage *about)
{
    enum mu_err err;

    if ((err = list_tables(s)) != MU_OK || (err = read_last(s)) != MU_OK)
        return err;
    for (size_t i = 0; i < s->count && err == MU_OK; i++) {
        if (!is_feed(&s->tables[i]) && (err = salvage_rows(s, &s->tables[i])) == MU_OK)
            err = salvage_keys(s, &s->tables[i]);
    }
    if (err != MU_OK || (err = keep_numbers(s, about)) != MU_OK || (err = keep_id(s, about)) != MU_OK ||
        (err = salvage_agree(&s->to)) != MU_OK)
        return err;
    return sqlite_exec(&s->to, "COMMIT");
}

static enum mu_err tell(struct salvaging *s, const struct salvage *about)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < s->count && err == MU_OK; i++) {
        struct salvage_table *t = &s->tables[i].told;
        char rows[32];
        if ((err = salvage_text(&s->to, rows, sizeof(rows), "SELECT count(*) FROM \"%w\"", t->name)) != MU_OK)
            break;
        uint64_t left = strtoull(rows, NULL, 10), had = t->copied + t->by_key;
        t->dropped = had > left ? had - left : 0;
        t->missing -= t->by_key < t->missing ? t->by_key : t->missing;
        if (!is_feed(&s->tables[i]))
            about->table(about->ctx, t);
    }
    return err;
}

static void remove_new(const char *dir)
{
    static const char *const names[] = { REGISTRY_FILE, REGISTRY_FILE "-wal", REGISTRY_FILE "-shm",
                                         REGISTRY_FILE "-journal", REGISTRY_MARK };
    char path[4200];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
}

enum mu_err registry_salvage(const char *from, const char *to, const struct salvage *about, char *why, size_t why_size)
{
    struct salvaging *s = calloc(1, sizeof(*s));
    char old[4096], new[4096];
    char tables[16];
    struct stat st;
    enum mu_err err;

    assert(about->table && why_size > 0);
    why[0] = '\0';
    if (!s)
        return MU_E_NOMEM;
    snprintf(old, sizeof(old), "%s/" REGISTRY_FILE, from);
    snprintf(new, sizeof(new), "%s/" REGISTRY_FILE, to);
    /* With an empty file SQLite would remove the log. */
    if (stat(old, &st) != 0 || st.st_size == 0 || sqlite_open_unchanged(&s->from, old, PAGES_LENIENT) != MU_OK ||
        salvage_text(&s->from, tables, sizeof(tables), "SELECT count(*) FROM sqlite_schema WHERE name = 'device'") !=
            MU_OK ||
        strcmp(tables, "1") != 0) {
        snprintf(why, why_size, "nothing of %s can be read; bring back a backup (muster restore)", old);
        err = MU_E_CORRUPT;
        goto out;
    }
    if ((err = make_new(s, new, why, why_size)) == MU_E_EXISTS)
        goto out;
    if (err == MU_OK && (err = copy_all(s, about)) == MU_OK && (err = tell(s, about)) == MU_OK)
        err = registry_trust_mark_copy(&s->to, to);
    db_close(&s->to);
    if (err == MU_OK && (err = sqlite_sync_path(new)) == MU_OK)
        err = sqlite_sync_path(to);
    if (err != MU_OK)
        remove_new(to);
out:
    db_close(&s->from);
    free(s);
    if (err != MU_OK && !why[0])
        snprintf(why, why_size, "cannot salvage %s: %s", old, mu_err_text(err));
    return err;
}
