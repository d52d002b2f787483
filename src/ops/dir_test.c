/* Nothing inside a directory is reached by a link, and only regular files are opened. */
#include "ops/dir_fixture.h"

struct dir_fixture {
    char path[64];
    int at; /* PATH/inside */
};

/* inside/file and inside/sub/file belong to the test; outside/file must never be reached from inside. */
static int setup(void **state)
{
    struct dir_fixture *f = calloc(1, sizeof(*f));

    *state = f;
    strcpy(f->path, "/tmp/dir_test.XXXXXX");
    assert_non_null(mkdtemp(f->path));
    int root = dir_open(f->path);
    put_file(root, "inside/file", "inside");
    put_file(root, "inside/sub/file", "below");
    put_file(root, "outside/file", "outside");
    f->at = dir_open_in(root, "inside");
    assert_true(f->at >= 0);
    close(root);
    return 0;
}

static int teardown(void **state)
{
    struct dir_fixture *f = *state;

    close(f->at);
    dir_remove_tree(AT_FDCWD, f->path);
    assert_int_not_equal(access(f->path, F_OK), 0);
    free(f);
    return 0;
}

static void must_refuse(struct dir_fixture *f, const char *path, enum mu_err expected, const char *reason)
{
    char why[512] = "";
    int fd;

    assert_int_equal(dir_open_file(f->at, path, &fd, why, sizeof(why)), expected);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, reason));
}

static void files_are_opened_also_in_directories_inside(void **state)
{
    struct dir_fixture *f = *state;

    must_lie_in(f->at, "file", "inside");
    must_lie_in(f->at, "sub/file", "below");
    must_refuse(f, "none", MU_E_NOT_FOUND, "No such file");
    must_refuse(f, "none/file", MU_E_NOT_FOUND, "No such file");
}

static void what_is_reached_by_a_link_is_not_opened(void **state)
{
    struct dir_fixture *f = *state;

    assert_int_equal(symlinkat("../outside/file", f->at, "link"), 0);
    assert_int_equal(symlinkat("../outside", f->at, "away"), 0);
    assert_int_equal(symlinkat("sub", f->at, "near"), 0);
    must_refuse(f, "link", MU_E_REFUSED, "symbolic link");
    must_refuse(f, "away/file", MU_E_REFUSED, "symbolic link");
    must_refuse(f, "near/file", MU_E_REFUSED, "symbolic link");
}

static void what_is_no_file_is_not_opened_and_nobody_waits_for_it(void **state)
{
    struct dir_fixture *f = *state;

    assert_int_equal(mkfifoat(f->at, "pipe", 0600), 0);
    must_refuse(f, "pipe", MU_E_REFUSED, "no regular file");
    must_refuse(f, "sub", MU_E_REFUSED, "no regular file");
}

static void root_does_not_open_what_another_user_has_linked_to(void **state)
{
    struct dir_fixture *f = *state;

    if (geteuid() != 0)
        skip();
    assert_int_equal(linkat(f->at, "../outside/file", f->at, "sub/hard", 0), 0);
    must_lie_in(f->at, "sub/hard", "outside");
    assert_int_equal(fchownat(f->at, "sub", 12345, 12345, 0), 0);
    must_refuse(f, "sub/hard", MU_E_REFUSED, "another user");
    must_refuse(f, "sub/file", MU_E_REFUSED, "another user");
    assert_int_equal(fchownat(f->at, "sub/file", 12345, 12345, 0), 0);
    must_lie_in(f->at, "sub/file", "below");
}

static void a_file_is_made_only_where_there_is_none_and_not_behind_a_link(void **state)
{
    struct dir_fixture *f = *state;
    struct stat st;

    assert_int_equal(symlinkat("../outside/new", f->at, "link"), 0);
    assert_int_equal(symlinkat("../outside", f->at, "away"), 0);
    assert_int_equal(dir_create_file(f->at, "file"), -1);
    assert_int_equal(dir_create_file(f->at, "link"), -1);
    assert_int_equal(dir_create_file(f->at, "away/new"), -1);
    assert_int_not_equal(fstatat(f->at, "../outside/new", &st, 0), 0);
    put_file(f->at, "made/new", "new");
    must_lie_in(f->at, "made/new", "new");
    assert_int_equal(fstatat(f->at, "made", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void what_is_removed_is_inside(void **state)
{
    struct dir_fixture *f = *state;
    struct stat st;

    assert_int_equal(symlinkat("../../outside", f->at, "sub/away"), 0);
    assert_int_equal(symlinkat("../outside", f->at, "away"), 0);
    dir_remove_tree(f->at, "sub");
    dir_remove_tree(f->at, "away");
    dir_remove_tree(f->at, "none");
    assert_int_not_equal(fstatat(f->at, "sub", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_not_equal(fstatat(f->at, "away", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(fstatat(f->at, "../outside/file", &st, 0), 0);
    must_lie_in(f->at, "file", "inside");
}

#define in_a_directory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_directory(files_are_opened_also_in_directories_inside),
        in_a_directory(what_is_reached_by_a_link_is_not_opened),
        in_a_directory(what_is_no_file_is_not_opened_and_nobody_waits_for_it),
        in_a_directory(root_does_not_open_what_another_user_has_linked_to),
        in_a_directory(a_file_is_made_only_where_there_is_none_and_not_behind_a_link),
        in_a_directory(what_is_removed_is_inside),
    };
    return cmocka_run_group_tests_name("dir", tests, NULL, NULL);
}
