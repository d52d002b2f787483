#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

#include "base/limits.h"

/* Definitions that compile, and the sentence for each that does not. */

/* --- what is refused -------------------------------------------------------------------------- */

/* A fixed-length definition of these attrs, written as C text (see parse_json). */
static json_t *definition_of(const char *protocol, const char *attrs)
{
    return json_pack("{s:s, s:[{s:o}]}", "protocolType", protocol, "entities", "attrs", parse_json(attrs));
}

static void assert_refused(json_t *definition, const char *sentence)
{
    struct datapoint_plan *plan = NULL;
    char why[300] = "";

    assert_int_equal(datapoint_plan_compile(definition, &plan, why, sizeof(why)), MU_E_VALUE);
    assert_null(plan);
    if (strncmp(why, sentence, strlen(sentence)) != 0)
        fail_msg("expected: %s\n  but got: %s", sentence, why);
    json_decref(definition);
}

#define W(id, name) "{'id':" id ",'name':'" name "','type':'status_writable',"
#define R(id, name) "{'id':" id ",'name':'" name "','type':'status_readonly',"
#define BOOL(bit)   "'data_type':'bool','position':{'unit':'bit','len':1,'byte_offset':0,'bit_offset':" bit "}}"
#define UINT8(byte) "'data_type':'uint8','position':{'unit':'byte','len':1,'byte_offset':" byte "}"
#define ENUM(len)   "'data_type':'enum','position':{'unit':'bit','len':" len ",'byte_offset':0,'bit_offset':0}"

