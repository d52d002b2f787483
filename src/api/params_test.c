#include "api/api_fixture.h"
#include "api/params.h"
#include "api/query.h"

/* Reading parameters: absent ones, their types and bounds, the body, and the objects that they name. */

static const char *const colours[] = { "red", "green", NULL };

struct test_args {
    struct str id, text, header;
    int64_t number;
    enum fleet_tri flag;
    int colour;
    uint32_t group;
    const json_t *any;
    bool checked;
};

static enum api_error checked(struct api_call *call)
{
    ((struct test_args *)call->args)->checked = true;
    return API_OK;
}

/* clang-format off: a table */
static const struct param query_params[] = {
    PRODUCT_KEY,
    { "id", IN_QUERY, ARG(ID, struct test_args, id), REQUIRED, { "", "" }, "" },
    { "text", IN_QUERY, ARG(TEXT, struct test_args, text), OPTIONAL, { "", "" }, "" },
    { "number", IN_QUERY, ARG(INT, struct test_args, number), OPTIONAL, { "", "" }, "", 1, 9, 5 },
    { "flag", IN_QUERY, ARG(FLAG, struct test_args, flag), OPTIONAL, { "", "" }, "" },
    { "colour",
      IN_QUERY,
      ARG(CHOICE, struct test_args, colour),
      OPTIONAL,
      { "", "" },
      "",
      .fallback = -1,
      .choices = colours },
    { "gid", IN_QUERY, ARG(GROUP, struct test_args, group), OPTIONAL, { "", "" }, "" },
    { "X-Thing", IN_HEADER, ARG(TEXT, struct test_args, header), OPTIONAL, { "", "" }, "" },
};
/* clang-format on */
static const struct api_route query_route = { PARAMS(query_params), ARGS(struct test_args), .check = checked };

/* clang-format off: a table */
static const struct param body_params[] = {
    { "id", IN_BODY, ARG(ID, struct test_args, id), OPTIONAL, { "", "" }, "" },
    { "number", IN_BODY, ARG(INT, struct test_args, number), OPTIONAL, { "", "" }, "", 1, 9, 5 },
    { "flag", IN_BODY, ARG(FLAG, struct test_args, flag), OPTIONAL, { "", "" }, "" },
    { "colour",
      IN_BODY,
      ARG(CHOICE, struct test_args, colour),
      OPTIONAL,
      { "", "" },
      "",
      .fallback = -1,
      .choices = colours },
    { "any", IN_BODY, ARG(JSON, struct test_args, any), OPTIONAL, { "", "" }, "null", .schema = "{}" },
};
/* clang-format on */
static const struct api_route body_route = { PARAMS(body_params), ARGS(struct test_args) };

struct device_args {
    struct fleet_device device;
};
static const struct param device_params[] = { PRODUCT_KEY, DID(struct device_args) };
static const struct api_route device_route = { PARAMS(device_params), ARGS(struct device_args) };

static const struct test_args *read_query(struct api_fixture *f, const char *query, enum api_error expected)
{
    begin(f, &query_route, query);
    assert_int_equal(params_read(&f->call, NULL), expected);
    return f->call.args;
}

static const struct test_args *read_body(struct api_fixture *f, const char *text, enum api_error expected)
{
    json_t *body = json_loads(text, 0, NULL);

    assert_non_null(body);
    begin(f, &body_route, "");
    assert_int_equal(params_read(&f->call, body), expected);
    json_decref(body);
    return f->call.args;
}

static void assert_refused(struct api_fixture *f, const char *query, const char *detail)
{
    const struct test_args *args = read_query(f, query, API_FORM_INVALID);

    assert_string_equal(f->call.detail, detail);
    assert_false(args->checked);
}

/* --- values -------------------------------------------------------------------------------------*/
static void what_is_absent_has_its_fallback(void **state)
{
    const struct test_args *args = read_query(*state, "id=x", API_OK);

    assert_true(str_eq(args->id, STR("x")));
    assert_null(args->text.at);
    assert_null(args->header.at);
    assert_int_equal(args->number, 5);
    assert_int_equal(args->flag, FLEET_ANY);
    assert_int_equal(args->colour, -1);
    assert_int_equal(args->group, 0);
}

