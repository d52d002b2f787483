/* Each mistake is reported, and nothing of a file with mistakes stays. */
#include "transfer/apply_fixture.h"

/* --- mistakes -------------------------------------------------------------------------------------*/

static void each_mistake_names_its_list_index_and_field(void **state)
{
    struct registry_fixture *f = *state;
    static const char hex[] = "must be 32 lower-case hex digits";
    char complaint[200];

    must_apply(f, EVERYTHING);
    must_refuse(f, "{'device': []}", "device: unknown list");
    must_refuse(f, "{'devices': {}}", "devices: must be a list");
    must_refuse(f, "{'devices': [7]}", "devices[0]: must be an object");
    snprintf(complaint, sizeof(complaint), "enterprises[0].enterprise_id: %s", hex);
    must_refuse(f, "{'enterprises': [{'enterprise_id': 'E0000000000000000000000000000001'}]}", complaint);
    must_refuse(f, "{'enterprises': [{'enterprise_id': null}]}", complaint);
    snprintf(complaint, sizeof(complaint), "enterprises[0].enterprise_secret: %s", hex);
    must_refuse(f, "{'enterprises': [{'enterprise_secret': 'short'}]}", complaint);
    must_refuse(f, "{'enterprises': [{'hourly_qouta': 1}]}", "enterprises[0].hourly_qouta: unknown field");
    must_refuse(f, "{'enterprises': [{'hourly_quota': -1}]}",
                "enterprises[0].hourly_quota: must be an integer from 0 to 4294967295");
    must_refuse(f, "{'enterprises': [{'secret_required': 1}]}",
                "enterprises[0].secret_required: must be true or false");
    must_refuse(f, "{'enterprises': [{'ip_allow': ['10.0.0.0/8', '10.0.0.0/33']}]}",
                "enterprises[0].ip_allow[1]: must be an address or a network such as \"10.0.0.0/8\"");
    must_refuse(f, "{'enterprises': [{'ip_allow': '10.0.0.0/8'}]}",
                "enterprises[0].ip_allow: must be a list of at most 64 networks");
    must_refuse(f, "{'enterprises': [{}, {'product_keys': ['" PK2 "']}]}",
                "enterprises[1].product_keys[0]: there is no such product");
    must_refuse(f, "{'enterprises': [{'product_keys': '" PK "'}]}", "enterprises[0].product_keys: must be a list");
    must_refuse(f, "{'enterprises': [{'product_keys': ['" PK "']}]}",
                "enterprises[0].product_keys: product " PK " belongs to another enterprise");
    must_refuse(f,
                "{'enterprises': [{'enterprise_id': '" EID "', "
                "'product_keys': ['" PK "', '" PK "']}]}",
                "enterprises[0].product_keys[1]: the product is listed twice");
    must_refuse(f, "{'enterprises': [{'enterprise_id': '" EID2 "'}, {'enterprise_id': '" EID2 "'}]}",
                "enterprises[1]: an earlier entry of the list is the same one");
    must_refuse(f,
                "{'enterprises': [{'enterprise_id': '" EID "', 'product_keys': []}, "
                "{'enterprise_id': '" EID "', 'product_keys': []}]}",
                "enterprises[1]: an earlier entry of the list is the same one");
    must_refuse(f, "{'products': [{'registration': 'closed'}]}",
                "products[0].registration: must be one of \"open\", \"known\"");
    must_refuse(f, "{'products': [{'name': 7}]}", "products[0].name: must be a text");
    must_refuse(f, "{'apps': [{}]}", "apps[0].product_keys: missing");
    must_refuse(f, "{'apps': [{'product_keys': []}]}", "apps[0].product_keys: must name at least one product");
    must_refuse(f, "{'users': [{}]}", "users[0].appid: missing");
    must_refuse(f, "{'users': [{'appid': '" UNSEEN "'}]}", "users[0].appid: there is no such app");
    must_refuse(f, "{'users': [{'uid': '" UNSEEN "', 'created_at': null}]}",
                "users[0].created_at: must be a time in Unix seconds");
    must_refuse(f, "{'users': [{'uid': '" UNSEEN "', 'created_at': 1513135417000}]}",
                "users[0].created_at: must be a time in Unix seconds");
    must_refuse(f, "{'users': [{'uid': '" UNSEEN "', 'auth_src': 'x'}]}", "users[0].auth_src: must be an object");
}