static void a_faulty_datapoint_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *attrs, *sentence;
    } cases[] = {
        { "[" W("0", "a") "'data_type':'int8','position':{}}]", "datapoint 'a' (id 0): data_type is none of" },
        { "[" W("0", "a") "'position':{}}]", "datapoint 'a' (id 0): data_type is none of" },
        { "[{'id':0,'name':'a','type':'W'," BOOL("0") "]", "datapoint 'a' (id 0): type is none of" },
        { "[{'id':0,'name':'a','type':'fault'," UINT8("0") "}]",
          "datapoint 'a' (id 0): an alert or a fault has to be a bool" },
        { "[" W("0", "a") BOOL("0") ", {'id':1," BOOL("1") "]", "datapoint at place 1 of attrs: its name" },
        { "[{'id':0,'name':'','type':'alert'," BOOL("0") "]", "datapoint at place 0 of attrs: its name" },
        { "[7]", "datapoint at place 0 of attrs: its name" },
        { "[" W("0", "a") BOOL("0") "," W("1", "a") BOOL("1") "]",
          "datapoint 'a' (id 1): the datapoint of id 0 has the same name" },
        { "[" W("0", "a") BOOL("0") "," W("0", "b") BOOL("1") "]",
          "datapoint 'b' (id 0): datapoint 'a' has the same id" },
        { "[" W("1", "a") BOOL("0") "]", "datapoint at place 0 of attrs: the id of 'a' is not from 0 to 0" },
        { "[" W("-1", "a") BOOL("0") "]", "datapoint at place 0 of attrs: the id of 'a'" },
        { "[" W("'0'", "a") BOOL("0") "]", "datapoint at place 0 of attrs: the id of 'a'" },
        { "[" W("0.5", "a") BOOL("0") "]", "datapoint at place 0 of attrs: the id of 'a'" },
        /* enums */
        { "[" W("0", "mode") ENUM("2") "}]", "datapoint 'mode' (id 0): an enum without values" },
        { "[" W("0", "mode") ENUM("2") ",'enum':[]}]", "datapoint 'mode' (id 0): an enum without values" },
        { "[" W("0", "mode") ENUM("2") ",'enum':['a','b','c','d','e']}]",
          "datapoint 'mode' (id 0): 5 values do not fit 2 bits" },
        { "[" W("0", "mode") ENUM("2") ",'enum':['a',1]}]", "datapoint 'mode' (id 0): enum value 1" },
        { "[" W("0", "mode") ENUM("17") ",'enum':['a']}]", "datapoint 'mode' (id 0): the len" },
        { "[" W("0", "mode") ENUM("0") ",'enum':['a']}]", "datapoint 'mode' (id 0): the len" },
        /* numbers */
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'min':5,'max':4}}]",
          "datapoint 'n' (id 0): min 5 is greater than max 4" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'min':0,'max':256}}]", "datapoint 'n' (id 0): max" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'min':-1,'max':5}}]", "datapoint 'n' (id 0): min" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'min':0.5,'max':5}}]", "datapoint 'n' (id 0): min" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'max':'5'}}]", "datapoint 'n' (id 0): max" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'ratio':0}}]", "datapoint 'n' (id 0): ratio" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'ratio':-1}}]", "datapoint 'n' (id 0): ratio" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'ratio':1e300}}]", "datapoint 'n' (id 0): ratio" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'ratio':1e-300,'addition':1}}]",
          "datapoint 'n' (id 0): ratio 1e-300 is too small beside addition 1" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'ratio':0.001,'addition':-1e12}}]",
          "datapoint 'n' (id 0): ratio 0.001 is too small beside addition -1e+12" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'ratio':'1'}}]", "datapoint 'n' (id 0): ratio" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'addition':1e300}}]", "datapoint 'n' (id 0): addition" },
        { "[" W("0", "n") UINT8("0") ",'uint_spec':{'addition':'1'}}]", "datapoint 'n' (id 0): addition" },
        /* positions */
        { "[" W("0", "n") "'data_type':'bool'}]", "datapoint 'n' (id 0): it has no position" },
        { "[" W("0", "n") "'data_type':'bool','position':{'len':1}}]", "datapoint 'n' (id 0): the unit" },
        { "[" W("0", "n") "'data_type':'uint8','position':{'unit':'bit','len':8}}]",
          "datapoint 'n' (id 0): the unit of its position is not 'byte'" },
        { "[" W("0", "n") "'data_type':'uint16','position':{'unit':'byte','len':1}}]",
          "datapoint 'n' (id 0): the len of its position is 1, but its type takes 2 bytes" },
        { "[" W("0", "n") "'data_type':'bool','position':{'unit':'bit','len':2}}]",
          "datapoint 'n' (id 0): the len of its position is 2, but its type takes 1 bits" },
        { "[" W("0", "n") "'data_type':'binary','position':{'unit':'byte','len':1025}}]",
          "datapoint 'n' (id 0): the len of its position is not from 1 to 1024" },
        { "[" W("0", "n") "'data_type':'bool','position':{'unit':'bit','len':1,'bit_offset':0}}]",
          "datapoint 'n' (id 0): its byte_offset" },
        { "[" W("0", "n") "'data_type':'bool','position':{'unit':'bit','len':1,'byte_offset':0}}]",
          "datapoint 'n' (id 0): its bit_offset" },
        { "[" W("0", "a") BOOL("0") "," W("1", "b") BOOL("0") "]",
          "datapoint 'b' (id 1): it overlaps datapoint 'a' (id 0)" },
        { "[" W("0", "a") ENUM("3") ",'enum':['x']}," W("1", "b") BOOL("2") "]",
          "datapoint 'b' (id 1): it overlaps datapoint 'a' (id 0)" },
        { "[" W("0", "a") UINT8("0") "}," W("1", "b") UINT8("0") "}]",
          "datapoint 'b' (id 1): it overlaps datapoint 'a' (id 0)" },
        { "[" W("0", "a") BOOL("8") "]", "datapoint 'a' (id 0): bits 8 to 8 do not fit the 1 bytes" },
        { "[" W("0", "a") BOOL("0") "," W("1", "b") UINT8("0") "}]",
          "datapoint 'b' (id 1): bytes 0 to 0 are not within bytes 1 to 1" },
        { "[" W("0", "a") BOOL("0") "," W("1", "b") UINT8("2") "}]",
          "datapoint 'b' (id 1): bytes 2 to 2 are not within bytes 1 to 1" },
        { "[" W("0", "a") UINT8("0") "}," R("1", "b") UINT8("0") "}]",
          "datapoint 'b' (id 1): bytes 0 to 0 are not within bytes 1 to 1" },
        { "[" W("0", "a") UINT8("0") "}," R("1", "b") BOOL("0") "]",
          "datapoint 'b' (id 1): byte_offset is 0, but the read-only bits start at byte 1" },
        { "[" R("0", "a") BOOL("0") "," W("1", "b") BOOL("1") "]",
          "datapoint 'b' (id 1): a writable point comes after a read-only one" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_refused(definition_of("standard", cases[i].attrs), cases[i].sentence);
}

