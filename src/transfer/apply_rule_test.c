/* Rules of apply: which things belong to which, and which device is meant. */
#include "transfer/apply_fixture.h"

/* --- what belongs to whom -------------------------------------------------------------------------*/

static void an_enterprise_has_exactly_the_products_it_lists(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, "{'enterprises': [{'enterprise_id': '" EID "', "
                  "'product_keys': ['" PK2 "', '" PK "']}, "
                  "{'enterprise_id': '" EID2 "'}], "
                  "'products': [{'product_key': '" PK "'}, {'product_key': '" PK2 "'}], "
                  "'apps': [{'appid': '" APP "', 'product_keys': ['" PK2 "', '" PK "']}]}");
    uint32_t first = GET(f, enterprise, enterprise_id, EID).no;
    uint32_t second = GET(f, enterprise, enterprise_id, EID2).no;
    assert_int_equal(GET(f, app, appid, APP).enterprise, first);

    struct apply_outcome o = must_apply(f, "{'enterprises': [{'enterprise_id': '" EID "', 'name': 'x'}]}");
    must_say(&o, "associations: 0 added, 0 removed");
    must_refuse(f,
                "{'enterprises': [{'enterprise_id': '" EID2 "', 'product_keys': ['" PK2 "']}, "
                "{'enterprise_id': '" EID "', 'product_keys': ['" PK "']}]}",
                "enterprises[0].product_keys: product " PK2 " has an app together with a product of "
                "another enterprise");
    o = must_apply(f, "{'enterprises': [{'enterprise_id': '" EID2 "', "
                      "'product_keys': ['" PK2 "', '" PK "']}, "
                      "{'enterprise_id': '" EID "', 'product_keys': null}]}");
    must_say(&o, "associations: 2 added, 2 removed");
    assert_int_equal(GET(f, app, appid, APP).enterprise, second);
    o = must_apply(f, "{'enterprises': [{'enterprise_id': '" EID2 "', 'product_keys': []}]}");
    must_say(&o, "associations: 0 added, 2 removed");
    assert_int_equal(GET(f, app, appid, APP).enterprise, 0);
}

static void an_app_is_of_one_enterprise(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, "{'products': [{'product_key': '" PK "'}, {'product_key': '" PK2 "'}], "
                  "'enterprises': [{'enterprise_id': '" EID "', 'product_keys': ['" PK "']}, {}]}");
    must_refuse(f, "{'apps': [{'product_keys': ['" PK "', '" PK2 "']}]}",
                "apps[0].product_keys: product " PK2 " belongs to no enterprise");
    must_apply(f, "{'enterprises': [{'enterprise_id': '" EID2 "', 'product_keys': ['" PK2 "']}]}");
    must_refuse(f, "{'apps': [{'product_keys': ['" PK "', '" PK2 "']}]}",
                "apps[0].product_keys: product " PK2 " belongs to another enterprise than the others");
}

/* --- devices --------------------------------------------------------------------------------------*/

static void a_file_may_change_which_did_of_a_mac_is_enabled(void **state)
{
    struct registry_fixture *f = *state;
    static const char *const files[] = {
        "{'devices': [{'did': '" DID "', 'product_key': '" PK "', 'mac': 'm'}, "
        "{'did': '" DID2 "', 'product_key': '" PK "', 'mac': 'm', 'is_disabled': true}]}",
        "{'devices': [{'did': '" DID2 "', 'is_disabled': false}, "
        "{'did': '" DID "', 'is_disabled': true}]}",
        "{'devices': [{'did': '" DID2 "', 'is_disabled': true}, "
        "{'did': '" DID "', 'is_disabled': false}]}",
    };

    must_apply(f, "{'products': [{'product_key': '" PK "'}]}");
    for (size_t i = 0; i < 3; i++) {
        must_apply(f, files[i]);
        assert_int_equal(GET(f, device, did, DID).is_disabled, i == 1);
        assert_int_equal(GET(f, device, did, DID2).is_disabled, i != 1);
    }
    /* Without a did the entry means the enabled registration. */
    must_apply(f, "{'devices': [{'product_key': '" PK "', 'mac': 'm', 'device_sn': 'this'}]}");
    assert_string_equal(GET(f, device, did, DID).device_sn, "this");
    assert_string_equal(GET(f, device, did, DID2).device_sn, "");
}

static void a_configured_place_replaces_a_located_one_and_null_gives_it_back(void **state)
{
    struct registry_fixture *f = *state;
    static const struct place beijing = { "China", "Beijing", "Beijing" };

    must_apply(f, "{'products': [{'product_key': '" PK "'}], "
                  "'devices': [{'did': '" DID "', 'product_key': '" PK "', 'mac': 'm'}]}");
    struct device_row d = GET(f, device, did, DID);
    assert_int_equal(d.place_source, PLACE_NONE);
    assert_int_equal(registry_locate_device(f->reg, d.no, &beijing, true, 116, 40), MU_OK);

    must_apply(f, "{'devices': [{'did': '" DID "', 'city': null, 'longitude': null, 'latitude': null, "
                  "'device_sn': 'x'}]}");
    d = GET(f, device, did, DID);
    assert_int_equal(d.place_source, PLACE_LOCATED);
    assert_string_equal(d.place.city, "Beijing");
    assert_true(d.has_coordinates && d.longitude == 116);

    must_apply(f, "{'devices': [{'did': '" DID "', 'city': 'Shenzhen'}]}");
    d = GET(f, device, did, DID);
    assert_int_equal(d.place_source, PLACE_CONFIGURED);
    assert_string_equal(d.place.city, "Shenzhen");
    assert_string_equal(d.place.region, "");
    assert_false(d.has_coordinates);

    must_apply(f, "{'devices': [{'did': '" DID "', 'city': null}]}");
    d = GET(f, device, did, DID);
    assert_int_equal(d.place_source, PLACE_NONE);
    assert_string_equal(d.place.city, "");
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(an_enterprise_has_exactly_the_products_it_lists),
        with_registry(an_app_is_of_one_enterprise),
        with_registry(a_file_may_change_which_did_of_a_mac_is_enabled),
        with_registry(a_configured_place_replaces_a_located_one_and_null_gives_it_back),
    };
    return cmocka_run_group_tests_name("apply_rule", tests, NULL, NULL);
}
