/* The file: who may open it, and which files are refused. */
#include "sql/registry_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static enum mu_err try_open(struct registry_fixture *f, char *why, size_t why_size)
{
    struct registry *other = NULL;
    enum mu_err err = registry_open(&other, f->dir, why, why_size);
    registry_close(other);
    return err;
}

static void overwrite(struct registry_fixture *f, const void *bytes, size_t len, off_t at)
{
    int fd = open(f->file, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void a_newer_schema_is_refused_with_a_sentence(void **state)
{
    struct registry_fixture *f = *state;
    char why[512] = "";

    registry_close(f->reg);
    f->reg = NULL;
    fixture_sql(f, "PRAGMA user_version = 4711");
    assert_int_equal(try_open(f, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "newer version of muster"));
    assert_non_null(strstr(why, "4711"));
    assert_non_null(strstr(why, f->file));
}

static void what_is_no_database_is_refused(void **state)
{
    struct registry_fixture *f = *state;
    char why[512] = "", garbage[8192];

    registry_close(f->reg);
    f->reg = NULL;
    memset(garbage, 'x', sizeof(garbage));
    overwrite(f, garbage, sizeof(garbage), 0);
    assert_int_equal(try_open(f, why, sizeof(why)), MU_E_CORRUPT);
    assert_non_null(strstr(why, "damaged"));
}

static void a_file_that_was_cut_off_is_refused(void **state)
{
    struct registry_fixture *f = *state;
    char why[512] = "";

    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(truncate(f->file, 8192), 0);
    assert_int_equal(try_open(f, why, sizeof(why)), MU_E_CORRUPT);
}

static void a_damaged_table_is_reported_by_who_reads_it(void **state)
{
    struct registry_fixture *f = *state;
    struct registry_visitor v = { 0 };
    char garbage[4096];
    uint64_t seq = 0;
    struct stat st;

    for (int i = 0; i < 50; i++)
        fixture_product(f);
    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(stat(f->file, &st), 0);
    memset(garbage, 0xa5, sizeof(garbage));
    for (off_t at = 4096; at < st.st_size; at += 4096) /* all pages but the schema's */
        overwrite(f, garbage, sizeof(garbage), at);
    struct registry *reg = NULL;
    char why[512] = "";
    enum mu_err err = registry_open(&reg, f->dir, why, sizeof(why));
    if (err == MU_OK)
        err = registry_visit_all(reg, &v, &seq);
    registry_close(reg);
    assert_int_equal(err, MU_E_CORRUPT);
}

static void a_database_of_somebody_else_is_left_alone(void **state)
{
    struct registry_fixture *f = *state;
    char why[512] = "";

    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(unlink(f->file), 0);
    fixture_sql(f, "CREATE TABLE theirs (x)");
    assert_int_equal(try_open(f, why, sizeof(why)), MU_E_CORRUPT);
    assert_non_null(strstr(why, "not one of muster"));
    fixture_sql(f, "SELECT x FROM theirs");
}

static void a_missing_directory_is_an_error_that_names_it(void **state)
{
    struct registry *reg = NULL;
    char why[512] = "";

    (void)state;
    assert_int_equal(registry_open(&reg, "/tmp/muster-nowhere/at-all", why, sizeof(why)), MU_E_IO);
    assert_non_null(strstr(why, "/tmp/muster-nowhere/at-all"));
    assert_non_null(strstr(why, "No such file"));
}

static void only_the_owner_may_read_the_file(void **state)
{
    struct registry_fixture *f = *state;
    char name[160];
    struct stat st;

    fixture_product(f);
    static const char *const endings[] = { "", "-wal" };
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s%s", f->file, endings[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_newer_schema_is_refused_with_a_sentence),
        with_registry(what_is_no_database_is_refused),
        with_registry(a_file_that_was_cut_off_is_refused),
        with_registry(a_damaged_table_is_reported_by_who_reads_it),
        with_registry(a_database_of_somebody_else_is_left_alone),
        cmocka_unit_test(a_missing_directory_is_an_error_that_names_it),
        with_registry(only_the_owner_may_read_the_file),
    };
    return cmocka_run_group_tests_name("registry_file", tests, NULL, NULL);
}
