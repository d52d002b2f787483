/* An entry without an id does not make its thing a second time, and macs that look alike are reported. */
#include "transfer/apply_fixture.h"

static void the_second_of_a_name_without_an_id_is_refused_with_the_id_of_the_first(void **state)
{
    struct registry_fixture *f = *state;
    static const char file[] = "{'enterprises': [{'name': 'Mine'}], 'products': [{'name': '空调'}]}";

    must_apply(f, file);
    struct apply_outcome o = apply(f, file);
    assert_int_equal(o.err, MU_E_VALUE);
    must_say(&o, "enterprises[0].enterprise_id: missing, and ");
    must_say(&o, " has the same name; give this enterprise_id, or another name\n");
    must_say(&o, "products[0].product_key: missing, and ");
    must_apply(f, "{'enterprises': [{'name': 'Yours'}], 'products': [{'name': 'Pump'}]}");

    must_apply(f, "{'products': [{'product_key': '" PK "', 'name': 'P'}],"
                  " 'enterprises': [{'enterprise_id': '" EID "', 'product_keys': ['" PK "']}],"
                  " 'apps': [{'appid': '" APP "', 'name': 'app', 'product_keys': ['" PK "']}]}");
    must_refuse(f, "{'products': [{'name': 'P'}]}",
                "products[0].product_key: missing, and " PK
                " has the same name; give this product_key, or another name");
    must_refuse(f, "{'apps': [{'name': 'app', 'product_keys': ['" PK "']}]}",
                "apps[0].appid: missing, and " APP " has the same name; give this appid, or another name");
    /* An entry with an id may have any name. */
    must_apply(f, "{'products': [{'product_key': '" PK2 "', 'name': 'P'}]}");
}

static void a_product_is_known_by_the_name_of_its_definition_too(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, "{'products': [{'product_key': '" PK "', 'name': '空调'}]}");
    must_refuse(f, "{'products': [{'datapoint': " DATAPOINT(SWITCH) "}]}",
                "products[0].product_key: missing, and " PK
                " has the same name; give this product_key, or another name");
}

static void the_second_of_a_name_in_one_file_is_refused(void **state)
{
    struct registry_fixture *f = *state;

    must_refuse(f, "{'enterprises': [{'name': 'Mine'}, {'name': 'Other'}, {'name': 'Mine'}]}",
                "enterprises[2].enterprise_id: missing, and an earlier entry without one has the same name");
    must_refuse(f, "{'products': [{'product_key': '" PK "', 'name': 'P'}, {'name': 'P'}]}",
                "products[1].product_key: missing, and " PK
                " has the same name; give this product_key, or another name");
    must_apply(f, "{'enterprises': [{}, {}]}");
    struct apply_outcome o = apply(f, "{'enterprises': [{}]}");
    must_say(&o, " has no name either; give this enterprise_id, or another name\n");
}

static void a_user_without_a_uid_is_known_by_what_he_logs_in_with(void **state)
{
    struct registry_fixture *f = *state;
    char uid[200];

    must_apply(f, EVERYTHING);
    must_apply(f, "{'users': [{'appid': '" APP "', 'username': 'anna'}, {'appid': '" APP "', 'email': 'b@c.d'}]}");
    snprintf(uid, sizeof(uid),
             "users[0].uid: missing, and " UNSEEN " has the same phone; give this uid, or another name");
    must_refuse(f, "{'users': [{'appid': '" APP "', 'phone': '123', 'email': 'e@f.g'}]}", uid);
    for (int i = 0; i < 2; i++) {
        struct apply_outcome o = apply(f, i ? "{'users': [{'appid': '" APP "', 'username': 'anna', 'phone': '9'}]}"
                                            : "{'users': [{'appid': '" APP "', 'email': 'b@c.d'}]}");
        assert_int_equal(o.err, MU_E_VALUE);
        must_say(&o, i ? "has the same username" : "has the same email");
    }
    must_refuse(f, "{'users': [{'appid': '" APP "', 'phone': '7'}, {'appid': '" APP "', 'phone': '7'}]}",
                "users[1].uid: missing, and an earlier entry without one has the same phone");
    must_apply(f, "{'users': [{'appid': '" APP "'}, {'appid': '" APP "'}]}");
}

static void what_a_spreadsheet_spoilt_is_refused_with_the_reason(void **state)
{
    struct registry_fixture *f = *state;
    static const char *const fields[] = { "mac", "passcode", "did", "device_sn" };
    char file[300], complaint[300];

    must_apply(f, EVERYTHING);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        snprintf(file, sizeof(file), "{'devices': [{'product_key': '" PK "'%s, '%s': '8.69E+14'}]}",
                 i ? ", 'mac': 'm'" : "", fields[i]);
        snprintf(complaint, sizeof(complaint),
                 "devices[0].%s: a spreadsheet has rounded it (such as 8.69E+14); "
                 "let the column be text there, and fill it in again",
                 fields[i]);
        must_refuse(f, file, complaint);
    }
    must_refuse(f, "{'users': [{'uid': '" UNSEEN "', 'phone': '1.35E+10'}]}",
                "users[0].phone: a spreadsheet has rounded it (such as 8.69E+14); let the column be text there, and "
                "fill it in again");
    must_refuse(f, "{'users': [{'uid': '" UNSEEN "', 'created_at': 1.5100000005e9}]}",
                "users[0].created_at: must be a time in Unix seconds; a spreadsheet may have rounded it");
    must_refuse(f, "{'users': [{'uid': '" UNSEEN "', 'created_at': '2017/12/13 10:00'}]}",
                "users[0].created_at: must be a time in Unix seconds, not a date");
    must_apply(f, "{'users': [{'uid': '" UNSEEN "', 'remark': '1.35E+10'}]}");
}

static void macs_with_capitals_beside_others_are_taken_and_told(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, "{'products': [{'product_key': '" PK "'}, {'product_key': '" PK2 "'}]}");
    struct apply_outcome o = must_apply(f, "{'devices': [{'product_key': '" PK "', 'mac': 'AA:BB:CC:DD:EE:15'},"
                                           " {'product_key': '" PK "', 'mac': 'AABBCCDDEE16'},"
                                           " {'product_key': '" PK2 "', 'mac': 'AABBCCDDEE17'}]}");
    assert_null(strstr(o.report, "warning"));
    o = must_apply(f, "{'devices': [{'product_key': '" PK "', 'mac': 'AA:BB:CC:DD:EE:15'},"
                      " {'product_key': '" PK "', 'mac': 'AABBCCDDEE16'}, {'product_key': '" PK
                      "', 'mac': 'aabbccddee18'},"
                      " {'product_key': '" PK2 "', 'mac': '861234567890123'}]}");
    must_say(&o,
             "\nwarning: product " PK ": 2 macs with capitals or separators (such as AA:BB:CC:DD:EE:15) beside "
             "lower-case ones of the product: a device that registers as aabbccddee15 will be another one; if it is "
             "the same, delete these and take them again with --mac lower\n");
    assert_null(strstr(o.report, PK2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        with_registry(the_second_of_a_name_without_an_id_is_refused_with_the_id_of_the_first),
        with_registry(a_product_is_known_by_the_name_of_its_definition_too),
        with_registry(the_second_of_a_name_in_one_file_is_refused),
        with_registry(a_user_without_a_uid_is_known_by_what_he_logs_in_with),
        with_registry(what_a_spreadsheet_spoilt_is_refused_with_the_reason),
        with_registry(macs_with_capitals_beside_others_are_taken_and_told),
    };
    return cmocka_run_group_tests_name("apply_name", tests, NULL, NULL);
}
