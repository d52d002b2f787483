#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The test links its own realloc. */
static size_t largest_allowed = SIZE_MAX;

void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size)
{
    return size > largest_allowed ? NULL : __real_realloc(at, size);
}

static void elements_stay_while_an_array_grows(void **state)
{
    (void)state;
    uint64_t *at = NULL;
    uint32_t cap = 0, moves = 0;

    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t before = cap;
        assert_true(ARRAY_RESERVE(at, cap, i + 1));
        assert_true(cap > i);
        moves += cap != before;
        at[i] = i * UINT64_C(0x100000001);
    }
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(at[i], i * UINT64_C(0x100000001));
    assert_in_range(moves, 2, 30);
    free(at);
}

static void there_is_room_for_what_is_wanted_at_once(void **state)
{
    (void)state;
    char *at = NULL;
    uint32_t cap = 0;
    size_t none = 0;

    assert_true(ARRAY_RESERVE(at, cap, none));
    assert_null(at);
    assert_true(ARRAY_RESERVE(at, cap, 12345));
    assert_true(cap >= 12345);
    memset(at, 1, 12345);
    uint32_t before = cap;
    assert_true(ARRAY_RESERVE(at, cap, before));
    assert_true(ARRAY_RESERVE(at, cap, none));
    assert_int_equal(cap, before);
    free(at);
}

static void new_elements_are_cleared_where_that_is_asked_for(void **state)
{
    (void)state;
    uint16_t *at = NULL;
    uint32_t cap = 0;

    assert_true(ARRAY_RESERVE_ZERO(at, cap, 10));
    for (uint32_t wanted = 11; cap < 100000; wanted = cap + 1) {
        for (uint32_t i = 0; i < cap; i++)
            assert_int_equal(at[i], 0);
        at[cap - 1] = 7;
        uint32_t old = cap;
        assert_true(ARRAY_RESERVE_ZERO(at, cap, wanted));
        if (cap > old)
            assert_int_equal(at[old - 1], 7);
        at[old - 1] = 0;
    }
    free(at);
}

static void an_array_that_cannot_grow_stays_as_it_was(void **state)
{
    (void)state;
    struct large {
        char bytes[4096];
    } *at = NULL;
    uint32_t cap = 0;
    size_t uncountable = (size_t)UINT32_MAX + 1;

    assert_true(ARRAY_RESERVE(at, cap, 3));
    at[2].bytes[0] = 'x';
    struct large *before = at;
    uint32_t old = cap;
    assert_false(ARRAY_RESERVE(at, cap, uncountable));
    assert_false(array_grow(&at, &cap, UINT32_MAX, SIZE_MAX / 2, true)); /* nor can the bytes */
    largest_allowed = 1000;
    assert_false(ARRAY_RESERVE_ZERO(at, cap, cap + 1)); /* no memory */
    largest_allowed = SIZE_MAX;
    assert_ptr_equal(at, before);
    assert_int_equal(cap, old);
    assert_int_equal(at[2].bytes[0], 'x');
    free(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_stay_while_an_array_grows),
        cmocka_unit_test(there_is_room_for_what_is_wanted_at_once),
        cmocka_unit_test(new_elements_are_cleared_where_that_is_asked_for),
        cmocka_unit_test(an_array_that_cannot_grow_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
