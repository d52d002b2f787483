#include "base/unit_test.h"

#include "api/past_rows.h"
#include "base/limits.h"

/* Rows of histories that are kept and written again. */

static struct past_rows *rows;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 4 * LIMIT_PAST_ROWS);
    return past_rows_create(&rows) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    past_rows_destroy(rows);
    buf_free(&out);
    return 0;
}

static struct past_key key_of(uint64_t version, int32_t period)
{
    return (struct past_key){ .version = version, .product = 1, .what = PAST_ACTIVE, .period = period };
}

/* Writes an array whose second element is the row {"n":n}, and keeps that row. */
static void keep(const struct past_key *key, int64_t n)
{
    struct json_out j = json_out_to(&out);

    buf_clear(&out);
    json_array_begin(&j);
    json_int(&j, 0);
    size_t from = out.len;
    json_object_begin(&j);
    json_put_int(&j, "n", n);
    json_object_end(&j);
    past_rows_keep(rows, key, &out, from);
}

/* An array that has only that row, twice; "" if the row is not kept. */
static const char *written(const struct past_key *key)
{
    struct json_out j = json_out_to(&out);

    buf_clear(&out);
    json_array_begin(&j);
    if (!past_rows_write(rows, key, &j) || !past_rows_write(rows, key, &j))
        return "";
    json_array_end(&j);
    buf_append_u8(&out, '\0');
    return (const char *)out.data;
}

static void a_row_is_written_as_it_was_with_its_commas(void **state)
{
    struct past_key key = key_of(1, -7);

    (void)state;
    assert_string_equal(written(&key), "");
    keep(&key, 5);
    assert_string_equal(written(&key), "[{\"n\":5},{\"n\":5}]");
}

static void rows_of_other_questions_are_others(void **state)
{
    struct past_key asked = key_of(1, 10);
    struct past_key others[6];

    (void)state;
    for (int i = 0; i < 6; i++)
        others[i] = asked;
    others[0].product++;
    others[1].part++;
    others[2].what++;
    others[3].cycle++;
    others[4].period++;
    others[5].period += 1 << 13; /* the same slot as the same row */
    keep(&asked, 1);
    for (int i = 0; i < 6; i++) {
        assert_string_equal(written(&others[i]), "");
        keep(&others[i], 2);
        assert_string_equal(written(&others[i]), "[{\"n\":2},{\"n\":2}]");
    }
    keep(&asked, 3);
    assert_string_equal(written(&asked), "[{\"n\":3},{\"n\":3}]");
}

static void a_version_takes_the_place_of_the_one_before(void **state)
{
    struct past_key old = key_of(1, 10), late = key_of(1, 11), new = key_of(2, 10);

    (void)state;
    keep(&old, 1);
    assert_string_equal(written(&new), "");
    keep(&new, 2);
    assert_string_equal(written(&old), "");
    keep(&late, 1); /* counted for a caller who asked before the past changed */
    assert_string_equal(written(&late), "");
    assert_string_equal(written(&new), "[{\"n\":2},{\"n\":2}]");
}

static void keep_long(int32_t period, size_t len)
{
    struct past_key key = key_of(1, period);

    buf_clear(&out);
    buf_append_u8(&out, '{');
    assert_non_null(buf_reserve(&out, len));
    memset(out.data + out.len, ' ', len);
    out.len += len;
    past_rows_keep(rows, &key, &out, 0);
}

static void what_is_kept_begins_anew_when_it_is_full(void **state)
{
    struct past_key first = key_of(1, 1), last = key_of(1, 9);

    (void)state;
    for (int32_t period = 1; period <= 7; period++)
        keep_long(period, LIMIT_PAST_ROWS / 8);
    keep_long(7, LIMIT_PAST_ROWS / 8); /* in its own slot */
    assert_string_not_equal(written(&first), "");
    keep_long(8, LIMIT_PAST_ROWS / 8);
    keep_long(9, LIMIT_PAST_ROWS / 8);
    assert_string_equal(written(&first), "");
    assert_string_not_equal(written(&last), "");
}

static void a_row_that_could_not_be_written_is_not_kept(void **state)
{
    struct past_key key = key_of(1, 1);

    (void)state;
    buf_clear(&out);
    out.err = MU_E_LIMIT;
    past_rows_keep(rows, &key, &out, 0);
    assert_string_equal(written(&key), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_written_as_it_was_with_its_commas),  TEST(rows_of_other_questions_are_others),
        TEST(a_version_takes_the_place_of_the_one_before), TEST(what_is_kept_begins_anew_when_it_is_full),
        TEST(a_row_that_could_not_be_written_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
