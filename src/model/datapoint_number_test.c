#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

static void a_shown_number_has_the_decimals_of_its_definition_and_no_more(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "ph-meter.json");
    size_t id = (size_t)datapoint_find(plan, STR("acidity"));
    struct buf text = make_buf();

    for (uint32_t x = 0; x <= 65535; x++) {
        char expected[20];
        struct json_out j = json_out_to(&text);
        snprintf(expected, sizeof(expected), "%u.%02u", x / 100, x % 100);
        if (x % 10 == 0)
            expected[strlen(expected) - (x % 100 ? 1 : 3)] = '\0';
        buf_clear(&text);
        json_double(&j, datapoint_shown(plan, id, x));
        buf_append_u8(&text, 0);
        assert_string_equal((const char *)text.data, expected);
    }
    buf_free(&text);
    datapoint_plan_free(plan);
}

static void wide_numbers_keep_their_decimals(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "power-meter.json");
    static const struct {
        const char *name;
        uint32_t x;
        const char *text;
    } cases[] = {
        { "energy", 4294967295, "42949672.95" },
        { "energy", 732, "7.32" },
        { "limit", 0, "-1000000" },
        { "limit", 4294967295, "3294967.295" },
        { "limit", 1000000123, "0.123" },
        { "power", 200001, "0.1" },
        { "power", 199999, "-0.1" },
        { "zero", 1, "-250.25" },
        { "zero", 1002, "0" },
        { "temperature", 401, "0.1" },
        { "clock", 4294967295, "4294967295" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf text = make_buf();
        struct json_out j = json_out_to(&text);
        int id = datapoint_find(plan, str_of(cases[i].name));
        json_double(&j, datapoint_shown(plan, (size_t)id, cases[i].x));
        buf_append_u8(&text, 0);
        assert_string_equal((const char *)text.data, cases[i].text);
        buf_free(&text);
    }
    datapoint_plan_free(plan);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shown_number_has_the_decimals_of_its_definition_and_no_more),
        cmocka_unit_test(wide_numbers_keep_their_decimals),
    };
    return cmocka_run_group_tests_name("datapoint_number", tests, NULL, NULL);
}
