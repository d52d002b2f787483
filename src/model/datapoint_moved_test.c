#include "base/unit_test.h"

#include "model/datapoint_fixture.h"
#include "model/datapoint_moved.h"

/* Which points move between two definitions, and which changes move nothing. */

#define FIXED(points)    "{'protocolType': 'standard', 'entities': [{'attrs': [" points "]}]}"
#define VARIABLE(points) "{'protocolType': 'var_len', 'entities': [{'attrs': [" points "]}]}"
#define POINT(id, name, kind, type, byte, bit, len, unit, more)                  \
    "{'id': " id ", 'name': '" name "', 'type': '" kind "', 'data_type': '" type \
    "', 'position': {'byte_offset': " byte ", 'bit_offset': " bit ", 'len': " len ", 'unit': '" unit "'}" more "}"
#define SWITCH(id, name, bit) POINT(id, name, "status_writable", "bool", "0", bit, "1", "bit", "")
#define MODE(id, bit, values) \
    POINT(id, "mode", "status_writable", "enum", "0", bit, "3", "bit", ", 'enum': [" values "]")
#define LEVEL(id, name, byte) POINT(id, name, "status_writable", "uint8", byte, "0", "1", "byte", "")
#define FAULT(id, byte)       POINT(id, "broken", "fault", "bool", byte, "0", "1", "bit", "")

#define BEFORE \
    FIXED(SWITCH("0", "on", "0") "," MODE("1", "1", "'a','b','c'") "," LEVEL("2", "level", "1") "," FAULT("3", "2"))

static void assert_moved(const char *before, const char *after, const char *expected)
{
    json_t *a = parse_json(before), *b = parse_json(after);
    struct datapoint_plan *old = compile_plan(a), *new = compile_plan(b);
    struct buf out;

    buf_init(&out, 4096);
    size_t count = datapoint_moved(old, new, 3, &out);
    buf_append_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    assert_int_equal(count > 0, *expected != 0);
    buf_free(&out);
    datapoint_plan_free(old);
    datapoint_plan_free(new);
    json_decref(a);
    json_decref(b);
}

static void what_leaves_the_bytes_as_they_are_moves_nothing(void **state)
{
    (void)state;
    assert_moved(BEFORE, BEFORE, "");
    /* another name, more values, another point in bits that nobody had */
    assert_moved(BEFORE,
                 FIXED(SWITCH("0", "power", "0") "," MODE("1", "1", "'a','b','c','d'") "," SWITCH(
                     "2", "swing", "4") "," LEVEL("3", "level", "1") "," FAULT("4", "2")),
                 "");
    assert_moved(VARIABLE(LEVEL("0", "level", "0")), VARIABLE(LEVEL("0", "level", "0") "," LEVEL("1", "more", "0")),
                 "");
}

static void a_point_that_stands_elsewhere_is_named_with_both_places(void **state)
{
    (void)state;
    assert_moved(BEFORE,
                 FIXED(SWITCH("0", "on", "3") "," MODE("1", "0", "'a','b','c'") "," LEVEL("2", "level",
                                                                                          "1") "," FAULT("3", "2")),
                 "'on': byte 0, bit 3, was byte 0, bit 0; 'mode': byte 0, bits 0-2, was byte 0, bits 1-3");
    assert_moved(
        BEFORE,
        FIXED(SWITCH("0", "on", "0") "," MODE("1", "1", "'a','b','c'") "," LEVEL("2", "first", "1") "," LEVEL(
            "3", "level", "2") "," FAULT("4", "3")),
        "a report has 5 bytes, had 4; 'level': byte 2, was byte 1; 'broken': byte 3, bit 0, was byte 2, bit 0");
    assert_moved(VARIABLE(LEVEL("0", "a", "0") "," LEVEL("1", "b", "0")),
                 VARIABLE(LEVEL("0", "b", "0") "," LEVEL("1", "a", "0")),
                 "'a': id 1 of 1 bytes, was id 0 of 1 bytes; 'b': id 0 of 1 bytes, was id 1 of 1 bytes");
}

static void points_and_values_that_are_gone_are_named(void **state)
{
    (void)state;
    assert_moved(BEFORE, FIXED(SWITCH("0", "on", "0") "," MODE("1", "1", "'a','b'") "," LEVEL("2", "level", "1")),
                 "a report has 3 bytes, had 4; 'mode': 2 values, had 3; 'broken': gone, was byte 2, bit 0");
}

/* The lowest bits of a section are in its last byte: one that grows moves all of them. */
static void a_section_of_bits_that_grows_moves_what_is_in_it(void **state)
{
    (void)state;
#define FOUR  SWITCH("0", "a", "0") "," SWITCH("1", "b", "1") "," SWITCH("2", "c", "2") "," SWITCH("3", "d", "3") ","
#define EIGHT FOUR SWITCH("4", "e", "4") "," SWITCH("5", "f", "5") "," SWITCH("6", "g", "6") "," SWITCH("7", "h", "7")
    assert_moved(
        FIXED(EIGHT), FIXED(EIGHT "," SWITCH("8", "i", "8")),
        "a report has 3 bytes, had 2; 'a': byte 1, bit 0, was byte 0, bit 0; 'b': byte 1, bit 1, was byte 0, bit 1");
}

static void another_kind_of_report_is_all_that_is_said(void **state)
{
    (void)state;
    assert_moved(BEFORE, VARIABLE(LEVEL("0", "level", "0")), "reports have a variable length, had a fixed one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_the_bytes_as_they_are_moves_nothing),
        cmocka_unit_test(a_point_that_stands_elsewhere_is_named_with_both_places),
        cmocka_unit_test(points_and_values_that_are_gone_are_named),
        cmocka_unit_test(a_section_of_bits_that_grows_moves_what_is_in_it),
        cmocka_unit_test(another_kind_of_report_is_all_that_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
