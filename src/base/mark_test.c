#include "base/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mark.h"

/* Marks: written, cut off, damaged, of another store, and what a check says. */

static char dir[] = "/tmp/mark-XXXXXX", path[64];

static int make_directory(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/mark-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/a.mark", dir);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static struct mark_place place(uint64_t epoch, uint64_t count)
{
    return (struct mark_place){ .id = "sixteen of them", .epoch = epoch, .count = count };
}

static void mark_up_to(uint64_t count)
{
    struct mark m;
    struct mark_place at = place(3, 0);
    assert_int_equal(mark_open(&m, path, &at), MU_OK);
    for (at.count = 1; at.count <= count; at.count++)
        mark_put(&m, &at);
    mark_close(&m);
}

static void flip(off_t byte, unsigned bit)
{
    unsigned char c;
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fseeko(f, byte, SEEK_SET);
    assert_int_equal(fread(&c, 1, 1, f), 1);
    c = (unsigned char)(c ^ 1u << bit);
    fseeko(f, byte, SEEK_SET);
    assert_int_equal(fwrite(&c, 1, 1, f), 1);
    fclose(f);
}

static void expect_answer(struct mark_place there, enum mu_err expected, const char *words)
{
    char why[400] = "";
    assert_int_equal(mark_check(path, &there, "the log", why, sizeof(why)), expected);
    if (words)
        assert_non_null(strstr(why, words));
}

static void the_last_place_is_read_again(void **state)
{
    (void)state;
    for (uint64_t count = 0; count < 5; count++) {
        struct mark_place at;
        mark_up_to(count);
        assert_int_equal(mark_read(path, &at), MU_OK);
        assert_int_equal(at.epoch, 3);
        assert_int_equal(at.count, count);
        assert_true(mark_is_id(at.id));
    }
}

static void it_is_for_its_owner_alone(void **state)
{
    (void)state;
    struct stat st;
    mark_up_to(1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_store_that_ends_before_it_has_lost_something(void **state)
{
    (void)state;
    mark_up_to(7);
    expect_answer(place(3, 7), MU_OK, NULL);
    expect_answer(place(3, 8), MU_OK, NULL);
    expect_answer(place(4, 0), MU_OK, NULL);
    expect_answer(place(3, 6), MU_E_CORRUPT,
                  "it ends at commit 6 of start 3, and commit 7 of start 3 was acknowledged");
    expect_answer(place(2, 900), MU_E_CORRUPT, "the log was cut");
}

static void a_store_of_another_directory_is_noticed(void **state)
{
    (void)state;
    struct mark_place other = place(3, 9);
    mark_up_to(7);
    other.id[0]++;
    expect_answer(other, MU_E_CORRUPT, "another data directory");
}

static void a_store_without_an_id_needs_none(void **state)
{
    (void)state;
    expect_answer((struct mark_place){ .epoch = 1 }, MU_OK, NULL);
    expect_answer(place(1, 0), MU_E_CORRUPT, "missing");
}

/* A flipped bit costs the one place at most: it never tells another one, nor more than was marked. */
static void any_flipped_bit_is_noticed(void **state)
{
    (void)state;
    mark_up_to(4);
    for (off_t byte = 0; byte < 1024; byte++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct mark_place at;
            flip(byte, bit);
            assert_int_equal(mark_read(path, &at), MU_OK);
            assert_int_equal(at.epoch, 3);
            assert_in_range(at.count, 3, 4);
            flip(byte, bit);
        }
}

static void one_that_is_cut_or_emptied_is_damaged(void **state)
{
    (void)state;
    struct mark_place at;
    for (off_t len = 0; len < 48; len += 12) {
        mark_up_to(4);
        assert_int_equal(truncate(path, len), 0);
        assert_int_equal(mark_read(path, &at), MU_E_CORRUPT);
        expect_answer(place(3, 4), MU_E_CORRUPT, "damaged");
    }
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_last_place_is_read_again),
        IN_DIRECTORY(it_is_for_its_owner_alone),
        IN_DIRECTORY(a_store_that_ends_before_it_has_lost_something),
        IN_DIRECTORY(a_store_of_another_directory_is_noticed),
        IN_DIRECTORY(a_store_without_an_id_needs_none),
        IN_DIRECTORY(any_flipped_bit_is_noticed),
        IN_DIRECTORY(one_that_is_cut_or_emptied_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
