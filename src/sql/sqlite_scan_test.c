/* A damaged file is refused before anything is written. A file that is not damaged is opened. */
#include "sql/registry_file_fixture.h"

#include "sql/sqlite_file.h"

enum { PRODUCTS = 60 };

/* Writes so many rows that tables and indexes have inner pages; all pages are in use. */
static void fill(struct registry_fixture *f)
{
    for (int i = 0; i < PRODUCTS; i++)
        fixture_product(f);
    fixture_sql(f, "UPDATE product SET name = 'a long name ' || hex(zeroblob(300))");
}

static enum mu_err open_as_server(struct registry_fixture *f, char *why, size_t why_size)
{
    return registry_open(&f->reg, f->dir, why, why_size);
}

static enum mu_err open_as_check(struct registry_fixture *f, char *why, size_t why_size)
{
    return registry_open_unchanged(&f->reg, f->dir, why, why_size);
}

static void assert_refused(struct registry_fixture *f, const char *what)
{
    static enum mu_err (*const opens[])(struct registry_fixture *, char *, size_t) = { open_as_check, open_as_server };
    struct kept_file harmed = file_keep(f);

    for (size_t i = 0; i < 2; i++) {
        char why[1024] = "";
        enum mu_err err = opens[i](f, why, sizeof(why));
        if (err != MU_E_CORRUPT)
            fail_msg("%s: opening is %s", what, mu_err_text(err));
        assert_null(f->reg);
        assert_non_null(strstr(why, f->file));
        assert_non_null(strstr(why, "muster restore"));
        assert_non_null(strstr(why, "muster repair"));
        if (!file_is_as_kept(&harmed))
            fail_msg("%s: the refused file was changed", what);
    }
    file_forget(&harmed);
}

static void assert_opens_with_all(struct registry_fixture *f, const char *what)
{
    char why[1024] = "";
    struct registry_snapshot *s;
    struct registry_totals totals;

    if (open_as_server(f, why, sizeof(why)) != MU_OK)
        fail_msg("%s: %s", what, why);
    assert_int_equal(registry_freeze(f->reg, fixture_nothing, NULL, &s), MU_OK);
    assert_int_equal(registry_snapshot_count(s, &totals), MU_OK);
    assert_int_equal(totals.products, PRODUCTS);
    registry_snapshot_free(s);
    registry_close(f->reg);
    f->reg = NULL;
}

static void close_registry(struct registry_fixture *f)
{
    registry_close(f->reg);
    f->reg = NULL;
}

static void a_bit_that_flipped_is_refused_wherever_it_is(void **state)
{
    struct registry_fixture *f = *state;
    static const off_t places[] = { 0, 16, 20, 24, 28, 100, 2000, 4087, 4088, 4095 };
    char what[80], why[1024];

    fill(f);
    close_registry(f);
    struct kept_file good = file_keep(f);
    size_t pages = good.bytes[0].len / PAGES_SIZE;
    assert_true(pages > 20);
    for (size_t page = 0; page < pages; page++) {
        for (size_t i = page == 0 ? 0 : 7; i < sizeof(places) / sizeof(*places); i++) {
            file_put_back(f, &good);
            file_flip(f->file, (off_t)(page * PAGES_SIZE) + places[i]);
            snprintf(what, sizeof(what), "page %zu, byte %d", page + 1, (int)places[i]);
            assert_refused(f, what);
        }
        snprintf(what, sizeof(what), "page %zu is damaged", page + 1);
        assert_int_equal(open_as_server(f, why, sizeof(why)), MU_E_CORRUPT);
        assert_non_null(strstr(why, what));
    }
    file_put_back(f, &good);
    assert_opens_with_all(f, "the good file");
    file_forget(&good);
}