static void what_is_given_is_read_by_its_type(void **state)
{
    const struct test_args *args =
        read_query(*state, "id=a%3Ab+c&text=%E5%B9%BF%E5%B7%9E&number=9&flag=true&colour=green", API_OK);

    assert_true(str_eq(args->id, STR("a:b c")));
    assert_true(str_eq(args->text, STR("\xe5\xb9\xbf\xe5\xb7\x9e")));
    assert_int_equal(args->number, 9);
    assert_int_equal(args->flag, FLEET_YES);
    assert_int_equal(args->colour, 1);
    args = read_query(*state, "id=x&flag=0", API_OK);
    assert_int_equal(args->flag, FLEET_NO);
}

static void true_and_false_in_a_query_have_any_case(void **state)
{
    assert_int_equal(read_query(*state, "id=x&flag=True", API_OK)->flag, FLEET_YES);
    assert_int_equal(read_query(*state, "id=x&flag=TRUE", API_OK)->flag, FLEET_YES);
    assert_int_equal(read_query(*state, "id=x&flag=False", API_OK)->flag, FLEET_NO);
    assert_int_equal(read_query(*state, "id=x&flag=fALSE", API_OK)->flag, FLEET_NO);
}

static void an_empty_value_counts_as_absent(void **state)
{
    const struct test_args *args = read_query(*state, "number=&flag=&colour&gid=&id=x", API_OK);

    assert_int_equal(args->number, 5);
    assert_int_equal(args->flag, FLEET_ANY);
    assert_refused(*state, "id=", "id: required");
}

static void unknown_parameters_are_ignored(void **state)
{
    (void)read_query(*state, "id=x&whatever=%zz&&=&=7", API_OK);
}

static void of_a_repeated_parameter_the_last_counts(void **state)
{
    assert_true(str_eq(read_query(*state, "id=a&id=b", API_OK)->id, STR("b")));
}

static void a_name_may_be_escaped(void **state)
{
    assert_true(str_eq(read_query(*state, "%69d=a", API_OK)->id, STR("a")));
}

static void a_header_is_read_like_a_query(void **state)
{
    struct api_fixture *f = *state;

    begin(f, &query_route, "id=x");
    add_header(f, "x-thing", "v");
    assert_int_equal(params_read(&f->call, NULL), API_OK);
    assert_true(str_eq(((struct test_args *)f->call.args)->header, STR("v")));
}

static void what_is_wrong_is_named(void **state)
{
    assert_refused(*state, "", "id: required");
    assert_refused(*state, "id=%0", "id: bad percent-escape");
    assert_refused(*state, "id=%00", "id: bad percent-escape");
    assert_refused(*state, "id=x&text=%ff", "text: not UTF-8");
    assert_refused(*state, "id=x&number=0", "number: must be from 1 to 9");
    assert_refused(*state, "id=x&number=10", "number: must be from 1 to 9");
    assert_refused(*state, "id=x&number=1.5", "number: not an integer");
    assert_refused(*state, "id=x&number=99999999999999999999", "number: not an integer");
    assert_refused(*state, "id=x&flag=yes", "flag: must be 0 or 1");
    assert_refused(*state, "id=x&flag=2", "flag: must be 0 or 1");
    assert_refused(*state, "id=x&colour=Red", "colour: not one of the values allowed");
}

static void a_malformed_identifier_is_no_mistake_of_form(void **state)
{
    assert_true(str_eq(read_query(*state, "id=%ff%fe", API_OK)->id, STR("\xff\xfe")));
}

/* --- the body -----------------------------------------------------------------------------------*/
static void the_body_is_read_by_its_types(void **state)
{
    const struct test_args *args =
        read_body(*state, "{\"id\":\"\",\"number\":3,\"flag\":false,\"colour\":\"red\",\"any\":[1]}", API_OK);

    assert_non_null(args->id.at); /* it was given, though empty: such an id is merely unknown */
    assert_int_equal(args->id.len, 0);
    assert_int_equal(args->number, 3);
    assert_int_equal(args->flag, FLEET_NO);
    assert_int_equal(args->colour, 0);
    assert_non_null(args->any);
    assert_int_equal(read_body(*state, "{\"flag\":1}", API_OK)->flag, FLEET_YES);
}

