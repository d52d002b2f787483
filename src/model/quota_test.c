#include "base/unit_test.h"

#include <string.h>

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

/* --- shares ----------------------------------------------------------------------------------- */

enum { NODES = 3 };

struct shares {
    struct quota q[NODES], shares[NODES];
    struct quota_share s[NODES];
    uint32_t hour, granted, limit; /* what the store has */
    uint64_t due[NODES];           /* when the store answers a node; 0: it does not ask */
    uint32_t seed;
};

/* As a start does: the accounts lie in files, the shares in memory. */
static void start(struct shares *c)
{
    for (int i = 0; i < NODES; i++) {
        c->s[i] = (struct quota_share){ .granted = &c->shares[i] };
        c->due[i] = 0;
    }
}

static uint32_t next_random(struct shares *c)
{
    c->seed = c->seed * 1664525 + 1013904223;
    return c->seed >> 8;
}

static void answer(struct shares *c, int node)
{
    uint32_t wanted = c->s[node].wanted, left = c->limit - c->granted, calls = wanted < left ? wanted : left;

    c->granted += calls;
    quota_share_grant(&c->s[node], &c->q[node], c->hour, calls, c->granted);
    c->due[node] = 0;
}

static enum quota_taken take(struct shares *c, int node, uint64_t due, struct quota_view *v)
{
    bool ask;
    enum quota_taken taken =
        quota_take_shared(&c->q[node], &c->s[node], c->limit, c->hour * INT64_C(3600) + 5, v, &ask);

    if (ask)
        c->due[node] = due;
    return taken;
}

/* Calls one after the other, each to any node. The store answers `delay` calls after it was asked, or when a call must
 * wait for it. Returns how many were allowed. */
static uint32_t spend(struct shares *c, uint32_t calls, uint32_t delay)
{
    uint32_t allowed = 0;

    for (uint64_t now = 1; now <= calls; now++) {
        int node = (int)(next_random(c) % NODES);
        struct quota_view v;
        enum quota_taken taken = take(c, node, now + delay, &v);
        while (taken == QUOTA_WAIT) {
            assert_true(quota_share_asks(&c->s[node]));
            answer(c, node);
            taken = take(c, node, now + delay, &v);
        }
        allowed += taken == QUOTA_TAKEN;
        assert_int_equal(v.limit, c->limit);
        for (int i = 0; i < NODES; i++)
            if (c->due[i] && now >= c->due[i])
                answer(c, i);
    }
    return allowed;
}

static void nodes_together_allow_what_the_quota_says(void **state)
{
    static const uint32_t limits[] = { 1, 7, 100, 199, 200, 3600, 50000, 1000000 }, delays[] = { 0, 1, 4, 15 };

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        for (size_t k = 0; k < sizeof(delays) / sizeof(*delays); k++) {
            struct shares c = { .hour = 417000, .limit = limits[i], .seed = 5 };
            start(&c);
            for (int hour = 0; hour < 3; hour++, c.hour++, c.granted = 0) {
                uint32_t allowed = spend(&c, limits[i] * 3 + 100, delays[k]), off = limits[i] / 50 + NODES;
                assert_in_range(allowed, limits[i] > off ? limits[i] - off : 1, limits[i]);
            }
        }
    }
}

static void a_node_that_starts_again_goes_on_counting(void **state)
{
    struct shares c = { .hour = 417000, .limit = 3600, .seed = 5 };
    uint32_t allowed;

    (void)state;
    start(&c);
    allowed = spend(&c, 1800, 2);
    start(&c);
    allowed += spend(&c, 6000, 2);
    assert_in_range(allowed, 3600 - 3600 / 50, 3600);
    start(&c);
    assert_int_equal(spend(&c, 1000, 2), 0);
}

static void what_an_idle_node_holds_goes_back(void **state)
{
    enum { RESERVE = 6400 / 400 };
    struct shares c = { .hour = 417000, .limit = 6400, .seed = 5 };
    struct quota_view v;

    (void)state;
    start(&c);
    assert_int_equal(take(&c, 0, 1, &v), QUOTA_WAIT);
    assert_int_equal(c.due[0], 1);
    answer(&c, 0);
    assert_int_equal(take(&c, 0, 1, &v), QUOTA_TAKEN);
    assert_in_range(c.granted, 50, 150);
    assert_int_equal(quota_share_spare(&c.s[0], &c.q[0], c.limit, c.hour), 0); /* it has just been used */
    uint32_t spare = quota_share_spare(&c.s[0], &c.q[0], c.limit, c.hour);
    assert_int_equal(spare, c.granted - 1 - RESERVE);
    assert_int_equal(quota_share_spare(&c.s[0], &c.q[0], c.limit, c.hour), 0);
    for (int i = 0; i < RESERVE; i++)
        assert_int_equal(take(&c, 0, 2, &v), QUOTA_TAKEN);
    assert_int_equal(take(&c, 0, 2, &v), QUOTA_WAIT);
    assert_int_equal(c.due[0], 2);
    answer(&c, 0);
    assert_int_equal(quota_share_spare(&c.s[0], &c.q[0], c.limit, c.hour + 1), 0); /* nothing of another hour */
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
        cmocka_unit_test(nodes_together_allow_what_the_quota_says),
        cmocka_unit_test(a_node_that_starts_again_goes_on_counting),
        cmocka_unit_test(what_an_idle_node_holds_goes_back),
        cmocka_unit_test(a_flipped_bit_is_seen),
        cmocka_unit_test(a_bucket_lets_a_burst_through_and_then_its_rate),
    };
    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
