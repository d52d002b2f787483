/* The file's pages have checksums. */
#include "registry/registry_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "registry/sqlite_registry.h"

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat st;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    uint8_t *bytes = malloc((size_t)st.st_size);
    *size = fread(bytes, 1, (size_t)st.st_size, file);
    fclose(file);
    return bytes;
}

static enum mu_err nothing(void *ctx)
{
    (void)ctx;
    return MU_OK;
}

static size_t wrong_pages(const char *path)
{
    size_t size, wrong = 0;
    uint8_t *bytes = read_file(path, &size);

    assert_int_equal(size % PAGES_SIZE, 0);
    assert_true(size > 0);
    for (size_t at = 0; at < size; at += PAGES_SIZE)
        wrong += !pages_is_whole(bytes + at, (uint32_t)(at / PAGES_SIZE + 1));
    free(bytes);
    return wrong;
}

static void flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static enum mu_err delete_product(struct registry_tx *tx, void *arg)
{
    return tx_delete(tx, KIND_PRODUCT, *(uint32_t *)arg);
}

/* Written by checkpoints while it is used and at the end, with pages that get free and are used anew. */
static void each_page_has_its_checksum(void **state)
{
    struct fixture *f = *state;
    uint32_t products[300];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++)
            products[i] = fixture_product(f);
        for (int i = 0; i < 290; i++)
            assert_int_equal(registry_write(f->reg, delete_product, &products[i]), MU_OK);
        fixture_reopen(f);
        assert_int_equal(wrong_pages(f->file), 0);
    }
}

static void a_plain_sqlite_reads_the_file(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    sqlite3_stmt *statement;

    fixture_product(f);
    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(sqlite3_open_v2(f->file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void a_copy_has_checksums_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct registry_snapshot *s;
    char path[160];

    for (int i = 0; i < 300; i++)
        fixture_product(f);
    assert_int_equal(registry_freeze(f->reg, nothing, NULL, &s), MU_OK);
    snprintf(path, sizeof(path), "%s/copy", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(registry_snapshot_write(s, path), MU_OK);
    registry_snapshot_free(s);
    snprintf(path, sizeof(path), "%s/copy/registry.db", f->dir);
    assert_int_equal(wrong_pages(path), 0);
}

static void page_of_a_row(struct fixture *f, const char *needle, off_t *at)
{
    size_t size;
    uint8_t *bytes = read_file(f->file, &size);
    uint8_t *found = memmem(bytes, size, needle, strlen(needle));

    assert_non_null(found);
    *at = found - bytes;
    free(bytes);
}

static enum mu_err read_product(struct registry_tx *tx, void *arg)
{
    return tx_product_by_no(tx, 1, arg);
}

/* The name of a product is in no index: SQLite by itself reads what is there. */
static void a_bit_that_flips_while_the_file_is_used_is_not_read_as_true(void **state)
{
    struct fixture *f = *state;
    struct product_row product = { .name = "a name of its own" };
    off_t at;

    id_new_hex(product.product_key);
    assert_int_equal(fixture_put(f, .product = &product), MU_OK);
    fixture_reopen(f);
    page_of_a_row(f, product.name, &at);
    flip(f->file, at + 2);
    assert_int_equal(registry_read(f->reg, read_product, &product), MU_E_CORRUPT);
    flip(f->file, at + 2);
    assert_int_equal(registry_read(f->reg, read_product, &product), MU_OK);
}

static void a_page_in_the_wrong_place_is_found(void **state)
{
    uint8_t *bytes;
    size_t size;
    struct fixture *f = *state;

    fixture_reopen(f);
    bytes = read_file(f->file, &size);
    assert_true(pages_is_whole(bytes + PAGES_SIZE, 2));
    assert_false(pages_is_whole(bytes + PAGES_SIZE, 3));
    free(bytes);
}

/* Were it taken for one of an older muster, it would be read without checksums. */
static void damage_of_the_first_page_does_not_hide_the_checksums(void **state)
{
    struct fixture *f = *state;
    size_t size;

    fixture_reopen(f);
    uint8_t *first = read_file(f->file, &size);
    for (size_t bit = 0; bit < 8 * PAGES_SIZE; bit++) {
        first[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(pages_kind_of(first), PAGES_SUMMED);
        assert_false(pages_is_whole(first, 1));
        first[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_page_has_its_checksum),
        TEST(a_plain_sqlite_reads_the_file),
        TEST(a_copy_has_checksums_of_its_own),
        TEST(a_bit_that_flips_while_the_file_is_used_is_not_read_as_true),
        TEST(a_page_in_the_wrong_place_is_found),
        TEST(damage_of_the_first_page_does_not_hide_the_checksums),
    };
    return cmocka_run_group_tests_name("sqlite_pages", tests, NULL, NULL);
}
