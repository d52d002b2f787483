#include "base/unit_test.h"

#include "model/quota.h"

/* Quotas by the hour and token buckets. The test is the clock. */

static void a_quota_is_used_up_and_comes_back_with_the_hour(void **state)
{
    (void)state;
    struct quota q = { 0 };
    struct quota_view v;
    int64_t now = 417000 * INT64_C(3600) + 1800;

    for (uint32_t left = 3; left-- > 0;) {
        assert_true(quota_take(&q, 3, now, &v));
        assert_int_equal(v.limit, 3);
        assert_int_equal(v.remaining, left);
        assert_int_equal(v.reset, 417001 * INT64_C(3600));
    }
    assert_false(quota_take(&q, 3, now + 1799, &v));
    assert_int_equal(v.remaining, 0);
    assert_true(quota_take(&q, 4, now, &v)); /* raised within the hour */
    assert_false(quota_take(&q, 2, now, &v));
    assert_int_equal(v.remaining, 0);
    assert_true(quota_take(&q, 3, now + 1800, &v));
    assert_int_equal(v.remaining, 2);
    assert_int_equal(v.reset, 417002 * INT64_C(3600));
    assert_true(quota_take(&q, 3, now, &v)); /* the clock was set back */
    assert_false(quota_take(&(struct quota){ 0 }, 0, now, &v));
}

static void a_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct quota q = { 0 };
    struct quota_view v;

    assert_true(quota_is_whole(&q));
    for (int calls = 0; calls < 300; calls++) {
        assert_true(quota_take(&q, 1000, INT64_C(1795978800) + 3600 * (calls / 100), &v));
        assert_true(quota_is_whole(&q));
        for (int bit = 0; bit < 64; bit++) {
            struct quota other = { q.word ^ UINT64_C(1) << bit };
            assert_false(quota_is_whole(&other));
        }
    }
}

static void a_bucket_lets_a_burst_through_and_then_its_rate(void **state)
{
    (void)state;
    struct bucket b = { 0 };
    int64_t now = 5000000;

    for (int i = 0; i < 50; i++)
        assert_true(bucket_take(&b, 10, 50, 1, now));
    assert_false(bucket_take(&b, 10, 50, 1, now));
    assert_false(bucket_take(&b, 10, 50, 1, now + 99000));
    assert_true(bucket_take(&b, 10, 50, 1, now + 100000));
    assert_false(bucket_take(&b, 10, 50, 1, now + 100000));
    /* A long rest fills it to the burst, not beyond. */
    now += INT64_C(3600) * 1000000;
    assert_true(bucket_take(&b, 10, 50, 50, now));
    assert_false(bucket_take(&b, 10, 50, 1, now));
    /* A refusal takes nothing. */
    now += 300000;
    assert_false(bucket_take(&b, 10, 50, 4, now));
    assert_true(bucket_take(&b, 10, 50, 3, now));
    assert_true(bucket_take(&b, 0, 0, 1e9, now));
    /* What is given back can be taken again, and no more than that. */
    b = (struct bucket){ 0 };
    assert_true(bucket_take(&b, 1, 1, 1, 1000000));
    bucket_give(&b, 1, 1);
    assert_true(bucket_take(&b, 1, 1, 1, 1000000));
    assert_false(bucket_take(&b, 1, 1, 1, 1000000));
    bucket_give(&b, 1, 1);
    bucket_give(&b, 1, 1);
    assert_true(bucket_take(&b, 1, 1, 1, 1000000));
    assert_false(bucket_take(&b, 1, 1, 1, 1000000));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quota_is_used_up_and_comes_back_with_the_hour),
        cmocka_unit_test(a_flipped_bit_is_seen),
        cmocka_unit_test(a_bucket_lets_a_burst_through_and_then_its_rate),
    };
    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
