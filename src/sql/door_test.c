/* Registering, disabling and locating devices (device-access 1). */
#include "sql/registry_fixture.h"

static struct register_result enrol(struct registry_fixture *f, uint32_t product, const char *mac, const char *passcode)
{
    struct register_result result;
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ product, mac, passcode, false, 1000 }, &result),
        MU_OK);
    return result;
}

static void a_new_mac_gets_a_did(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result r = enrol(f, fixture_product(f), "accf2350d446", "pass");

    assert_int_equal(r.outcome, REGISTER_CREATED);
    assert_int_equal(r.old, 0);
    assert_true(did_valid(str_of(r.device.did)));
    assert_int_equal(r.device.created_at, 1000);
    fixture_reopen(f);
    struct device_row kept = fixture_device(f, r.device.no);
    assert_memory_equal(&kept, &r.device, sizeof(kept));
}

static void the_same_mac_and_passcode_get_the_same_did(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct register_result first = enrol(f, product, "mac", "pass");
    struct register_result again = enrol(f, product, "mac", "pass");

    assert_int_equal(again.outcome, REGISTER_SAME);
    assert_memory_equal(&again.device, &first.device, sizeof(first.device));
}

static void a_mac_is_case_sensitive_and_belongs_to_its_product(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);

    enrol(f, product, "mac", "pass");
    assert_int_equal(enrol(f, product, "MAC", "pass").outcome, REGISTER_CREATED);
    assert_int_equal(enrol(f, fixture_product(f), "mac", "pass").outcome, REGISTER_CREATED);
}

static void another_passcode_gets_a_new_did_and_disables_the_old(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct register_result first = enrol(f, product, "mac", "one");
    struct register_result second = enrol(f, product, "mac", "two");

    assert_int_equal(second.outcome, REGISTER_REPLACED);
    assert_int_equal(second.old, first.device.no);
    assert_string_not_equal(second.device.did, first.device.did);
    assert_true(fixture_device(f, first.device.no).is_disabled);
    assert_false(fixture_device(f, second.device.no).is_disabled);
}

static void a_disabled_did_is_enabled_by_its_passcode(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result first = enrol(f, fixture_product(f), "mac", "one");

    assert_int_equal(registry_set_device_disabled(f->reg, first.device.no, true), MU_OK);
    assert_int_equal(registry_set_device_disabled(f->reg, first.device.no, true), MU_OK);
    struct register_result again = enrol(f, first.device.product, "mac", "one");
    assert_int_equal(again.outcome, REGISTER_ENABLED);
    assert_int_equal(again.old, 0);
    assert_int_equal(again.device.no, first.device.no);
    assert_false(fixture_device(f, first.device.no).is_disabled);
}

static void a_device_that_the_operator_has_disabled_does_not_enable_itself(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result first = enrol(f, fixture_product(f), "mac", "one");

    fixture_sql(f, "UPDATE device SET is_disabled = 1, is_barred = 1");
    struct register_result again = enrol(f, first.device.product, "mac", "one");
    assert_int_equal(again.outcome, REGISTER_BARRED);
    assert_true(fixture_device(f, first.device.no).is_disabled);
    /* After a reset it is a new device, as always; and the old did does not come back. */
    struct register_result reset = enrol(f, first.device.product, "mac", "two");
    assert_int_equal(reset.outcome, REGISTER_CREATED);
    assert_int_equal(enrol(f, first.device.product, "mac", "one").outcome, REGISTER_BARRED);
    assert_false(fixture_device(f, reset.device.no).is_disabled);
}

static void an_older_did_comes_back_with_its_passcode_and_disables_the_younger(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result first = enrol(f, fixture_product(f), "mac", "one");
    struct register_result second = enrol(f, first.device.product, "mac", "two");
    struct register_result third = enrol(f, first.device.product, "mac", "one");

    assert_int_equal(third.outcome, REGISTER_ENABLED);
    assert_int_equal(third.device.no, first.device.no);
    assert_int_equal(third.old, second.device.no);
    assert_true(fixture_device(f, second.device.no).is_disabled);
    assert_false(fixture_device(f, first.device.no).is_disabled);
}

static void a_new_did_after_a_disabled_one_replaces_nothing(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result first = enrol(f, fixture_product(f), "mac", "one");

    assert_int_equal(registry_set_device_disabled(f->reg, first.device.no, true), MU_OK);
    struct register_result second = enrol(f, first.device.product, "mac", "two");
    assert_int_equal(second.outcome, REGISTER_CREATED);
    assert_int_equal(second.old, 0);
}

static void a_closed_product_takes_only_what_was_imported(void **state)
{
    struct registry_fixture *f = *state;
    struct device_row known = { .product = fixture_product(f), .mac = "mac", .passcode = "pass" };
    struct register_result r;

    did_new(known.did);
    assert_int_equal(fixture_put(f, .device = &known), MU_OK);
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ known.product, "mac", "pass", true, 1 }, &r),
        MU_OK);
    assert_int_equal(r.outcome, REGISTER_SAME);
    assert_string_equal(r.device.did, known.did);
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ known.product, "mac", "other", true, 1 }, &r),
        MU_E_REFUSED);
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ known.product, "other", "pass", true, 1 }, &r),
        MU_E_REFUSED);
    assert_false(fixture_device(f, known.no).is_disabled);

    assert_int_equal(registry_set_device_disabled(f->reg, known.no, true), MU_OK);
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ known.product, "mac", "pass", true, 1 }, &r),
        MU_OK);
    assert_int_equal(r.outcome, REGISTER_ENABLED);
}

