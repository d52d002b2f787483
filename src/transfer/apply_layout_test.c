/* If there are devices, a definition that moves what they report is accepted only with `force`. */
#include "transfer/apply_fixture.h"

#define PRODUCT(attrs) "{'products': [{'product_key': '" PK "', 'datapoint': " DATAPOINT(attrs) "}]}"
#define WIDE                                                                       \
    "{'id': 1, 'name': 'temp', 'type': 'status_readonly', 'data_type': 'uint16', " \
    "'position': {'byte_offset': 1, 'bit_offset': 0, 'len': 2, 'unit': 'byte'}}"
#define RENAMED                                                                   \
    "{'id': 1, 'name': 'room', 'type': 'status_readonly', 'data_type': 'uint8', " \
    "'position': {'byte_offset': 1, 'bit_offset': 0, 'len': 1, 'unit': 'byte'}}"

#define WHAT "a report has 4 bytes, had 3; 'temp': bytes 1-2, was byte 1"

static void what_devices_report_is_moved_with_force_only(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING); /* this has a device */
    must_refuse(f, PRODUCT(SWITCH "," WIDE),
                "products[0].datapoint: changes the layout of reports, and the product has 1 device: " WHAT
                "; what firmware of the old layout reports would be decoded wrongly or not at all (--force takes it)");
    assert_int_equal((GET(f, product, product_key, PK)).definition, 1);
    struct apply_outcome o =
        apply_with(f, &(struct apply_options){ .now_s = NOW, .force = true }, PRODUCT(SWITCH "," WIDE));
    assert_int_equal(o.err, MU_OK);
    must_say(&o, "warning: product " PK ": the layout of reports has changed, and it has 1 device: " WHAT "\n");
    assert_int_equal((GET(f, product, product_key, PK)).definition, 2);
    must_apply(f, PRODUCT(SWITCH "," WIDE)); /* again: it is already in force */
}

static void what_leaves_reports_as_they_are_needs_none(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING);
    struct apply_outcome o = must_apply(f, PRODUCT(SWITCH "," RENAMED));
    assert_null(strstr(o.report, "warning"));
    must_apply(f, "{'products': [{'product_key': '" PK "', 'datapoint': null}]}");
    must_apply(f, PRODUCT(SWITCH "," WIDE)); /* none was in force */
}

static void a_product_without_devices_needs_none(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, PRODUCT(SWITCH "," TEMPERATURE));
    struct apply_outcome o = must_apply(f, PRODUCT(SWITCH "," WIDE));
    assert_null(strstr(o.report, "warning"));
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(what_devices_report_is_moved_with_force_only),
        with_registry(what_leaves_reports_as_they_are_needs_none),
        with_registry(a_product_without_devices_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
