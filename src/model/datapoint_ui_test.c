#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

#include "model/datapoint_ui.h"

/* Equal as JSON, numbers by value: some exporters write 5 as 5.0. */
static bool same_json(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_array_size(a) == json_array_size(b)) {
        for (size_t i = 0; i < json_array_size(a); i++) {
            if (!same_json(json_array_get(a, i), json_array_get(b, i)))
                return false;
        }
        return true;
    }
    if (json_is_object(a) && json_object_size(a) == json_object_size(b)) {
        json_object_foreach((json_t *)(uintptr_t)a, key, value)
        {
            if (!same_json(value, json_object_get(b, key)))
                return false;
        }
        return true;
    }
    return json_equal(a, b);
}

static void derives_the_ui_it_has(const json_t *definition, const char *file)
{
    const json_t *expected = json_object_get(definition, "ui");
    if (!expected)
        return;

    struct datapoint_plan *plan = compile_plan(definition);
    json_t *ui = datapoint_ui(plan);
    if (!same_json(ui, expected)) {
        char *text = json_dumps(ui, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
        print_error("%s: %s\n", file, text);
        free(text);
        fail();
    }
    json_decref(ui);
    datapoint_plan_free(plan);
}

static void the_derived_ui_is_what_the_field_has_imported(void **state)
{
    (void)state;
    if (!each_definition(FIELD, derives_the_ui_it_has))
        skip();
}

static void the_derived_ui_is_to_the_byte_what_the_document_asks(void **state)
{
    (void)state;
    json_t *definition = load_definition(OWN, "doser.json");
    struct datapoint_plan *plan = compile_plan(definition);
    json_t *ui = datapoint_ui(plan);
    const size_t as_imported = JSON_COMPACT | JSON_REAL_PRECISION(15);
    char *got = json_dumps(ui, as_imported);
    char *expected = json_dumps(json_object_get(definition, "ui"), as_imported);

    assert_true(strlen(expected) > 1000);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    json_decref(ui);
    json_decref(definition);
    datapoint_plan_free(plan);
}

static void the_derived_ui_shows_the_name_where_there_is_no_display_name(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "plug.json");
    json_t *ui = datapoint_ui(plan);
    char *got = json_dumps(ui, JSON_COMPACT);
    assert_string_equal(got, "{\"object\":{\"version\":4,\"showEditButton\":false},\"sections\":[{"
                             "\"elements\":[{\"boolValue\":false,\"object\":{\"action\":\"entity0\","
                             "\"bind\":[\"entity0.on\"],\"perm\":\"W\"},\"type\":\"QBooleanElement\","
                             "\"key\":\"entity0.on\",\"title\":\"on\"}]}]}");
    free(got);
    json_decref(ui);
    datapoint_plan_free(plan);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_derived_ui_is_what_the_field_has_imported),
        cmocka_unit_test(the_derived_ui_is_to_the_byte_what_the_document_asks),
        cmocka_unit_test(the_derived_ui_shows_the_name_where_there_is_no_display_name),
    };
    return cmocka_run_group_tests_name("datapoint_ui", tests, NULL, NULL);
}
