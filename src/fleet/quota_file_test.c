#include "fleet/quota_file.h"
#include "base/unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* Quotas in a file: they survive the end of the process, and damage costs only what is damaged. */

enum { NOW = 1517384124 };

struct quota_fixture {
    char dir[64], path[80], why[200];
};

static int set_up(void **state)
{
    struct quota_fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/quota_file_test.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/quotas", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct quota_fixture *f = *state;

    if (unlink(f->path) != 0)
        rmdir(f->path);
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct quota_file *open_file(struct quota_fixture *f)
{
    struct quota_file *file;

    assert_int_equal(quota_file_open(&file, f->dir, "quotas", f->why, sizeof(f->why)), MU_OK);
    return file;
}

/* How many of 100 calls the enterprise has left after one more call. */
static uint32_t left_after_a_call(struct quota_file *file, uint32_t enterprise)
{
    struct quota *quota = quota_file_account(file, enterprise);
    struct quota_view view;

    assert_non_null(quota);
    (void)quota_take(quota, 100, NOW, &view);
    return view.remaining;
}

static void what_is_used_up_stays_so_in_another_opening(void **state)
{
    struct quota_file *file = open_file(*state);

    assert_int_equal(left_after_a_call(file, 1), 99);
    assert_int_equal(left_after_a_call(file, 1), 98);
    assert_int_equal(left_after_a_call(file, 2), 99);
    quota_file_close(file);
    file = open_file(*state);
    assert_int_equal(left_after_a_call(file, 1), 97);
    assert_int_equal(left_after_a_call(file, 2), 98);
    assert_int_equal(left_after_a_call(file, 3), 99);
    quota_file_close(file);
}

/* As after a kill: the file is opened again while the old process has not closed it. */
static void nothing_has_to_be_closed_for_it(void **state)
{
    struct quota_file *killed = open_file(*state);

    assert_int_equal(left_after_a_call(killed, 1), 99);
    struct quota_file *file = open_file(*state);
    assert_int_equal(left_after_a_call(file, 1), 98);
    quota_file_close(file);
    quota_file_close(killed);
}

static void accounts_stay_where_they_are_while_others_come(void **state)
{
    struct quota_file *file = open_file(*state);
    struct quota *first = quota_file_account(file, 1);

    assert_int_equal(left_after_a_call(file, 100000), 99);
    assert_ptr_equal(quota_file_account(file, 1), first);
    assert_int_equal(left_after_a_call(file, LIMIT_QUOTA_ACCOUNTS - 1), 99);
    assert_null(quota_file_account(file, LIMIT_QUOTA_ACCOUNTS));
    assert_null(quota_file_account(file, UINT32_MAX));
    quota_file_close(file);
    file = open_file(*state);
    assert_int_equal(left_after_a_call(file, 100000), 98);
    quota_file_close(file);
}

static void use(struct quota_fixture *f)
{
    struct quota_file *file = open_file(f);

    for (int i = 0; i < 50; i++) {
        (void)left_after_a_call(file, 1);
        (void)left_after_a_call(file, 2);
    }
    quota_file_close(file);
}

static void a_damaged_account_begins_anew_and_no_other(void **state)
{
    struct quota_fixture *f = *state;

    for (unsigned bit = 0; bit < 64; bit++) {
        uint8_t byte;
        assert_true(unlink(f->path) == 0 || bit == 0);
        use(f);
        int fd = open(f->path, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, sizeof(struct quota) + bit / 8), 1);
        byte ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(pwrite(fd, &byte, 1, sizeof(struct quota) + bit / 8), 1);
        close(fd);
        struct quota_file *file = open_file(f);
        assert_int_equal(left_after_a_call(file, 1), 99);
        assert_int_equal(left_after_a_call(file, 2), 49);
        quota_file_close(file);
    }
}

static void a_file_that_was_cut_has_the_accounts_that_are_left(void **state)
{
    struct quota_fixture *f = *state;

    use(f);
    assert_int_equal(truncate(f->path, 2 * sizeof(struct quota) + 3), 0);
    struct quota_file *file = open_file(f);
    assert_int_equal(left_after_a_call(file, 1), 49);
    assert_int_equal(left_after_a_call(file, 2), 99);
    quota_file_close(file);
}

static void what_is_no_file_is_refused_by_its_name(void **state)
{
    struct quota_fixture *f = *state;
    struct quota_file *file;

    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(quota_file_open(&file, f->dir, "quotas", f->why, sizeof(f->why)), MU_E_IO);
    assert_non_null(strstr(f->why, f->path));
    assert_null(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(what_is_used_up_stays_so_in_another_opening),        TEST(nothing_has_to_be_closed_for_it),
        TEST(accounts_stay_where_they_are_while_others_come),     TEST(a_damaged_account_begins_anew_and_no_other),
        TEST(a_file_that_was_cut_has_the_accounts_that_are_left), TEST(what_is_no_file_is_refused_by_its_name),
    };
    return cmocka_run_group_tests_name("quota_file", tests, NULL, NULL);
}
