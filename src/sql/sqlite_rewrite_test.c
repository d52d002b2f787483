/* A file of an older muster gets its checksums, once. */
#include "sql/registry_file_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "sql/sqlite_file.h"

enum { PRODUCTS = 60, KEPT = 50 };
#define KEY "00112233445566778899aabbccddeeff"

static void make_older(struct registry_fixture *f)
{
    for (int i = 0; i < PRODUCTS; i++)
        fixture_product(f);
    fixture_sql(f, "UPDATE product SET name = 'a long name ' || hex(zeroblob(6000));"
                   "UPDATE product SET product_key = '" KEY "' WHERE no = 1; DELETE FROM product WHERE no > 50");
    registry_close(f->reg);
    f->reg = NULL;
    file_make_plain(f);
}

static enum scan_state state_of(struct registry_fixture *f)
{
    enum scan_state state;
    char why[1024] = "";

    if (sqlite_scan_file(f->file, &state, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return state;
}

static void assert_all_there(struct registry_fixture *f)
{
    struct registry_snapshot *s;
    struct registry_totals totals;

    assert_int_equal(registry_freeze(f->reg, fixture_nothing, NULL, &s), MU_OK);
    assert_int_equal(registry_snapshot_count(s, &totals), MU_OK);
    assert_int_equal(totals.products, KEPT);
    registry_snapshot_free(s);
}

static void an_older_file_gets_checksums(void **state)
{
    struct registry_fixture *f = *state;

    make_older(f);
    assert_int_equal(state_of(f), SCAN_PLAIN);
    fixture_reopen(f);
    assert_all_there(f);
    assert_int_equal(fixture_product(f), PRODUCTS + 1); /* numbers go on */
    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(state_of(f), SCAN_WHOLE);
    struct stat st;
    assert_int_equal(stat(f->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void an_older_file_is_looked_at_unchanged(void **state)
{
    struct registry_fixture *f = *state;
    char why[512];

    make_older(f);
    struct kept_file k = file_keep(f);
    assert_int_equal(registry_open_unchanged(&f->reg, f->dir, why, sizeof(why)), MU_OK);
    assert_all_there(f);
    registry_close(f->reg);
    f->reg = NULL;
    assert_true(file_is_as_kept(&k));
    file_forget(&k);
}

/* The content of the log is kept, and a log that was written into the file is not read again. */
static void an_older_file_that_was_killed_keeps_what_is_in_its_log(void **state)
{
    struct registry_fixture *f = *state;
    sqlite3 *db;

    make_older(f);
    assert_int_equal(sqlite3_open_v2(f->file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM product WHERE no > 40", NULL, NULL, NULL), SQLITE_OK);
    struct kept_file killed = file_keep(f);
    sqlite3_close(db);
    file_put_back(f, &killed);
    file_forget(&killed);
    fixture_reopen(f);
    struct registry_snapshot *s;
    struct registry_totals totals;
    assert_int_equal(registry_freeze(f->reg, fixture_nothing, NULL, &s), MU_OK);
    assert_int_equal(registry_snapshot_count(s, &totals), MU_OK);
    assert_int_equal(totals.products, 40);
    registry_snapshot_free(s);
}

static void an_older_file_with_damage_is_left_as_it_is(void **state)
{
    struct registry_fixture *f = *state;
    char why[1024] = "";

    make_older(f);
    /* A row that its index does not have. */
    struct kept_file k = file_keep(f);
    uint8_t *key = memmem(k.bytes[0].at, k.bytes[0].len, KEY, sizeof(KEY) - 1);
    assert_non_null(key);
    off_t at = key - k.bytes[0].at;
    file_forget(&k);
    file_flip(f->file, at);
    assert_int_equal(registry_open(&f->reg, f->dir, why, sizeof(why)), MU_E_CORRUPT);
    assert_non_null(strstr(why, "muster restore"));
    assert_int_equal(state_of(f), SCAN_PLAIN);
}

static void a_kill_at_any_time_loses_nothing(void **state)
{
    enum { ROUNDS = 12 };
    struct registry_fixture *f = *state;
    unsigned killed_before = 0, converted = 0;

    make_older(f);
    struct kept_file older = file_keep(f);
    for (int round = 0; round < ROUNDS; round++) {
        file_put_back(f, &older);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct registry *reg;
            char why[512];
            _exit(registry_open(&reg, f->dir, why, sizeof(why)) == MU_OK ? 0 : 1);
        }
        usleep((useconds_t)(round * 8000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (state_of(f) == SCAN_PLAIN)
            killed_before++;
        fixture_reopen(f);
        assert_all_there(f);
        registry_close(f->reg);
        f->reg = NULL;
        assert_int_equal(state_of(f), SCAN_WHOLE);
        converted++;
    }
    assert_int_equal(converted, ROUNDS);
    assert_true(killed_before > 0);
    file_forget(&older);
}

/* A rewrite that was killed left a copy, with its journal. SQLite would play that journal back into the next copy. */
static void what_a_killed_one_left_is_no_part_of_the_next(void **state)
{
    struct registry_fixture *f = *state;
    char left[160];

    make_older(f);
    static const char *const endings[] = { ".new", ".new-journal" };
    for (size_t i = 0; i < 2; i++) {
        snprintf(left, sizeof(left), "%s%s", f->file, endings[i]);
        file_put(left, (struct file_bytes){ (uint8_t *)"of another time", 15 });
    }
    fixture_reopen(f);
    assert_all_there(f);
    for (size_t i = 0; i < 2; i++) {
        snprintf(left, sizeof(left), "%s%s", f->file, endings[i]);
        assert_int_not_equal(access(left, F_OK), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_older_file_gets_checksums),
        TEST(an_older_file_is_looked_at_unchanged),
        TEST(an_older_file_that_was_killed_keeps_what_is_in_its_log),
        TEST(an_older_file_with_damage_is_left_as_it_is),
        TEST(a_kill_at_any_time_loses_nothing),
        TEST(what_a_killed_one_left_is_no_part_of_the_next),
    };
    return cmocka_run_group_tests_name("sqlite_rewrite", tests, NULL, NULL);
}
