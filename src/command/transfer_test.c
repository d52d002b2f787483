/* A transfer takes what the manifest says, whatever is in the directory by now. */
#include "command/transfer.h"
#include "ops/dir_fixture.h"

struct transfer_fixture {
    char path[64];
    int from, to;
    struct manifest manifest;
};

/* Two files with digests, and one without: a table of the journal. */
static int setup(void **state)
{
    struct transfer_fixture *f = calloc(1, sizeof(*f));
    char why[512];

    *state = f;
    strcpy(f->path, "/tmp/transfer_test.XXXXXX");
    assert_non_null(mkdtemp(f->path));
    int root = dir_open(f->path);
    put_file(root, "from/registry.db", "registry");
    put_file(root, "from/journal/CURRENT", "current");
    put_file(root, "from/journal/000001.sst", "table");
    assert_int_equal(mkdirat(root, "to", 0700), 0);
    f->from = dir_open_in(root, "from");
    f->to = dir_open_in(root, "to");
    close(root);
    assert_int_equal(manifest_gather(&f->manifest, f->from, why, sizeof(why)), MU_OK);
    assert_int_equal(f->manifest.file_count, 3);
    return 0;
}

static int teardown(void **state)
{
    struct transfer_fixture *f = *state;

    close(f->from);
    close(f->to);
    manifest_free(&f->manifest);
    dir_remove_tree(AT_FDCWD, f->path);
    free(f);
    return 0;
}

static enum mu_err run(struct transfer_fixture *f, bool link, bool as_it_is, char why[512])
{
    struct transfer t = {
        .about = "test", .from = f->from, .to = f->to, .to_name = "to", .link = link, .as_it_is = as_it_is
    };
    return transfer_run(&t, &f->manifest, why, 512);
}

static void must_be_refused(struct transfer_fixture *f, enum mu_err expected, const char *reason)
{
    for (int link = 0; link < 2; link++) {
        char why[512] = "";
        assert_int_equal(run(f, link, false, why), expected);
        assert_non_null(strstr(why, reason));
        dir_remove_tree(f->to, "registry.db");
        dir_remove_tree(f->to, "journal");
    }
}

static bool is_shared(struct transfer_fixture *f, const char *path)
{
    struct stat a, b;

    assert_int_equal(fstatat(f->from, path, &a, 0), 0);
    assert_int_equal(fstatat(f->to, path, &b, 0), 0);
    return a.st_ino == b.st_ino;
}

static void files_are_copied_or_shared(void **state)
{
    struct transfer_fixture *f = *state;

    for (int link = 0; link < 2; link++) {
        char why[512] = "";
        assert_int_equal(run(f, link, false, why), MU_OK);
        must_lie_in(f->to, "registry.db", "registry");
        must_lie_in(f->to, "journal/CURRENT", "current");
        must_lie_in(f->to, "journal/000001.sst", "table");
        assert_int_equal(is_shared(f, "journal/000001.sst"), link);
        dir_remove_tree(f->to, "registry.db");
        dir_remove_tree(f->to, "journal");
    }
}

static void a_link_is_neither_followed_nor_taken(void **state)
{
    struct transfer_fixture *f = *state;
    struct stat st;

    put_file(f->from, "../secret", "tab-e");
    assert_int_equal(unlinkat(f->from, "journal/000001.sst", 0), 0);
    assert_int_equal(symlinkat("../../secret", f->from, "journal/000001.sst"), 0);
    must_be_refused(f, MU_E_REFUSED, "journal/000001.sst: lies behind a symbolic link");
    assert_int_equal(renameat(f->from, "journal", f->from, "../elsewhere"), 0);
    assert_int_equal(symlinkat("../elsewhere", f->from, "journal"), 0);
    must_be_refused(f, MU_E_REFUSED, "lies behind a symbolic link");
    assert_int_not_equal(fstatat(f->to, "journal", &st, AT_SYMLINK_NOFOLLOW), 0);
}

static void a_file_of_another_size_is_not_taken(void **state)
{
    struct transfer_fixture *f = *state;

    put_file(f->from, "longer", "table that grew");
    assert_int_equal(renameat(f->from, "longer", f->from, "journal/000001.sst"), 0);
    must_be_refused(f, MU_E_CORRUPT, "journal/000001.sst: has 15 bytes, backup.json says 5");
}

static void the_digest_is_of_the_bytes_that_are_copied(void **state)
{
    struct transfer_fixture *f = *state;
    char why[512] = "";

    put_file(f->from, "other", "REGISTRY");
    assert_int_equal(renameat(f->from, "other", f->from, "registry.db"), 0);
    assert_int_equal(run(f, false, false, why), MU_E_CORRUPT);
    assert_non_null(strstr(why, "registry.db: is not what was written"));
}

static void what_is_wrong_is_taken_if_that_is_asked_for(void **state)
{
    struct transfer_fixture *f = *state;
    char why[512] = "";

    put_file(f->from, "other", "another one");
    assert_int_equal(renameat(f->from, "other", f->from, "registry.db"), 0);
    assert_int_equal(run(f, false, true, why), MU_OK);
    must_lie_in(f->to, "registry.db", "another one");
}

#define with_directories(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_directories(files_are_copied_or_shared),
        with_directories(a_link_is_neither_followed_nor_taken),
        with_directories(a_file_of_another_size_is_not_taken),
        with_directories(the_digest_is_of_the_bytes_that_are_copied),
        with_directories(what_is_wrong_is_taken_if_that_is_asked_for),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
