#include "net/http_accept.h"
#include "base/unit_test.h"

static void assert_next(struct str *list, const char *wanted, double wanted_weight)
{
    struct str item;
    double weight;

    assert_true(http_accept_next(list, &item, &weight));
    assert_int_equal(item.len, strlen(wanted));
    assert_memory_equal(item.at, wanted, item.len);
    assert_float_equal(weight, wanted_weight, 1e-9);
}

static void assert_end(struct str *list)
{
    struct str item;
    double weight;

    assert_false(http_accept_next(list, &item, &weight));
}

static void items_come_in_order_with_their_weights(void **state)
{
    struct str list = STR("gzip, br;q=0.5 ,\tidentity ; Q=0.001,*;q=0");

    (void)state;
    assert_next(&list, "gzip", 1);
    assert_next(&list, "br", 0.5);
    assert_next(&list, "identity", 0.001);
    assert_next(&list, "*", 0);
    assert_end(&list);
}

static void an_item_without_a_readable_weight_is_not_preferred(void **state)
{
    struct str list = STR("a;q=,b;q=x,c;q=0.00000000000000000001,d;level=1");

    (void)state;
    assert_next(&list, "a", 0);
    assert_next(&list, "b", 0);
    assert_next(&list, "c", 0); /* longer than a weight can be */
    assert_next(&list, "d", 1); /* another parameter */
    assert_end(&list);
}

static void empty_items_are_items_and_an_empty_list_has_none(void **state)
{
    struct str list = STR(",a;,"), none = { 0 };

    (void)state;
    assert_next(&list, "", 1);
    assert_next(&list, "a", 1);
    assert_end(&list);
    assert_end(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_in_order_with_their_weights),
        cmocka_unit_test(an_item_without_a_readable_weight_is_not_preferred),
        cmocka_unit_test(empty_items_are_items_and_an_empty_list_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
