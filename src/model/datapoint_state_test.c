#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

#include "base/limits.h"

/* Reports merged into a state, and what the state says of its points. */

static void a_device_that_told_nothing_has_no_values_and_no_faults(void **state)
{
    (void)state;
    static const char *const files[] = { "air-conditioner.json", "heater.json" };
    for (size_t i = 0; i < 2; i++) {
        struct datapoint_plan *plan = load_plan(OWN, files[i]);
        uint8_t *known = calloc(1, datapoint_state_size(plan));
        struct point_value values[LIMIT_POINTS];
        datapoint_state_values(plan, known, values);
        assert_attrs(plan, values, "{}");
        assert_false(datapoint_state_faulty(plan, known));
        assert_false(datapoint_state_alert(plan, known));
        free(known);
        datapoint_plan_free(plan);
    }
}

static void alerts_and_faults_are_seen_apart(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "pet-feeder.json");
    static const struct {
        const char *p0;
        bool alert, faulty;
    } cases[] = {
        { "0405ff0010080126320000", false, false }, { "0405ff0010080126320200", true, false },
        { "0405ff0010080126320008", false, true },  { "0405ff001008012632fcf0", false, false },
        { "0405ff0010080126320105", true, true },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t known[64] = { 0 };
        report_hex(plan, cases[i].p0, known, MU_OK);
        assert_int_equal(datapoint_state_alert(plan, known), cases[i].alert);
        assert_int_equal(datapoint_state_faulty(plan, known), cases[i].faulty);
    }
    datapoint_plan_free(plan);
}

static void raised_points_are_told_by_their_ids(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "pet-feeder.json");
    uint16_t ids[LIMIT_POINTS];
    uint8_t known[64] = { 0 };

    assert_int_equal(datapoint_state_raised(plan, known, ids), 0);
    report_hex(plan, "0405ff0010080126320105", known, MU_OK);
    struct point_value values[LIMIT_POINTS];
    datapoint_state_values(plan, known, values);
    size_t n = datapoint_state_raised(plan, known, ids), found = 0;
    for (size_t i = 0; i < datapoint_count(plan); i++) {
        enum point_access access = datapoint_at(plan, i)->access;
        if ((access != POINT_FAULT && access != POINT_ALERT) || !values[i].x)
            continue;
        assert_true(found < n);
        assert_int_equal(ids[found++], i);
    }
    assert_int_equal(n, found);
    assert_in_range(n, 2, LIMIT_POINTS);
    datapoint_plan_free(plan);
}

static void a_partial_report_is_merged_into_what_is_known(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "heater.json");
    uint8_t *known = calloc(1, datapoint_state_size(plan));
    struct point_value values[LIMIT_POINTS];

    report_hex(plan,
               "14"
               "00000000040102"
               "03"
               "21",
               known, MU_OK);
    report_hex(plan,
               "13"
               "40000100000000"
               "000c"
               "7f",
               known, MU_OK);
    report_hex(plan,
               "14"
               "00000000001402"
               "0006",
               known, MU_E_FRAME);
    report_hex(plan,
               "14"
               "00000000001402"
               "0c",
               known, MU_OK); /* heating 0, system 2, brand 1 */
    datapoint_state_values(plan, known, values);
    assert_attrs(plan, values,
                 "{'heating':0,'water_mode':'fixed','system':'both','brand':'wall',"
                 "'comfort':21.5,'tank':6,'spare_5':'7f'}");
    free(known);
    datapoint_plan_free(plan);
}

static void a_bad_report_leaves_the_state_alone(void **state)
{
    (void)state;
    static const struct {
        const char *file, *good, *bad;
        enum mu_err err;
    } cases[] = {
        { "air-conditioner.json", "0401000010000000", "04010000100000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "040100001000000000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "1401000010000000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "0001000010000000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "0414000010000000", MU_E_VALUE }, /* mode 5 */
        { "air-conditioner.json", "0401000010000000", "0361000010000000", MU_E_VALUE }, /* fan 3 */
        { "heater.json",
          "1400000000040102"
          "0321",
          "1400000000040102"
          "03",
          MU_E_FRAME },
        { "heater.json",
          "1400000000040102"
          "0321",
          "1400000000040102"
          "032121",
          MU_E_FRAME },
        { "heater.json",
          "1400000000040102"
          "0321",
          "0400000000040102"
          "0322",
          MU_E_FRAME },
        { "heater.json",
          "1400000000040102"
          "0321",
          "14000000000401", MU_E_FRAME },
        /* brand 7 */
        { "heater.json",
          "1400000000040102"
          "0321",
          "1400000000041002"
          "0f22",
          MU_E_VALUE },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct datapoint_plan *plan = load_plan(OWN, cases[i].file);
        size_t size = datapoint_state_size(plan);
        uint8_t *known = calloc(1, size), *before = malloc(size);
        struct buf bad = bytes_of_hex(cases[i].bad);
        struct point_value values[LIMIT_POINTS];
        report_hex(plan, cases[i].good, known, MU_OK);
        memcpy(before, known, size);
        report_hex(plan, cases[i].bad, known, cases[i].err);
        assert_memory_equal(known, before, size);
        assert_int_equal(datapoint_decode(plan, bad.data, bad.len, values), cases[i].err);
        assert_int_equal(datapoint_decode(plan, bad.data, 0, values), MU_E_FRAME);
        buf_free(&bad);
        free(known);
        free(before);
        datapoint_plan_free(plan);
    }
}

static void a_value_across_two_bytes_of_a_section_is_one_number(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "wavemaker.json");
    uint8_t p0[1 + 401] = { 0x04, 0x0b, 0x60 };
    struct point_value values[LIMIT_POINTS];

    assert_int_equal(datapoint_decode(plan, p0, sizeof(p0), values), MU_OK);
    assert_int_equal(values[datapoint_find(plan, STR("wave"))].x, 3);
    assert_int_equal(values[datapoint_find(plan, STR("link"))].x, 2);
    assert_int_equal(values[datapoint_find(plan, STR("timer_wave"))].x, 5);
    p0[2] = 0x80; /* the low bit of link's 3, which has no text */
    assert_int_equal(datapoint_decode(plan, p0, sizeof(p0), values), MU_E_VALUE);
    datapoint_plan_free(plan);
}

static void flags_of_points_that_do_not_exist_are_ignored(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "heater.json"); /* 55 points in 56 flags */
    struct point_value values[LIMIT_POINTS];
    struct buf p0 = bytes_of_hex("14"
                                 "80000000000002"
                                 "01");
    assert_int_equal(datapoint_decode(plan, p0.data, p0.len, values), MU_OK);
    assert_attrs(plan, values, "{'heating':1}");
    buf_free(&p0);
    datapoint_plan_free(plan);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_told_nothing_has_no_values_and_no_faults),
        cmocka_unit_test(alerts_and_faults_are_seen_apart),
        cmocka_unit_test(raised_points_are_told_by_their_ids),
        cmocka_unit_test(a_partial_report_is_merged_into_what_is_known),
        cmocka_unit_test(a_bad_report_leaves_the_state_alone),
        cmocka_unit_test(a_value_across_two_bytes_of_a_section_is_one_number),
        cmocka_unit_test(flags_of_points_that_do_not_exist_are_ignored),
    };
    return cmocka_run_group_tests_name("datapoint_state", tests, NULL, NULL);
}
