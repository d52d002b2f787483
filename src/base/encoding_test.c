#include "base/unit_test.h"

#include "base/encoding.h"

static void must_guess(struct str s, const char *expected)
{
    const char *guess = encoding_guess(s);

    if (expected)
        assert_non_null(guess);
    else
        assert_null(guess);
    if (expected)
        assert_string_equal(guess, expected);
}

static void utf8_is_nothing_else(void **state)
{
    (void)state;
    must_guess(STR(""), NULL);
    must_guess(STR("{}"), NULL);
    must_guess(STR("{}\n"), NULL);
    must_guess(STR("mac,city\n1,\xe5\xb9\xbf\xe5\xb7\x9e\n2,M\xc3\xbcnchen\n"), NULL);
}

static void chinese_is_told_from_western(void **state)
{
    (void)state;
    must_guess(STR("\xb9\xe3\xd6\xdd"), "GB18030");                        /* 广州 */
    must_guess(STR("mac,\xb9\xe3\xb6\xab,\xc9\xee\xdb\xda\n"), "GB18030"); /* 广东,深圳 */
    must_guess(STR("M\xfcnchen"), "WINDOWS-1252");
    must_guess(STR("K\xf6ln,D\xfcsseldorf,cr\xe9\xe9"
                   "e"),
               "WINDOWS-1252");
}

static void utf16_is_known_by_its_mark_or_by_its_zeros(void **state)
{
    (void)state;
    must_guess(STR("\xff\xfem\0a\0c\0"), "UTF-16");
    must_guess(STR("\xfe\xff\0m\0a\0c"), "UTF-16");
    must_guess(STR("m\0a\0c\0\n\0"), "UTF-16LE");
    must_guess(STR("\0m\0a\0c\0\n"), "UTF-16BE");
    assert_null(encoding_guess_wide(STR("mac\n\xb9\xe3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_nothing_else),
        cmocka_unit_test(chinese_is_told_from_western),
        cmocka_unit_test(utf16_is_known_by_its_mark_or_by_its_zeros),
    };
    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