static void an_unknown_product_and_an_overlong_mac_store_nothing(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result r;
    char mac[LIMIT_MAC + 2];

    memset(mac, 'm', sizeof(mac) - 1);
    mac[sizeof(mac) - 1] = '\0';
    assert_int_equal(registry_register_device(f->reg, &(struct register_request){ 999, "mac", "pass", false, 1 }, &r),
                     MU_E_NOT_FOUND);
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ fixture_product(f), mac, "pass", false, 1 }, &r),
        MU_E_LIMIT);
}

struct by_mac {
    uint32_t product;
    struct device_row device;
};

static enum mu_err find_by_mac(struct registry_tx *tx, void *arg)
{
    struct by_mac *find = arg;
    return tx_device_by_mac(tx, find->product, "mac", &find->device);
}

static void the_latest_of_a_mac_is_the_enabled_one_else_the_youngest(void **state)
{
    struct registry_fixture *f = *state;
    struct by_mac find = { .product = fixture_product(f) };

    assert_int_equal(registry_read(f->reg, find_by_mac, &find), MU_E_NOT_FOUND);
    struct register_result first = enrol(f, find.product, "mac", "one");
    struct register_result second = enrol(f, find.product, "mac", "two");
    assert_int_equal(registry_read(f->reg, find_by_mac, &find), MU_OK);
    assert_int_equal(find.device.no, second.device.no);
    enrol(f, find.product, "mac", "one");
    assert_int_equal(registry_read(f->reg, find_by_mac, &find), MU_OK);
    assert_int_equal(find.device.no, first.device.no);
    assert_int_equal(registry_set_device_disabled(f->reg, first.device.no, true), MU_OK);
    assert_int_equal(registry_read(f->reg, find_by_mac, &find), MU_OK);
    assert_int_equal(find.device.no, second.device.no);
}

static void two_devices_of_one_mac_are_never_enabled_together(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result first = enrol(f, fixture_product(f), "mac", "one");

    enrol(f, first.device.product, "mac", "two");
    assert_int_equal(registry_set_device_disabled(f->reg, first.device.no, false), MU_E_EXISTS);
    assert_true(fixture_device(f, first.device.no).is_disabled);
    assert_int_equal(registry_set_device_disabled(f->reg, 999, true), MU_E_NOT_FOUND);
}

/* --- locating -------------------------------------------------------------------------------------*/

static uint64_t last_change(struct registry_fixture *f)
{
    uint64_t seq = 0;
    assert_int_equal(registry_visit_all(f->reg, &(struct registry_visitor){ 0 }, &seq), MU_OK);
    return seq;
}

static void a_device_is_located_until_the_operator_says_where_it_is(void **state)
{
    struct registry_fixture *f = *state;
    struct register_result r = enrol(f, fixture_product(f), "mac", "pass");
    static const struct place guangzhou = { "China", "Guangdong", "Guangzhou" };
    static const struct place beijing = { "China", "Beijing", "Beijing" };

    assert_int_equal(registry_locate_device(f->reg, r.device.no, &guangzhou, true, 113.25, 23.125), MU_OK);
    struct device_row d = fixture_device(f, r.device.no);
    assert_string_equal(d.place.city, "Guangzhou");
    assert_int_equal(d.place_source, PLACE_LOCATED);
    assert_true(d.has_coordinates && d.longitude == 113.25 && d.latitude == 23.125);

    assert_int_equal(registry_locate_device(f->reg, r.device.no, &beijing, false, 0, 0), MU_OK);
    d = fixture_device(f, r.device.no);
    assert_string_equal(d.place.city, "Beijing");
    assert_false(d.has_coordinates);

    uint64_t before = last_change(f);
    assert_int_equal(registry_locate_device(f->reg, r.device.no, &beijing, false, 0, 0), MU_OK);
    assert_true(last_change(f) == before);

    d.place_source = PLACE_CONFIGURED;
    assert_int_equal(fixture_put(f, .device = &d), MU_OK);
    assert_int_equal(registry_locate_device(f->reg, r.device.no, &guangzhou, true, 113, 23), MU_OK);
    d = fixture_device(f, r.device.no);
    assert_string_equal(d.place.city, "Beijing");
    assert_int_equal(registry_locate_device(f->reg, 999, &guangzhou, true, 113, 23), MU_E_NOT_FOUND);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_new_mac_gets_a_did),
        with_registry(the_same_mac_and_passcode_get_the_same_did),
        with_registry(a_mac_is_case_sensitive_and_belongs_to_its_product),
        with_registry(another_passcode_gets_a_new_did_and_disables_the_old),
        with_registry(a_disabled_did_is_enabled_by_its_passcode),
        with_registry(a_device_that_the_operator_has_disabled_does_not_enable_itself),
        with_registry(an_older_did_comes_back_with_its_passcode_and_disables_the_younger),
        with_registry(a_new_did_after_a_disabled_one_replaces_nothing),
        with_registry(a_closed_product_takes_only_what_was_imported),
        with_registry(an_unknown_product_and_an_overlong_mac_store_nothing),
        with_registry(the_latest_of_a_mac_is_the_enabled_one_else_the_youngest),
        with_registry(two_devices_of_one_mac_are_never_enabled_together),
        with_registry(a_device_is_located_until_the_operator_says_where_it_is),
    };
    return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