static void a_definition_without_datapoints_is_refused(void **state)
{
    (void)state;
    assert_refused(parse_json("{}"), "datapoint definition: entities[0].attrs");
    assert_refused(parse_json("[]"), "datapoint definition: entities[0].attrs");
    assert_refused(parse_json("{'entities':[{'attrs':[]}]}"), "datapoint definition: entities[0].attrs");
    assert_refused(parse_json("{'entities':{'attrs':[1]}}"), "datapoint definition: entities[0].attrs");
    assert_refused(definition_of("mqtt", "[" W("0", "a") BOOL("0") "]"), "datapoint definition: protocolType");
}

static json_t *many_points(size_t count, const char *type, const char *unit, int len)
{
    json_t *attrs = json_array();
    for (size_t i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof(name), "p%zu", i);
        json_array_append_new(attrs,
                              json_pack("{s:i, s:s, s:s, s:s, s:{s:s, s:i}}", "id", (int)i, "name", name, "type",
                                        "status_readonly", "data_type", type, "position", "unit", unit, "len", len));
    }
    return json_pack("{s:s, s:[{s:o}]}", "protocolType", "var_len", "entities", "attrs", attrs);
}

static void a_definition_over_its_caps_is_refused(void **state)
{
    (void)state;
    assert_refused(many_points(LIMIT_POINTS + 1, "bool", "bit", 1), "datapoint definition: entities");
    assert_refused(many_points(LIMIT_IMAGE / 1024 + 1, "binary", "byte", 1024),
                   "datapoint 'p8' (id 8): with it the datapoints take more than 8192 bytes");

    json_t *largest = many_points(LIMIT_IMAGE / 1024, "binary", "byte", 1024);
    datapoint_plan_free(compile_plan(largest));
    json_decref(largest);
    largest = many_points(LIMIT_POINTS, "bool", "bit", 1);
    datapoint_plan_free(compile_plan(largest));
    json_decref(largest);

    char name[LIMIT_NAME + 2];
    memset(name, 'n', sizeof(name));
    json_t *definition = many_points(1, "bool", "bit", 1);
    json_t *entity = json_array_get(json_object_get(definition, "entities"), 0);
    json_t *point = json_array_get(json_object_get(entity, "attrs"), 0);
    json_object_set_new(point, "name", json_stringn(name, LIMIT_NAME));
    datapoint_plan_free(compile_plan(definition));
    json_object_set_new(point, "name", json_stringn(name, LIMIT_NAME + 1));
    assert_refused(definition, "datapoint at place 0 of attrs: its name");
}

static void a_short_buffer_cuts_the_sentence(void **state)
{
    (void)state;
    json_t *definition = definition_of("standard", "[" W("0", "mode") ENUM("2") "}]");
    struct datapoint_plan *plan;
    for (size_t size = 1; size < 60; size++) {
        char *why = malloc(size);
        assert_int_equal(datapoint_plan_compile(definition, &plan, why, size), MU_E_VALUE);
        assert_true(strlen(why) < size);
        free(why);
    }
    json_decref(definition);
}

/* --- what is accepted ------------------------------------------------------------------------- */