static void mistakes_in_devices_are_told(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING);
    must_apply(f, "{'products': [{'product_key': '" PK2 "'}]}");
    must_refuse(f, "{'devices': [{'mac': 'm'}]}", "devices[0].product_key: missing");
    must_refuse(f, "{'devices': [{'product_key': '" PK "'}]}", "devices[0].mac: missing");
    must_refuse(f, "{'devices': [{'product_key': '" PK "', 'mac': null}]}",
                "devices[0].mac: must be 1 to 64 printable characters without blanks");
    must_refuse(f, "{'devices': [{'product_key': '" UNSEEN "', 'mac': 'm'}]}",
                "devices[0].product_key: there is no such product");
    must_refuse(f, "{'devices': [{'product_key': '" PK "', 'mac': 'm', 'did': 'x'}]}",
                "devices[0].did: must be 22 characters without 0 O 1 I l");
    must_refuse(f, "{'devices': [{'product_key': '" PK "', 'mac': 'm', 'passcode': 'a b'}]}",
                "devices[0].passcode: must be 1 to 32 printable characters without blanks");
    must_refuse(f, "{'devices': [{'did': '" DID "', 'product_key': '" PK2 "'}]}",
                "devices[0].product_key: the did is a device of another product");
    must_refuse(f, "{'devices': [{'did': '" DID "', 'mac': 'other'}]}", "devices[0].mac: the did has another mac");
    must_refuse(f, "{'devices': [{'did': '" DID "', 'longitude': 180.5}]}",
                "devices[0].longitude: must be a number from -180 to 180\n"
                "devices[0].longitude: longitude and latitude go together");
    must_refuse(f, "{'devices': [{'did': '" DID "', 'latitude': null}]}",
                "devices[0].latitude: longitude and latitude go together");
    must_refuse(f, "{'devices': [{'did': '" DID "'}, {'product_key': '" PK "', 'mac': 'accf2350d446'}]}",
                "devices[1]: an earlier entry of the list is the same one");
    must_refuse(f, "{'devices': [{'did': '" DID2 "', 'product_key': '" PK "', 'mac': 'accf2350d446'}]}",
                "devices[0].is_disabled: another did of this mac is enabled");
    must_refuse(f,
                "{'devices': [{'did': '" DID2 "', 'product_key': '" PK "', 'mac': 'accf2350d446', "
                "'passcode': '123456', 'is_disabled': true}]}",
                "devices[0].passcode: another did of this mac (" DID ") has it");
    must_refuse(f, "{'devices': [{'did': '" DID "', 'type': 'gateway'}]}",
                "devices[0].type: must be one of \"normal\", \"center_control\", \"sub_dev\", "
                "\"bluetooth\"");
}

static void mistakes_in_a_definition_name_the_datapoint(void **state)
{
    struct registry_fixture *f = *state;

    must_refuse(f, "{'products': [{'datapoint': 7}]}", "products[0].datapoint: must be an object");
    must_refuse(f, "{'products': [{'datapoint': {'entities': [{'attrs': [" SWITCH "]}], 'Ui': {}}}]}",
                "products[0].datapoint: unknown field \"Ui\"");
    must_refuse(f, "{'products': [{'datapoint': {'entities': [{'attrs': [" SWITCH "]}], 'ui': []}}]}",
                "products[0].datapoint: ui must be an object");
    struct apply_outcome o = apply(f, "{'products': [{}, {'datapoint': {'entities': [{'attrs': [" SWITCH
                                      ", {'id': 1, 'name': 'mode', 'type': 'nothing'}]}]}}]}");
    assert_int_equal(o.err, MU_E_VALUE);
    must_say(&o, "products[1].datapoint: datapoint 'mode' (id 1): ");
}

static void nothing_of_a_file_with_a_mistake_stays(void **state)
{
    struct registry_fixture *f = *state;
    uint64_t before = last_change(f);

    struct apply_outcome o = apply(f, "{'enterprises': [{}], 'products': [{}, {'pacing': 'never'}], "
                                      "'devices': [{'mac': ''}]}");
    assert_int_equal(o.err, MU_E_VALUE);
    assert_string_equal(o.report, "products[1].pacing: must be one of \"auto\", \"on\", \"off\"\n"
                                  "devices[0].mac: must be 1 to 64 printable characters without blanks\n"
                                  "devices[0].product_key: missing\n");
    assert_true(last_change(f) == before);
}

static void what_is_not_json_says_where(void **state)
{
    struct registry_fixture *f = *state;
    struct apply_outcome o = apply(f, "{'devices': [\n{'mac': }]}");

    assert_int_equal(o.err, MU_E_SYNTAX);
    must_say(&o, "line 2, column ");
    assert_int_equal(apply(f, "").err, MU_E_SYNTAX);
    assert_int_equal(apply(f, "{'devices': [], 'devices': []}").err, MU_E_SYNTAX);
    o = apply(f, "[]");
    assert_int_equal(o.err, MU_E_VALUE);
    must_say(&o, "must be an object");
}

static void a_hundred_mistakes_are_enough(void **state)
{
    struct registry_fixture *f = *state;
    struct buf text;
    unsigned lines = 0;

    buf_init(&text, 100000);
    buf_append_str(&text, "{'devices': [7");
    for (int i = 0; i < 500; i++)
        buf_append_str(&text, ",{'macc':1}");
    buf_append(&text, "]}", 3);
    struct apply_outcome o = apply(f, (const char *)text.data);
    buf_free(&text);
    assert_int_equal(o.err, MU_E_VALUE);
    for (const char *at = o.report; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 100);
}

static void a_secret_that_cannot_be_told_is_not_stored(void **state)
{
    struct registry_fixture *f = *state;
    struct buf report;
    uint64_t before = last_change(f);

    buf_init(&report, 250);
    assert_int_equal(
        apply_json(f->reg, NULL, STR("{\"enterprises\": [{}]}"), &(struct apply_options){ .now_s = NOW }, &report),
        MU_E_LIMIT);
    assert_int_equal(report.len, 0);
    assert_true(last_change(f) == before);
    buf_free(&report);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(each_mistake_names_its_list_index_and_field),
        with_registry(mistakes_in_devices_are_told),
        with_registry(mistakes_in_a_definition_name_the_datapoint),
        with_registry(nothing_of_a_file_with_a_mistake_stays),
        with_registry(what_is_not_json_says_where),
        with_registry(a_hundred_mistakes_are_enough),
        with_registry(a_secret_that_cannot_be_told_is_not_stored),
    };
    return cmocka_run_group_tests_name("apply_mistake", tests, NULL, NULL);
}
