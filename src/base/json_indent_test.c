#include "base/unit_test.h"

#include "base/json_indent.h"

static void must_indent(struct str json, const char *expected)
{
    struct buf out;

    buf_init(&out, 1000);
    json_indent(&out, json);
    buf_append_u8(&out, 0);
    assert_int_equal(out.err, MU_OK);
    assert_string_equal((const char *)out.data, expected);
    buf_free(&out);
}

static void each_member_has_a_line(void **state)
{
    (void)state;
    must_indent(STR("{\"a\":1,\"b\":[true,{\"c\":null}]}"),
                "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    {\n      \"c\": null\n    }\n  ]\n}\n");
    must_indent(STR("{\"a\":[],\"b\":{}}"), "{\n  \"a\": [],\n  \"b\": {}\n}\n");
}

static void what_is_in_a_text_stays_as_it_is(void **state)
{
    (void)state;
    must_indent(STR("[\"{[:,\\\"]}\",\"\\\\\",\"空\"]"), "[\n  \"{[:,\\\"]}\",\n  \"\\\\\",\n  \"空\"\n]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_has_a_line),
        cmocka_unit_test(what_is_in_a_text_stays_as_it_is),
    };
    return cmocka_run_group_tests_name("json_indent", tests, NULL, NULL);
}