static void a_file_that_was_cut_off_is_refused_and_its_log_kept(void **state)
{
    struct registry_fixture *f = *state;
    static const size_t rests[] = { 1, 100, 4095, 4096, 4097, 20000, 40960 };

    fill(f);
    close_registry(f);
    struct kept_file clean = file_keep(f);
    for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
        file_put_back(f, &clean);
        assert_int_equal(truncate(f->file, (off_t)rests[i]), 0);
        assert_refused(f, "cut off");
    }
    assert_int_equal(truncate(f->file, (off_t)clean.bytes[0].len - PAGES_SIZE), 0);
    file_put_back(f, &clean);
    assert_int_equal(truncate(f->file, (off_t)clean.bytes[0].len - 1), 0);
    assert_refused(f, "the last byte");

    /* As after kill -9: only the log has the newest row. */
    file_put_back(f, &clean);
    fixture_reopen(f);
    fixture_product(f);
    struct kept_file killed = file_keep(f);
    close_registry(f);
    assert_true(killed.bytes[1].len > 0);
    for (size_t i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
        file_put_back(f, &killed);
        assert_int_equal(truncate(f->file, (off_t)rests[i]), 0);
        assert_refused(f, "cut off beside a log");
    }
    file_put_back(f, &killed);
    assert_int_equal(truncate(f->file, 0), 0);
    assert_refused(f, "emptied beside a log");
    file_forget(&clean);
    file_forget(&killed);
}

/* The log keeps all pages that a checkpoint writes until they are on disk. */
static void a_checkpoint_that_a_power_cut_tore_is_no_damage(void **state)
{
    struct registry_fixture *f = *state;

    fill(f);
    struct kept_file killed = file_keep(f);
    close_registry(f);
    struct kept_file clean = file_keep(f);
    assert_true(killed.bytes[1].len > clean.bytes[0].len);

    struct file_bytes torn = { malloc(clean.bytes[0].len), clean.bytes[0].len };
    for (int round = 0; round < 4; round++) {
        memset(torn.at, 0, torn.len);
        memcpy(torn.at, killed.bytes[0].at, killed.bytes[0].len);
        /* Every third sector, then every second half of a page, was not written. */
        for (size_t at = 0; at < torn.len; at += 512)
            if (round < 3 ? at / 512 % 3 == (size_t)round : at / 2048 % 2 == 0)
                memcpy(torn.at + at, clean.bytes[0].at + at, 512);
        file_put_back(f, &killed);
        file_put(f->file, torn);
        assert_opens_with_all(f, "torn");
        assert_int_equal(file_wrong_pages(f->file), 0);
    }
    free(torn.at);
    file_forget(&clean);
    file_forget(&killed);
}

static void a_free_page_that_is_damaged_is_mended(void **state)
{
    struct registry_fixture *f = *state;
    static const uint8_t zeros[PAGES_SIZE - PAGES_RESERVED];
    unsigned mended = 0;

    fill(f);
    fixture_sql(f, "CREATE TABLE big AS SELECT hex(zeroblob(30000)) AS x; DROP TABLE big");
    close_registry(f);
    struct kept_file good = file_keep(f);
    size_t len = good.bytes[0].len;
    for (size_t at = 0; at < len; at += PAGES_SIZE) {
        if (memcmp(good.bytes[0].at + at, zeros, sizeof(zeros)) != 0)
            continue; /* in use, or a list of free pages */
        file_put_back(f, &good);
        file_flip(f->file, (off_t)at + 7);
        assert_opens_with_all(f, "a free page");
        assert_int_equal(file_wrong_pages(f->file), 0);
        mended++;
    }
    assert_true(mended > 5);
    file_forget(&good);
}

static void a_file_that_was_never_there_is_made(void **state)
{
    struct registry_fixture *f = *state;
    char why[512], mark[128];

    close_registry(f);
    assert_int_equal(unlink(f->file), 0);
    assert_int_equal(open_as_server(f, why, sizeof(why)), MU_E_CORRUPT);
    assert_non_null(strstr(why, "registry.mark beside it says that there was one"));
    snprintf(mark, sizeof(mark), "%s/registry.mark", f->dir);
    assert_int_equal(unlink(mark), 0);
    assert_int_equal(open_as_server(f, why, sizeof(why)), MU_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bit_that_flipped_is_refused_wherever_it_is),
        TEST(a_file_that_was_cut_off_is_refused_and_its_log_kept),
        TEST(a_checkpoint_that_a_power_cut_tore_is_no_damage),
        TEST(a_free_page_that_is_damaged_is_mended),
        TEST(a_file_that_was_never_there_is_made),
    };
    return cmocka_run_group_tests_name("sqlite_scan", tests, NULL, NULL);
}
