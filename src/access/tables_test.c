#include "base/unit_test.h"

#include <pthread.h>

#include "access/dev_form.h"
#include "access/rate_table.h"
#include "access/session_table.h"

/* The session table, the rate table and the forms that devices post. */

/* --- sessions ---------------------------------------------------------------------------------*/

static void a_handle_keeps_its_parts(void **state)
{
    (void)state;
    session_handle h = session_handle_make(255, 0xfffffe, 0xdeadbeef);
    assert_int_equal(session_handle_loop(h), 255);
    assert_int_equal(session_handle_slot(h), 0xfffffe);
    assert_int_equal(session_handle_generation(h), 0xdeadbeef);
}

static void only_the_session_that_is_the_devices_can_be_removed(void **state)
{
    (void)state;
    struct session_table *t;
    session_handle before;

    assert_int_equal(session_table_create(&t), MU_OK);
    assert_int_equal(session_table_get(t, 70000), 0);
    assert_int_equal(session_table_swap(t, 70000, 11, &before), MU_OK);
    assert_int_equal(before, 0);
    assert_int_equal(session_table_swap(t, 70000, 12, &before), MU_OK);
    assert_int_equal(before, 11);
    session_table_leave(t, 70000, 11, 0);
    assert_int_equal(session_table_get(t, 70000), 12);
    session_table_leave(t, 70000, 12, 0);
    assert_int_equal(session_table_get(t, 70000), 0);
    assert_int_equal(session_table_swap(t, UINT32_MAX, 13, &before), MU_OK);
    assert_int_equal(session_table_get(t, UINT32_MAX), 13);
    session_table_destroy(t);
}

static void an_origin_outlives_its_session(void **state)
{
    (void)state;
    struct session_table *t;
    session_handle before;

    assert_int_equal(session_table_create(&t), MU_OK);
    assert_int_equal(session_table_origin(t, 70000), 0);
    session_table_let_in(t, 70000, 5);
    assert_int_equal(session_table_swap(t, 70000, 11, &before), MU_OK);
    assert_int_equal(before, 0);
    session_table_leave(t, 70000, 11, 0);
    assert_int_equal(session_table_origin(t, 70000), 5);
    assert_int_equal(session_table_origin(t, 70001), 0);
    session_table_let_in(t, 70000, 6);
    assert_int_equal(session_table_origin(t, 70000), 6);
    session_table_destroy(t);
}

enum { THREADS = 4, SWAPS = 2000 };
static struct session_table *shared;

/* Every handle that anybody put in is taken out by somebody: the sum of both is the same. */
static void *swap_often(void *arg)
{
    uint64_t first = *(const uint64_t *)arg, *balance = arg;
    *balance = 0;
    for (uint64_t i = 0; i < SWAPS; i++) {
        session_handle before;
        if (session_table_swap(shared, (uint32_t)(i % 3) << 16, first + i, &before) == MU_OK)
            *balance += first + i - before;
    }
    return NULL;
}

