#include "base/unit_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

/* Text: numbers at their limits, UTF-8, hex, base64 and URLs, right and wrong. */

static void text_compares_trims_and_copies(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("Content-Length"), STR("content-LENGTH")));
    assert_false(str_eq_nocase(STR("a@"), STR("a`")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_eq(str_trim(STR("\t a b \t")), STR("a b")));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
    assert_true(str_eq(str_skip_mark(STR("\xef\xbb\xbf{}")), STR("{}")));
    assert_int_equal(str_skip_mark(STR("\xef\xbb\xbf")).len, 0);
    assert_int_equal(str_skip_mark(STR("\xef\xbb\xbf\xef\xbb\xbf")).len, 3);
    assert_true(str_eq(str_skip_mark(STR("\xef\xbb{}")), STR("\xef\xbb{}")));
    assert_true(str_eq(str_skip_mark(STR(" \xef\xbb\xbf")), STR(" \xef\xbb\xbf")));

    char out[4];
    assert_true(str_copy(out, sizeof(out), STR("abc")));
    assert_string_equal(out, "abc");
    assert_false(str_copy(out, sizeof(out), STR("abcd")));
    assert_false(str_copy(out, sizeof(out), STR("a\0b")));
    assert_true(str_copy(out, sizeof(out), STR("")));
    assert_string_equal(out, "");
}

static void plain_text_is_told_from_other_at_every_place(void **state)
{
    (void)state;
    static const char other[] = "\x01\x1f\"\\\x80\xff\n";
    char text[40];

    for (size_t len = 0; len < sizeof(text); len++) {
        memset(text, ' ', sizeof(text));
        assert_true(str_is_plain((struct str){ text, len }, ' ', '"', '\\'));
        memset(text, 0x7f, sizeof(text));
        assert_true(str_is_plain((struct str){ text, len }, ' ', '"', '\\'));
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < sizeof(other); i++) {
                memset(text, '#', sizeof(text));
                text[at] = other[i];
                assert_false(str_is_plain((struct str){ text, len }, ' ', '"', '\\'));
            }
        }
    }
}

static void a_number_is_written_in_digits(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 7, 10, 42, 99, 100, 101, 999, 1000, 12345, 1000000, 4294967296, UINT64_MAX - 1, UINT64_MAX
    };
    char text[21] = { 0 }, expected[24];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        snprintf(expected, sizeof(expected), "%" PRIu64, numbers[i]);
        assert_string_equal(decimal_before(text + 20, numbers[i]), expected);
    }
}

static void only_whole_decimal_integers_are_numbers(void **state)
{
    (void)state;
    int64_t v = 7;
    static const char *const bad[] = { "",
                                       "-",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "1.0",
                                       "0x1",
                                       "--1",
                                       "1e3",
                                       "9223372036854775808",
                                       "-9223372036854775809",
                                       "99999999999999999999999" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(str_int64(str_of(bad[i]), &v));
    assert_int_equal(v, 7);
    assert_true(str_int64(STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(str_int64(STR("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(str_int64(STR("007"), &v) && v == 7);
}

static void malformed_utf8_is_noticed(void **state)
{
    (void)state;
    static const struct str good[] = {
        STR(""),         STR("abc"),
        STR("\xc2\x80"), STR("\xed\x9f\xbf\xee\x80\x80"),
        STR("制冷"),     STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
    };
    static const struct str bad[] = {
        STR("\x80"),
        STR("\xc0\x80"),
        STR("\xc1\xbf"),
        STR("\xc2"),
        STR("\xc2"
            "a"),
        STR("\xe0\x9f\xbf"),
        STR("\xed\xa0\x80"),
        STR("\xe5\x88"),
        STR("\xf0\x8f\xbf\xbf"),
        STR("\xf4\x90\x80\x80"),
        STR("\xf5\x80\x80\x80"),
        STR("\xff"),
        STR("a\0b"),
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(str_utf8(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(str_utf8(bad[i]));
}

static void hex_round_trips_and_refuses_the_rest(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_encode(bytes, 256, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 506, "fdfeff", 7);
    assert_int_equal(hex_decode(text, 512, back), MU_OK);
    assert_memory_equal(bytes, back, 256);
    assert_int_equal(hex_decode("aBcD", 4, back), MU_OK);
    assert_memory_equal(back, "\xab\xcd", 2);
    assert_int_equal(hex_decode("abc", 3, back), MU_E_SYNTAX);
    assert_int_equal(hex_decode("0g", 2, back), MU_E_SYNTAX);
    assert_int_equal(hex_decode("0 ", 2, back), MU_E_SYNTAX);
    assert_int_equal(hex_decode("0\xe9", 2, back), MU_E_SYNTAX);
}

static void base64_decodes_the_examples_of_rfc_4648_and_nothing_else(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        { "", "" },
        { "Zg==", "f" },
        { "Zm8=", "fo" },
        { "Zm9v", "foo" },
        { "Zm9vYg==", "foob" },
        { "Zm9vYmE=", "fooba" },
        { "Zm9vYmFy", "foobar" },
        { "+/+/", "\xfb\xff\xbf" },
    };
    static const char *const bad[] = { "Z",        "Zg",   "Zg=",  "Zm9vYg=", "=g==", "Z===", "====",
                                       "Zg==Zg==", "Zh==", "Zm9=", "Zm-_",    "Zm9 ", "Z\ng=" };
    uint8_t out[16];
    size_t len;

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(base64_decode(good[i][0], strlen(good[i][0]), out, &len), MU_OK);
        assert_int_equal(len, strlen(good[i][1]));
        assert_memory_equal(out, good[i][1], len);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(base64_decode(bad[i], strlen(bad[i]), out, &len), MU_E_SYNTAX);
}

static void url_escapes_are_decoded_in_place(void **state)
{
    (void)state;
    char text[] = "a%20b+c%e5%88%B6";
    size_t len = strlen(text);
    assert_int_equal(url_decode(text, &len, true), MU_OK);
    assert_true(str_eq((struct str){ text, len }, STR("a b c制")));

    char plus[] = "a+b";
    len = 3;
    assert_int_equal(url_decode(plus, &len, false), MU_OK);
    assert_memory_equal(plus, "a+b", 3);

    static const char *const bad[] = { "%", "%4", "a%4", "%zz", "%00", "%%41" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char copy[8];
        len = strlen(bad[i]);
        memcpy(copy, bad[i], len);
        assert_int_equal(url_decode(copy, &len, true), MU_E_SYNTAX);
    }
}

static void lines_are_taken_off_one_after_the_other(void **state)
{
    (void)state;
    struct str text = STR("one\n\nthree");

    assert_true(str_eq(str_take_line(&text), STR("one")));
    assert_true(str_eq(str_take_line(&text), STR("")));
    assert_true(str_eq(str_take_line(&text), STR("three")));
    assert_int_equal(text.len, 0);
    assert_true(str_eq(str_take_line(&text), STR("")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_taken_off_one_after_the_other),
        cmocka_unit_test(text_compares_trims_and_copies),
        cmocka_unit_test(plain_text_is_told_from_other_at_every_place),
        cmocka_unit_test(a_number_is_written_in_digits),
        cmocka_unit_test(only_whole_decimal_integers_are_numbers),
        cmocka_unit_test(malformed_utf8_is_noticed),
        cmocka_unit_test(hex_round_trips_and_refuses_the_rest),
        cmocka_unit_test(base64_decodes_the_examples_of_rfc_4648_and_nothing_else),
        cmocka_unit_test(url_escapes_are_decoded_in_place),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