static void what_the_field_leaves_out_is_supplied(void **state)
{
    (void)state;
    json_t *definition =
        parse_json("{'entities':[{'attrs':["
                   "{'id':1,'name':'level','type':'status_writable','data_type':'uint16','extra':{'a':[1]},"
                   "'position':{'unit':'byte','len':2,'byte_offset':1}},"
                   "{'id':0,'name':'on','type':'status_writable','data_type':'bool','enum':[],"
                   "'position':{'unit':'bit','len':1,'byte_offset':0,'bit_offset':0}},"
                   "{'id':2,'name':'volt','type':'status_readonly','data_type':'uint8','display_name':'Volt',"
                   "'position':{'unit':'byte','len':1.0,'byte_offset':3},"
                   "'uint_spec':{'min':0.0,'max':200.0,'ratio':2,'addition':-5}}]}]}");
    struct datapoint_plan *plan = compile_plan(definition);
    json_decref(definition);

    assert_false(datapoint_is_var_len(plan));
    assert_int_equal(datapoint_count(plan), 3);
    const struct datapoint *on = datapoint_at(plan, 0), *level = datapoint_at(plan, 1);
    const struct datapoint *volt = datapoint_at(plan, 2);
    assert_string_equal(on->name, "on");
    assert_string_equal(on->display_name, "");
    assert_int_equal(on->type, POINT_BOOL);
    assert_int_equal(on->size, 1);
    assert_int_equal(level->max, 65535);
    assert_int_equal(level->size, 2);
    assert_true(level->ratio == 1 && level->addition == 0);
    assert_string_equal(volt->display_name, "Volt");
    assert_int_equal(volt->access, POINT_READONLY);
    assert_true(datapoint_shown(plan, 2, 200) == 395);
    datapoint_plan_free(plan);
}

static void points_are_found_by_name(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "wavemaker.json");
    for (size_t i = 0; i < datapoint_count(plan); i++)
        assert_int_equal(datapoint_find(plan, str_of(datapoint_at(plan, i)->name)), (int)i);
    assert_int_equal(datapoint_find(plan, STR("")), -1);
    assert_int_equal(datapoint_find(plan, STR("powe")), -1);
    assert_int_equal(datapoint_find(plan, STR("power\0")), -1);
    assert_int_equal(datapoint_find(plan, STR("zzz")), -1);
    assert_int_equal(datapoint_find(plan, STR("slot_48")), -1);
    datapoint_plan_free(plan);
}

static void compiles_with_all_its_points(const json_t *definition, const char *file)
{
    const json_t *entity = json_array_get(json_object_get(definition, "entities"), 0);
    struct datapoint_plan *plan = NULL;
    char why[300] = "";

    if (datapoint_plan_compile(definition, &plan, why, sizeof(why)) != MU_OK)
        fail_msg("%s: %s", file, why);
    assert_int_equal(datapoint_count(plan), json_array_size(json_object_get(entity, "attrs")));
    datapoint_plan_free(plan);
}

static void our_own_definitions_compile(void **state)
{
    (void)state;
    assert_true(each_definition(OWN, compiles_with_all_its_points));
}

static void definitions_of_the_field_compile(void **state)
{
    (void)state;
    if (!each_definition(FIELD, compiles_with_all_its_points))
        skip();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_faulty_datapoint_is_refused_by_name),
        cmocka_unit_test(a_definition_without_datapoints_is_refused),
        cmocka_unit_test(a_definition_over_its_caps_is_refused),
        cmocka_unit_test(a_short_buffer_cuts_the_sentence),
        cmocka_unit_test(what_the_field_leaves_out_is_supplied),
        cmocka_unit_test(points_are_found_by_name),
        cmocka_unit_test(our_own_definitions_compile),
        cmocka_unit_test(definitions_of_the_field_compile),
    };
    return cmocka_run_group_tests_name("datapoint_plan", tests, NULL, NULL);
}
