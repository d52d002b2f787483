#include "base/json_in.h"
#include "base/unit_test.h"

#include "base/text.h"

static bool is_read(const char *text, size_t len)
{
    json_t *json = json_read((struct str){ text, len }, JSON_DECODE_ANY, NULL);
    bool is = json != NULL;

    json_decref(json);
    return is;
}
#define READ(literal) is_read(literal, sizeof(literal) - 1)

static void a_nul_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    assert_true(READ("{\"a\":1}"));
    assert_false(READ("{\"a\":1\0}"));
    assert_false(READ("{\"a\":-1.5e3\0}"));
    assert_false(READ("{\"a\":true\0}"));
    assert_false(READ("{\"a\":null\0,\"b\":2}"));
    assert_false(READ("[1\0,2]"));
    assert_false(READ("1\0"));
    assert_false(READ("{\"a\":1}\0"));
    assert_false(READ("\0{\"a\":1}"));
    assert_false(READ("{\"a\0\":1}"));
}

static void the_place_of_a_nul_is_told(void **state)
{
    (void)state;
    json_error_t why;

    assert_null(json_read(STR("{\"\xe4\xb8\xad\":1,\n \"b\":2\0}"), 0, &why));
    assert_int_equal(why.line, 2);
    assert_int_equal(why.column, 6);
    assert_string_equal(why.text, "NUL byte");
}

static void what_is_told_of_a_mistake_is_utf8(void **state)
{
    (void)state;
    json_error_t why;

    assert_null(json_read(STR("{\"passcod\\\xef\xbb\xbf\":1}"), 0, &why));
    assert_true(str_utf8(str_of(why.text)));
    assert_non_null(strstr(why.text, "passcod\\?"));
    assert_null(json_read(STR("{\"a\": \xff}"), 0, &why));
    assert_true(str_utf8(str_of(why.text)));
    assert_null(json_read(STR("{\"\xe4\xb8\xad\": x}"), 0, &why));
    assert_true(str_utf8(str_of(why.text)));
}

static bool whole(const char *text, int64_t *out)
{
    json_t *json = json_read(str_of(text), JSON_DECODE_ANY, NULL);

    assert_non_null(json);
    bool is = json_whole(json, out);
    json_decref(json);
    return is;
}

static void a_whole_number_is_one_however_it_is_written(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        { "0", 0 },
        { "1", 1 },
        { "1.0", 1 },
        { "-0.0", 0 },
        { "-3.000", -3 },
        { "1e3", 1000 },
        { "9223372036854775807", INT64_MAX },
        { "9007199254740991.0", INT64_C(9007199254740991) },
    };
    static const char *const bad[] = {
        "1.5", "-0.4", "1e300", "9007199254740992.0", "\"1\"", "true", "null", "[]", "{}"
    };
    int64_t v = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(whole(good[i].text, &v));
        assert_int_equal(v, good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(whole(bad[i], &v));
    assert_false(json_whole(NULL, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(the_place_of_a_nul_is_told),
        cmocka_unit_test(what_is_told_of_a_mistake_is_utf8),
        cmocka_unit_test(a_whole_number_is_one_however_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
