#include "base/unit_test.h"

#include <string.h>

#include "base/arena.h"

static void an_arena_gives_zeroed_aligned_memory_up_to_its_maximum(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    char *first = arena_alloc(&a, 1);
    *first = 'x';
    unsigned char *second = arena_alloc(&a, 5000);
    assert_int_equal((uintptr_t)second % _Alignof(max_align_t), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(second[i], 0);
    memset(second, 1, 5000);
    assert_null(arena_alloc(&a, 5000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_string_equal(arena_strndup(&a, "hello world", 5), "hello");
    assert_int_equal(*first, 'x');

    arena_reset(&a);
    unsigned char *again = arena_alloc(&a, 9000);
    assert_non_null(again);
    for (int i = 0; i < 9000; i++)
        assert_int_equal(again[i], 0);
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_up_to_its_maximum),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
