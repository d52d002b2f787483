/* Checksums of the file's pages. */
#include "sql/registry_file_fixture.h"

#include "sql/sqlite_file.h"

static enum mu_err delete_product(struct registry_tx *tx, void *arg)
{
    return tx_delete(tx, KIND_PRODUCT, *(uint32_t *)arg);
}

/* Pages are written by checkpoints during use and at the end, and some become free and are used again. */
static void each_page_has_its_checksum(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t products[300];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++)
            products[i] = fixture_product(f);
        for (int i = 0; i < 290; i++)
            assert_int_equal(registry_write(f->reg, delete_product, &products[i]), MU_OK);
        fixture_reopen(f);
        assert_int_equal(file_wrong_pages(f->file), 0);
    }
}

static void a_plain_sqlite_reads_the_file(void **state)
{
    struct registry_fixture *f = *state;
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
    struct registry_fixture *f = *state;
    struct registry_snapshot *s;
    char path[160];

    for (int i = 0; i < 300; i++)
        fixture_product(f);
    assert_int_equal(registry_freeze(f->reg, fixture_nothing, NULL, &s), MU_OK);
    snprintf(path, sizeof(path), "%s/copy", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(registry_snapshot_write(s, path), MU_OK);
    registry_snapshot_free(s);
    snprintf(path, sizeof(path), "%s/copy/registry.db", f->dir);
    assert_int_equal(file_wrong_pages(path), 0);
}

static enum mu_err read_product(struct registry_tx *tx, void *arg)
{
    return tx_product_by_no(tx, 1, arg);
}

/* The secret of a product is in no index, so SQLite alone would accept what it reads. */
static void a_bit_that_flips_while_the_file_is_used_is_not_read_as_true(void **state)
{
    struct registry_fixture *f = *state;
    struct product_row product = { .name = "heater" };

    id_new_hex(product.product_key);
    id_new_hex(product.product_secret);
    assert_int_equal(fixture_put(f, .product = &product), MU_OK);
    fixture_reopen(f);
    off_t at = file_find_product(f, &product) + ID_HEX_LEN;
    file_flip(f->file, at);
    assert_int_equal(registry_read(f->reg, read_product, &product), MU_E_CORRUPT);
    file_flip(f->file, at);
    assert_int_equal(registry_read(f->reg, read_product, &product), MU_OK);
}

static void a_page_in_the_wrong_place_is_found(void **state)
{
    struct registry_fixture *f = *state;

    fixture_reopen(f);
    struct file_bytes b = file_bytes(f->file);
    assert_true(pages_is_whole(b.at + PAGES_SIZE, 2));
    assert_false(pages_is_whole(b.at + PAGES_SIZE, 3));
    free(b.at);
}

/* If the file were taken for one of an older muster, it would be read without checksums. */
static void damage_of_the_first_page_does_not_hide_the_checksums(void **state)
{
    struct registry_fixture *f = *state;

    fixture_reopen(f);
    struct file_bytes b = file_bytes(f->file);
    for (size_t bit = 0; bit < 8 * PAGES_SIZE; bit++) {
        b.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(pages_kind_of(b.at), PAGES_SUMMED);
        assert_false(pages_is_whole(b.at, 1));
        b.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(b.at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_page_has_its_checksum),         TEST(a_plain_sqlite_reads_the_file),
        TEST(a_copy_has_checksums_of_its_own),    TEST(a_bit_that_flips_while_the_file_is_used_is_not_read_as_true),
        TEST(a_page_in_the_wrong_place_is_found), TEST(damage_of_the_first_page_does_not_hide_the_checksums),
    };
    return cmocka_run_group_tests_name("sqlite_pages", tests, NULL, NULL);
}
