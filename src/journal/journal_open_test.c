#include "journal/journal_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <rocksdb/c.h>
#include <sys/wait.h>

#include "journal/rocks_internal.h"

/* Openings that are refused, each with a sentence that says why. */

static enum mu_err try_open(const char *dir, char *why, size_t why_size)
{
    struct journal *j;
    struct rocks_journal_options options = { .reserve_bytes = TEST_RESERVE };
    enum mu_err err = rocks_journal_open(&j, dir, &options, why, why_size);
    assert_true((err == MU_OK) == (j != NULL));
    journal_close(j);
    return err;
}

static void expect_refusal(const char *dir, enum mu_err expected, const char *word)
{
    char why[300] = "";
    assert_int_equal(try_open(dir, why, sizeof(why)), expected);
    assert_non_null(strstr(why, dir));
    if (!strstr(why, word))
        fail_msg("%s", why);
}

static void a_directory_in_use_is_refused(void **state)
{
    struct journal *j = open_journal(*state);
    expect_refusal(*state, MU_E_LOCKED, "in use");

    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "journal_open_test", (const char *)*state, NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    /* The refused ones left it whole. */
    struct journal_batch *b = make_batch(j);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
}

static void write_format(const char *dir, uint64_t format)
{
    const char *names[] = { "default", "state", "versions", "active", "events", "controls" };
    rocksdb_options_t *o = rocksdb_options_create();
    const rocksdb_options_t *options[] = { o, o, o, o, o, o };
    rocksdb_column_family_handle_t *handles[6];
    rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
    char path[300], *text = NULL;
    uint8_t value[8];

    snprintf(path, sizeof(path), "%s/journal", dir);
    rocksdb_t *db = rocksdb_open_column_families(o, path, 6, names, options, handles, &text);
    assert_null(text);
    bytes_put_u64be(value, format);
    rocksdb_put_cf(db, w, handles[0], "format", 6, (const char *)value, sizeof(value), &text);
    assert_null(text);
    for (int i = 0; i < 6; i++)
        rocksdb_column_family_handle_destroy(handles[i]);
    rocksdb_close(db);
    rocksdb_writeoptions_destroy(w);
    rocksdb_options_destroy(o);
}

static void another_format_is_refused_and_left_as_it_is(void **state)
{
    journal_close(open_journal(*state));
    write_format(*state, ROCKS_FORMAT + 1);
    expect_refusal(*state, MU_E_SCHEMA, "format 5");
    write_format(*state, ROCKS_FORMAT_OLDEST - 1);
    expect_refusal(*state, MU_E_SCHEMA, "format 2");
    write_format(*state, ROCKS_FORMAT);
    struct journal *j = open_journal(*state);
    assert_int_equal(journal_boot(j).number, 2);
    journal_close(j);
}

static void an_older_format_that_is_read_becomes_this_one(void **state)
{
    uint64_t format;

    journal_close(open_journal(*state));
    write_format(*state, ROCKS_FORMAT_OLDEST);
    struct journal *j = open_journal(*state);
    assert_int_equal(rocks_meta_get(rocks_of(j), "format", 6, &format, 1), MU_OK);
    assert_int_equal(format, ROCKS_FORMAT);
    journal_close(j);
}

/* A journal with a table in it; its files by pattern. */
static void make_journal_with_table(const char *dir)
{
    struct journal *j = open_journal(dir);
    struct journal_batch *b = make_batch(j);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
}

static void change_files(const char *dir, const char *pattern, void (*change)(const char *path))
{
    char path[300];
    glob_t found;

    snprintf(path, sizeof(path), "%s/journal/%s", dir, pattern);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        change(found.gl_pathv[i]);
    globfree(&found);
}

static void delete_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void halve_file(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
}

static void scribble_file(const char *path)
{
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "scribble", 8, 3), 8);
    close(fd);
}

static void a_damaged_directory_is_refused(void **state)
{
    static const struct {
        const char *pattern;
        void (*change)(const char *path);
    } damages[] = {
        { "CURRENT", delete_file },      { "CURRENT", scribble_file }, { "MANIFEST-*", delete_file },
        { "MANIFEST-*", scribble_file }, { "*.sst", delete_file },     { "*.sst", halve_file },
        { "*.sst", scribble_file },
    };

    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        char dir[100];
        snprintf(dir, sizeof(dir), "%s/%zu", (const char *)*state, i);
        assert_int_equal(mkdir(dir, 0700), 0);
        make_journal_with_table(dir);
        change_files(dir, damages[i].pattern, damages[i].change);
        expect_refusal(dir, MU_E_CORRUPT, "damaged");
    }
}

static void a_directory_that_is_not_there_is_refused(void **state)
{
    char dir[100];
    snprintf(dir, sizeof(dir), "%s/absent", (const char *)*state);
    expect_refusal(dir, MU_E_IO, "No such file");
}

/* With an argument: another process that tries to open the directory of that name. */
int main(int argc, char **argv)
{
    char why[300];

    if (argc == 2)
        return try_open(argv[1], why, sizeof(why)) == MU_E_LOCKED ? 0 : 1;
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_directory_in_use_is_refused),
        IN_DIRECTORY(another_format_is_refused_and_left_as_it_is),
        IN_DIRECTORY(an_older_format_that_is_read_becomes_this_one),
        IN_DIRECTORY(a_damaged_directory_is_refused),
        IN_DIRECTORY(a_directory_that_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