static void null_in_the_body_counts_as_absent(void **state)
{
    const struct test_args *args = read_body(*state, "{\"id\":null,\"number\":null,\"any\":null}", API_OK);

    assert_null(args->id.at);
    assert_int_equal(args->number, 5);
    assert_null(args->any);
}

static void a_whole_number_in_the_body_may_come_as_a_float(void **state)
{
    assert_int_equal(read_body(*state, "{\"number\":3.0}", API_OK)->number, 3);
    assert_int_equal(read_body(*state, "{\"flag\":1.0}", API_OK)->flag, FLEET_YES);
    assert_int_equal(read_body(*state, "{\"flag\":0.0}", API_OK)->flag, FLEET_NO);
    (void)read_body(*state, "{\"number\":3.5}", API_FORM_INVALID);
    (void)read_body(*state, "{\"number\":10.0}", API_FORM_INVALID);
    (void)read_body(*state, "{\"flag\":0.5}", API_FORM_INVALID);
    (void)read_body(*state, "{\"flag\":2.0}", API_FORM_INVALID);
}

static void a_mistyped_field_is_named(void **state)
{
    struct api_fixture *f = *state;

    (void)read_body(f, "{\"id\":5}", API_FORM_INVALID);
    assert_string_equal(f->call.detail, "id: not a text");
    (void)read_body(f, "{\"number\":\"5\"}", API_FORM_INVALID);
    assert_string_equal(f->call.detail, "number: not an integer");
    (void)read_body(f, "{\"number\":10}", API_FORM_INVALID);
    assert_string_equal(f->call.detail, "number: must be from 1 to 9");
    (void)read_body(f, "{\"flag\":2}", API_FORM_INVALID);
    assert_string_equal(f->call.detail, "flag: must be true or false");
}

/* --- objects ------------------------------------------------------------------------------------*/
static void a_group_is_found_or_refused(void **state)
{
    assert_int_equal(read_query(*state, "id=x&gid=" GROUP, API_OK)->group, 1);
    (void)read_query(*state, "id=x&gid=nothing", API_GROUP_UNKNOWN);
    (void)read_query(*state, "id=x&gid=" OTHER_GROUP, API_GROUP_OTHER_PRODUCT);
}

static void form_and_check_come_before_objects(void **state)
{
    assert_refused(*state, "gid=nothing", "id: required");
    assert_true(read_query(*state, "id=x&gid=nothing", API_GROUP_UNKNOWN)->checked);
}

static void a_device_is_found_or_refused(void **state)
{
    struct api_fixture *f = *state;
    const struct device_args *args;

    begin(f, &device_route, "");
    args = f->call.args;
    assert_int_equal(params_read(&f->call, NULL), API_OK);
    assert_int_equal(args->device.no, 1);
    f->ex.req.captures[1] = STR(OTHER_DEVICE);
    assert_int_equal(params_read(&f->call, NULL), API_DEVICE_OTHER_PRODUCT);
    f->ex.req.captures[1] = STR("\xff?");
    assert_int_equal(params_read(&f->call, NULL), API_DEVICE_UNKNOWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_absent_has_its_fallback),
        TEST(what_is_given_is_read_by_its_type),
        TEST(true_and_false_in_a_query_have_any_case),
        TEST(an_empty_value_counts_as_absent),
        TEST(unknown_parameters_are_ignored),
        TEST(of_a_repeated_parameter_the_last_counts),
        TEST(a_name_may_be_escaped),
        TEST(a_header_is_read_like_a_query),
        TEST(what_is_wrong_is_named),
        TEST(a_malformed_identifier_is_no_mistake_of_form),
        TEST(the_body_is_read_by_its_types),
        TEST(null_in_the_body_counts_as_absent),
        TEST(a_whole_number_in_the_body_may_come_as_a_float),
        TEST(a_mistyped_field_is_named),
        TEST(a_group_is_found_or_refused),
        TEST(form_and_check_come_before_objects),
        TEST(a_device_is_found_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