static void threads_that_log_in_at_once_lose_no_session(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t balance[THREADS], sum = 0;

    assert_int_equal(session_table_create(&shared), MU_OK);
    for (uint64_t i = 0; i < THREADS; i++) {
        balance[i] = (i + 1) << 32;
        assert_int_equal(pthread_create(&threads[i], NULL, swap_often, &balance[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += balance[i];
    }
    for (uint32_t i = 0; i < 3; i++)
        sum -= session_table_get(shared, i << 16);
    assert_int_equal(sum, 0);
    session_table_destroy(shared);
}

/* --- rates ------------------------------------------------------------------------------------*/

static struct ip_addr ip_of(const char *text)
{
    struct ip_addr ip;
    assert_int_equal(ip_parse(str_of(text), &ip), MU_OK);
    return ip;
}

static void each_address_has_its_own_allowance(void **state)
{
    (void)state;
    struct rate_table *t;
    struct ip_addr a = ip_of("203.0.113.1"), b = ip_of("203.0.113.2");

    assert_int_equal(rate_table_create(&t, 3), MU_OK);
    for (int i = 0; i < 3; i++)
        assert_true(rate_table_take_address(t, &a, 1000000));
    assert_false(rate_table_take_address(t, &a, 1000000));
    assert_true(rate_table_take_address(t, &b, 1000000));
    assert_true(rate_table_take_address(t, &a, 1000000 + 21 * 1000000));
    assert_false(rate_table_take_address(t, &a, 1000000 + 21 * 1000000));
    rate_table_destroy(t);
}

static void a_64_is_one_address_and_loopback_is_exempt(void **state)
{
    (void)state;
    struct rate_table *t;
    struct ip_addr a = ip_of("2001:db8::1"), b = ip_of("2001:db8::2"), c = ip_of("2001:db8:0:1::1"),
                   v4 = ip_of("127.0.0.1"), v6 = ip_of("::1");

    assert_int_equal(rate_table_create(&t, 1), MU_OK);
    assert_true(rate_table_take_address(t, &a, 1000000));
    assert_false(rate_table_take_address(t, &b, 1000000));
    assert_true(rate_table_take_address(t, &c, 1000000));
    for (int i = 0; i < 10; i++) {
        assert_true(rate_table_take_address(t, &v4, 1000000));
        assert_true(rate_table_take_address(t, &v6, 1000000));
    }
    rate_table_destroy(t);
}

static void a_crowd_of_addresses_does_not_grow_the_table_or_lift_the_limit(void **state)
{
    (void)state;
    struct rate_table *t;
    struct ip_addr ip = ip_of("198.18.0.0");
    int refused = 0;

    assert_int_equal(rate_table_create(&t, 1), MU_OK);
    for (uint32_t i = 0; i < 200000; i++) {
        ip.bytes[13] = (uint8_t)(i >> 16);
        ip.bytes[14] = (uint8_t)(i >> 8);
        ip.bytes[15] = (uint8_t)i;
        assert_true(rate_table_take_address(t, &ip, 1000000 + i));
        refused += !rate_table_take_address(t, &ip, 1000000 + i);
    }
    assert_int_equal(refused, 200000);
    rate_table_destroy(t);
}

static void what_is_given_back_was_not_counted(void **state)
{
    (void)state;
    struct rate_table *t;
    struct ip_addr a = ip_of("203.0.113.1"), b = ip_of("127.0.0.1");

    assert_int_equal(rate_table_create(&t, 1), MU_OK);
    for (int i = 0; i < 10; i++) {
        assert_true(rate_table_take_address(t, &a, 1000000));
        rate_table_give_address(t, &a);
        assert_true(rate_table_take_number(t, UINT64_MAX, 1000000));
        rate_table_give_number(t, UINT64_MAX);
        rate_table_give_address(t, &b);
    }
    assert_true(rate_table_take_address(t, &a, 1000000));
    assert_false(rate_table_take_address(t, &a, 1000000));
    assert_true(rate_table_take_number(t, UINT64_MAX, 1000000));
    assert_false(rate_table_take_number(t, UINT64_MAX, 1000000));
    rate_table_destroy(t);
}

static void no_limit_is_no_limit(void **state)
{
    (void)state;
    struct rate_table *t;
    assert_int_equal(rate_table_create(&t, 0), MU_OK);
    for (int i = 0; i < 1000; i++)
        assert_true(rate_table_take_number(t, 1, 1));
    rate_table_destroy(t);
}

/* --- forms ------------------------------------------------------------------------------------*/

static void a_form_is_taken_as_it_is(void **state)
{
    (void)state;
    struct str form = STR("passcode=a+b%20c&mac=virtual:site&x&product_key=k=1&mac=second\r\n"), v;

    assert_true(dev_form_get(form, "passcode", &v));
    assert_true(str_eq(v, STR("a+b%20c")));
    assert_true(dev_form_get(form, "mac", &v));
    assert_true(str_eq(v, STR("virtual:site")));
    assert_true(dev_form_get(form, "product_key", &v));
    assert_true(str_eq(v, STR("k=1")));
    assert_true(dev_form_get(form, "x", &v));
    assert_int_equal(v.len, 0);
    assert_false(dev_form_get(form, "ma", &v));
    assert_false(dev_form_get(STR(""), "mac", &v));
    assert_true(dev_form_get(STR("a=1&mac=2\r\n\r\n"), "mac", &v));
    assert_true(str_eq(v, STR("2")));
}

static void form_text_has_to_fit(void **state)
{
    (void)state;
    char out[4];
    assert_true(dev_form_text(STR("v=abc"), "v", out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_false(dev_form_text(STR("v=abcd"), "v", out, sizeof(out)));
    assert_false(dev_form_text(STR("v="), "v", out, sizeof(out)));
    assert_false(dev_form_text(STR("v=\xff"), "v", out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_keeps_its_parts),
        cmocka_unit_test(only_the_session_that_is_the_devices_can_be_removed),
        cmocka_unit_test(an_origin_outlives_its_session),
        cmocka_unit_test(threads_that_log_in_at_once_lose_no_session),
        cmocka_unit_test(each_address_has_its_own_allowance),
        cmocka_unit_test(a_64_is_one_address_and_loopback_is_exempt),
        cmocka_unit_test(a_crowd_of_addresses_does_not_grow_the_table_or_lift_the_limit),
        cmocka_unit_test(what_is_given_back_was_not_counted),
        cmocka_unit_test(no_limit_is_no_limit),
        cmocka_unit_test(a_form_is_taken_as_it_is),
        cmocka_unit_test(form_text_has_to_fit),
    };
    return cmocka_run_group_tests_name("access_tables", tests, NULL, NULL);
}
