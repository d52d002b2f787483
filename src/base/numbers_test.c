#include "base/unit_test.h"

#include "base/numbers.h"

static void a_list_is_sorted_and_has_each_number_once(void **state)
{
    uint32_t list[] = { 7, 4000000000, 7, 0, 3, 4000000000, 3 };

    (void)state;
    assert_int_equal(numbers_sort(list, 7), 4);
    assert_true(list[0] == 0 && list[1] == 3 && list[2] == 7 && list[3] == 4000000000);
    assert_true(numbers_have(list, 4, 0) && numbers_have(list, 4, 4000000000));
    assert_false(numbers_have(list, 4, 4) || numbers_have(list, 3, 4000000000) || numbers_have(NULL, 0, 0));
    assert_int_equal(numbers_sort(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_list_is_sorted_and_has_each_number_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
