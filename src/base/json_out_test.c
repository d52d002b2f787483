#include "base/unit_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"

/* The JSON writer: commas, escapes, bad UTF-8, and the text of every kind of number. */

static void assert_written(struct buf *b, const char *expected)
{
    assert_int_equal(b->err, MU_OK);
    buf_append_u8(b, 0);
    assert_string_equal((const char *)b->data, expected);
    buf_clear(b);
}

static void json_places_its_commas(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_out_to(&b);
    json_object_begin(&j);
    json_key(&j, "a");
    json_array_begin(&j);
    json_int(&j, INT64_MIN);
    json_int(&j, INT64_MAX);
    json_array_begin(&j);
    json_array_end(&j);
    json_object_begin(&j);
    json_object_end(&j);
    json_bool(&j, true);
    json_bool(&j, false);
    json_array_end(&j);
    json_key_str(&j, STR("b"));
    json_no_value(&j);
    json_key(&j, "c");
    json_text(&j, NULL);
    json_key(&j, "d");
    json_text(&j, "x");
    json_key(&j, "e");
    json_raw(&j, STR("{\"f\":1}"));
    json_object_end(&j);
    assert_written(&b, "{\"a\":[-9223372036854775808,9223372036854775807,[],{},true,false],"
                       "\"b\":null,\"c\":null,\"d\":\"x\",\"e\":{\"f\":1}}");
    buf_free(&b);
}

static void a_member_is_its_key_and_its_value(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_out_to(&b);
    json_object_begin(&j);
    json_put_text(&j, "text", "a");
    json_put_text_or_null(&j, "some", "b");
    json_put_text_or_null(&j, "none", "");
    json_put_str(&j, "str", STR("c"));
    json_put_int(&j, "int", -1);
    json_put_count(&j, "count", 2);
    json_put_bool(&j, "bool", true);
    json_put_double(&j, "double", 0.5);
    json_put_seconds_ms(&j, "s", 1500000);
    json_put_raw(&j, "raw", STR("[]"));
    json_put_null(&j, "null");
    json_put_object(&j, "object");
    json_object_end(&j);
    json_put_array(&j, "array");
    json_array_end(&j);
    json_object_end(&j);
    assert_written(&b,
                   "{\"text\":\"a\",\"some\":\"b\",\"none\":null,\"str\":\"c\",\"int\":-1,\"count\":2,\"bool\":true,"
                   "\"double\":0.5,\"s\":1.500,\"raw\":[],\"null\":null,\"object\":{},\"array\":[]}");
    buf_free(&b);
}

static void json_text_is_always_valid(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_out_to(&b);
    json_str(&j, STR("制冷 \"\\/\b\f\n\r\t\x01\x1f\x7f\0"));
    assert_written(&b, "\"制冷 \\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\"");
    j = json_out_to(&b);
    json_str(&j, STR("a\xff\xe5\x88z\xed\xa0\x80"));
    assert_written(&b, "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    j = json_out_to(&b);
    json_str(&j, (struct str){ NULL, 0 });
    assert_written(&b, "\"\"");
    buf_free(&b);
}

/* Eight characters are looked at in one step, so it must not matter where one stands. */
static void what_needs_an_escape_is_found_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } cases[] = {
        { "\"", "\\\"" },   { "\\", "\\\\" }, { "\x1f", "\\u001f" }, { "\xff", "\xef\xbf\xbd" },
        { "\x7f", "\x7f" }, { " ", " " },     { "!", "!" },          { "#", "#" },
        { "[", "[" },       { "]", "]" },
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int before = 0; before < 18; before++) {
            for (int behind = 0; behind < 18; behind++) {
                char text[64], expected[64];
                snprintf(text, sizeof(text), "%.*s%s%.*s", before, "aaaaaaaaaaaaaaaaaa", cases[i].text, behind,
                         "~~~~~~~~~~~~~~~~~~");
                snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", before, "aaaaaaaaaaaaaaaaaa", cases[i].written,
                         behind, "~~~~~~~~~~~~~~~~~~");
                struct json_out j = json_out_to(&b);
                json_text(&j, text);
                assert_written(&b, expected);
            }
        }
    }
    buf_free(&b);
}

static void doubles_are_written_as_short_as_they_read_back(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "0" },
        { 1, "1" },
        { -10, "-10" },
        { 0.1, "0.1" },
        { 21.5, "21.5" },
        { 7.32, "7.32" },
        { -0.05, "-0.05" },
        { 113.280637, "113.280637" },
        { 1e-6, "0.000001" },
        { 1e-7, "1e-07" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 4294967295.0, "4294967295" },
        { 999999999999999.0, "999999999999999" },
        { 9007199254740993.0, "9007199254740992" },
        { 1e15, "1e+15" },
        { 1e300, "1e+300" },
        { 1505789918.123, "1505789918.123" },
        { INFINITY, "null" },
        { -INFINITY, "null" },
        { NAN, "null" },
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct json_out j = json_out_to(&b);
        json_double(&j, cases[i].v);
        assert_written(&b, cases[i].text);
    }
    buf_free(&b);
}

static void any_double_reads_back_as_itself(void **state)
{
    (void)state;
    struct buf b;
    uint64_t random = 20240229;

    buf_init(&b, 100);
    for (int i = 0; i < 20000; i++) {
        double v;
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (i % 2)
            v = (double)(int64_t)(random >> 30) / (double)(1 + (random >> 5) % 100000);
        else
            memcpy(&v, &random, sizeof(v));
        if (!isfinite(v))
            continue;
        struct json_out j = json_out_to(&b);
        json_double(&j, v);
        buf_append_u8(&b, 0);
        assert_true(strtod((const char *)b.data, NULL) == v);
        buf_clear(&b);
    }
    buf_free(&b);
}

static void log_times_have_three_decimals(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        { 0, "0.000" },
        { 1999, "0.001" },
        { 1505789918123456, "1505789918.123" },
        { 1505789918000000, "1505789918.000" },
        { -1, "-0.001" },
        { -1500000, "-1.500" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct json_out j = json_out_to(&b);
        json_seconds_ms(&j, cases[i].us);
        assert_written(&b, cases[i].text);
    }
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_places_its_commas),
        cmocka_unit_test(a_member_is_its_key_and_its_value),
        cmocka_unit_test(json_text_is_always_valid),
        cmocka_unit_test(what_needs_an_escape_is_found_wherever_it_stands),
        cmocka_unit_test(doubles_are_written_as_short_as_they_read_back),
        cmocka_unit_test(any_double_reads_back_as_itself),
        cmocka_unit_test(log_times_have_three_decimals),
    };
    return cmocka_run_group_tests_name("json_out", tests, NULL, NULL);
}
