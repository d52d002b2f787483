#include "base/unit_test.h"

#include "base/log_limit.h"
#include "base/thread.h"

/* Which lines may be written, and how many were left out. */

static void some_lines_come_at_once_and_then_one_in_each_interval(void **state)
{
    struct log_limit l = { 0 };
    uint32_t suppressed = 99;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(log_limit_may(&l, 100, 3, 5000, &suppressed));
    assert_false(log_limit_may(&l, 100, 3, 5000, &suppressed));
    assert_false(log_limit_may(&l, 100, 3, 5099, &suppressed));
    assert_true(log_limit_may(&l, 100, 3, 5100, &suppressed));
    assert_false(log_limit_may(&l, 100, 3, 5100, &suppressed));
}

static void a_silence_brings_back_what_may_come_at_once_and_no_more(void **state)
{
    struct log_limit l = { 0 };
    uint32_t suppressed;

    (void)state;
    assert_true(log_limit_may(&l, 100, 2, 0, &suppressed));
    assert_true(log_limit_may(&l, 100, 2, 1000000, &suppressed));
    assert_true(log_limit_may(&l, 100, 2, 1000000, &suppressed));
    assert_false(log_limit_may(&l, 100, 2, 1000000, &suppressed));
}

static void a_line_tells_how_many_were_left_out_since_the_last_one(void **state)
{
    struct log_limit l = { 0 };
    uint32_t suppressed = 99;

    (void)state;
    assert_true(log_limit_may(&l, 1000, 1, 1, &suppressed));
    assert_int_equal(suppressed, 0);
    for (int i = 0; i < 7; i++)
        assert_false(log_limit_may(&l, 1000, 1, 2, &suppressed));
    assert_true(log_limit_may(&l, 1000, 1, 1001, &suppressed));
    assert_int_equal(suppressed, 7);
    assert_true(log_limit_may(&l, 1000, 1, 2001, &suppressed));
    assert_int_equal(suppressed, 0);
}

/* --- several threads ------------------------------------------------------------------------------------ */

enum { THREADS = 4, CALLS = 20000, AT_ONCE = 50 };

struct caller {
    struct log_limit *limit;
    uint32_t lines, told;
};

static void *call_often(void *ctx)
{
    struct caller *c = ctx;
    uint32_t suppressed;

    for (int64_t i = 0; i < CALLS; i++) {
        if (log_limit_may(c->limit, 100, AT_ONCE, i, &suppressed)) {
            c->lines++;
            c->told += suppressed;
        }
    }
    return NULL;
}

static void threads_together_write_no_more_lines_and_count_each_that_is_left_out(void **state)
{
    struct log_limit l = { 0 };
    struct caller callers[THREADS];
    pthread_t threads[THREADS];
    uint32_t lines = 0, told = 0, suppressed;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){ .limit = &l };
        assert_int_equal(thread_start(&threads[i], "caller", call_often, &callers[i]), MU_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        lines += callers[i].lines;
        told += callers[i].told;
    }
    assert_in_range(lines, AT_ONCE, AT_ONCE + CALLS / 100);
    assert_true(log_limit_may(&l, 100, AT_ONCE, 10 * CALLS, &suppressed));
    assert_int_equal(lines + told + suppressed, THREADS * CALLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_lines_come_at_once_and_then_one_in_each_interval),
        cmocka_unit_test(a_silence_brings_back_what_may_come_at_once_and_no_more),
        cmocka_unit_test(a_line_tells_how_many_were_left_out_since_the_last_one),
        cmocka_unit_test(threads_together_write_no_more_lines_and_count_each_that_is_left_out),
    };
    return cmocka_run_group_tests_name("log_limit", tests, NULL, NULL);
}
