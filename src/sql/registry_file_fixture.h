#ifndef MUSTER_SQL_REGISTRY_FILE_FIXTURE_H
#define MUSTER_SQL_REGISTRY_FILE_FIXTURE_H

/* What the tests of the file itself share: bytes, pages, copies, a file of an older muster. */
#include <fcntl.h>
#include <sys/stat.h>

#include "sql/registry_fixture.h"

struct file_bytes {
    uint8_t *at;
    size_t len;
};

/* The content of a file. A missing file has no bytes, and at is NULL. */
static inline struct file_bytes file_bytes(const char *path)
{
    struct file_bytes b = { 0 };
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return b;
    assert_int_equal(fstat(fd, &st), 0);
    b.at = malloc((size_t)st.st_size + 1);
    b.len = (size_t)read(fd, b.at, (size_t)st.st_size);
    close(fd);
    return b;
}

static inline void file_put(const char *path, struct file_bytes b)
{
    if (!b.at) {
        unlink(path);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.at, b.len), b.len);
    close(fd);
}

static inline void file_flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static inline size_t file_wrong_pages(const char *path)
{
    struct file_bytes b = file_bytes(path);
    size_t wrong = 0;

    assert_true(b.len > 0 && b.len % PAGES_SIZE == 0);
    for (size_t at = 0; at < b.len; at += PAGES_SIZE)
        wrong += !pages_is_whole(b.at + at, (uint32_t)(at / PAGES_SIZE + 1));
    free(b.at);
    return wrong;
}

/* Where the row of a product is in its table. It is found by the key with the secret after it; indexes have no
 * secret. */
static inline off_t file_find_product(const struct registry_fixture *f, const struct product_row *product)
{
    char row[2 * ID_HEX_LEN + 1];
    struct file_bytes b = file_bytes(f->file);

    snprintf(row, sizeof(row), "%s%s", product->product_key, product->product_secret);
    uint8_t *found = memmem(b.at, b.len, row, strlen(row));
    assert_non_null(found);
    off_t at = found - b.at;
    free(b.at);
    return at;
}

/* A copy of the file and its log, so that a test can damage them again and again. */
struct kept_file {
    char path[2][160];
    struct file_bytes bytes[2];
};

static inline struct kept_file file_keep(const struct registry_fixture *f)
{
    struct kept_file k;

    snprintf(k.path[0], sizeof(k.path[0]), "%s", f->file);
    snprintf(k.path[1], sizeof(k.path[1]), "%s-wal", f->file);
    for (int i = 0; i < 2; i++)
        k.bytes[i] = file_bytes(k.path[i]);
    return k;
}

static inline void file_put_back(const struct registry_fixture *f, const struct kept_file *k)
{
    char index[160];

    for (int i = 0; i < 2; i++)
        file_put(k->path[i], k->bytes[i]);
    snprintf(index, sizeof(index), "%s-shm", f->file);
    unlink(index);
}

static inline bool file_is_as_kept(const struct kept_file *k)
{
    bool same = true;

    for (int i = 0; i < 2; i++) {
        struct file_bytes b = file_bytes(k->path[i]);
        same &=
            !b.at == !k->bytes[i].at && b.len == k->bytes[i].len && (!b.at || memcmp(b.at, k->bytes[i].at, b.len) == 0);
        free(b.at);
    }
    return same;
}

static inline void file_forget(struct kept_file *k)
{
    free(k->bytes[0].at);
    free(k->bytes[1].at);
}

/* --- a file of an older muster ----------------------------------------------------------------------*/

static inline int each_sql(void *db, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    return sqlite3_exec(db, values[0], NULL, NULL, NULL);
}

/* Replaces the closed registry by a file with the same tables but without checksums. */
static inline void file_make_plain(const struct registry_fixture *f)
{
    sqlite3 *db;
    char plain[160], attach[256], marks[120];
    struct file_bytes b = file_bytes(f->file);
    static const char *const steps[] = {
        "SELECT sql FROM src.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
        "ORDER BY type = 'index'",
        "SELECT 'INSERT INTO main.' || name || ' SELECT * FROM src.' || name FROM src.sqlite_schema "
        "WHERE type = 'table' AND name <> 'sqlite_sequence'",
        "SELECT 'DELETE FROM main.sqlite_sequence' UNION ALL "
        "SELECT 'INSERT INTO main.sqlite_sequence SELECT * FROM src.sqlite_sequence'",
    };

    snprintf(plain, sizeof(plain), "%s/plain", f->dir);
    snprintf(attach, sizeof(attach), "ATTACH '%s' AS src", f->file);
    assert_int_equal(sqlite3_open_v2(plain, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        if (sqlite3_exec(db, steps[i], each_sql, db, NULL) != SQLITE_OK)
            fail_msg("%s: %s", steps[i], sqlite3_errmsg(db));
    }
    snprintf(marks, sizeof(marks),
             "PRAGMA application_id = 0x%02x%02x%02x%02x; PRAGMA user_version = %d; "
             "DETACH src; PRAGMA journal_mode = WAL",
             b.at[68], b.at[69], b.at[70], b.at[71], b.at[63]);
    assert_int_equal(sqlite3_exec(db, marks, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(rename(plain, f->file), 0);
    free(b.at);
}

#endif
