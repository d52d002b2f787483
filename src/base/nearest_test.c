#include "base/nearest.h"
#include "base/unit_test.h"

static const char *nearest(const char *typed)
{
    static const char *const words[] = { "serve", "status", "list", "delete", "device", "mqtt-connections-max" };
    struct nearest n = nearest_to(typed);

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        nearest_try(&n, words[i]);
    return n.best;
}

static void one_slip_of_each_kind_is_near(void **state)
{
    (void)state;
    assert_string_equal(nearest("serrve"), "serve");                             /* added */
    assert_string_equal(nearest("sttus"), "status");                             /* left out */
    assert_string_equal(nearest("servo"), "serve");                              /* replaced */
    assert_string_equal(nearest("lsit"), "list");                                /* exchanged */
    assert_string_equal(nearest("mqtt-conections-mxa"), "mqtt-connections-max"); /* two, in a long word */
}

static void the_nearest_of_two_is_taken(void **state)
{
    (void)state;
    assert_string_equal(nearest("delte"), "delete");
    assert_string_equal(nearest("devise"), "device");
}

static void what_is_far_from_all_is_near_to_none(void **state)
{
    (void)state;
    assert_null(nearest("dance"));
    assert_null(nearest("ls"));
    assert_null(nearest(""));
    assert_null(nearest("a-word-that-is-longer-than-any-option-of-any-command"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_of_each_kind_is_near),
        cmocka_unit_test(the_nearest_of_two_is_taken),
        cmocka_unit_test(what_is_far_from_all_is_near_to_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
