#include "api/api_fixture.h"

#include "api/report_out.h"

/* Writing the places of a report. */

/* Compares what is written of a tree; " is shown as '. */
static void assert_location(const struct report_node *nodes, size_t count, bool leaf_count, const char *expected)
{
    struct report report = { .nodes = (struct report_node *)(uintptr_t)nodes, .count = count };
    struct buf out;

    buf_init(&out, 65536);
    struct json_out j = json_out_to(&out);
    report_out_location(&j, &report, report_out_count, leaf_count);
    for (size_t i = 0; i < out.len; i++) {
        if (out.data[i] == '"')
            out.data[i] = '\'';
    }
    buf_append_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    buf_free(&out);
}

/* clang-format off */
#define NODE(level, text, number)                                                                    \
    { .depth = level, .name = { text, sizeof(text) - 1 }, .n = { number } }
/* clang-format on */
#define LOCATION(leaf_count, expected, ...)                                             \
    do {                                                                                \
        const struct report_node nodes[] = { NODE(0, "", 9), __VA_ARGS__ };             \
        assert_location(nodes, sizeof(nodes) / sizeof(nodes[0]), leaf_count, expected); \
    } while (0)

static void nothing_is_an_empty_object(void **state)
{
    (void)state;
    const struct report_node whole = NODE(0, "", 0);

    assert_location(&whole, 1, false, "'location':{}");
}

static void a_place_holds_the_places_in_it(void **state)
{
    (void)state;
    LOCATION(false,
             "'location':{'A':{'count':6,'a':{'count':3,'1':{'count':1},'2':{'count':2}},"
             "'b':{'count':1}},'B':{'count':2,'c':{'count':2,'3':{'count':2}}},'C':{'count':1}}",
             NODE(1, "A", 6), NODE(2, "a", 3), NODE(3, "1", 1), NODE(3, "2", 2), NODE(2, "b", 1), NODE(1, "B", 2),
             NODE(2, "c", 2), NODE(3, "3", 2), NODE(1, "C", 1));
}

static void a_city_can_be_its_count_alone(void **state)
{
    (void)state;
    LOCATION(true,
             "'location':{'A':{'count':3,'a':{'count':3,'1':1,'2':2},'b':{'count':1,'3':1}},"
             "'B':{'count':1}}",
             NODE(1, "A", 3), NODE(2, "a", 3), NODE(3, "1", 1), NODE(3, "2", 2), NODE(2, "b", 1), NODE(3, "3", 1),
             NODE(1, "B", 1));
}

static void a_place_may_have_any_name(void **state)
{
    (void)state;
    LOCATION(false, "'location':{'A\\'b':{'count':3,'广州':{'count':2,'c':{'count':1}}},'D':{'count':4}}",
             NODE(1, "A\"b", 3), NODE(2, "广州", 2), NODE(3, "c", 1), NODE(1, "D", 4));
}

static void a_place_that_is_called_as_a_key_is_counted_around_it_only(void **state)
{
    (void)state;
    LOCATION(false, "'location':{'A':{'count':9,'b':{'count':2}},'B':{'count':1}}", NODE(1, "A", 9),
             NODE(2, "count", 3), NODE(3, "x", 1), NODE(3, "detail", 1), NODE(2, "b", 2), NODE(1, "B", 1),
             NODE(2, "detail", 1), NODE(3, "y", 1));
    LOCATION(true, "'location':{}", NODE(1, "count", 3), NODE(2, "x", 1), NODE(3, "y", 1));
}

static void the_group_is_written_as_it_was_given(void **state)
{
    struct api_fixture *f = *state;
    static const struct {
        const char *query, *expected;
    } cases[] = {
        { "", "\"gid\":null" },
        { "gid=&a=b", "\"gid\":null" },
        { "a=b&gid=" GROUP, "\"gid\":\"" GROUP "\"" },
        { "gid=%638e4b5634b047dc495be4a05a39d02a3", "\"gid\":\"" GROUP "\"" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(f, NULL, cases[i].query);
        struct json_out j = json_out_to(&f->ex.res.body);
        report_out_gid(&j, &f->call);
        assert_string_equal(text_of(f, &f->ex.res.body), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_an_empty_object),
        cmocka_unit_test(a_place_holds_the_places_in_it),
        cmocka_unit_test(a_city_can_be_its_count_alone),
        cmocka_unit_test(a_place_may_have_any_name),
        cmocka_unit_test(a_place_that_is_called_as_a_key_is_counted_around_it_only),
        cmocka_unit_test_setup_teardown(the_group_is_written_as_it_was_given, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("report_out", tests, NULL, NULL);
}
