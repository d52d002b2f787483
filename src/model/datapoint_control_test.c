#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

#include "base/limits.h"

/* The bytes of controls, and the sentence for each attribute that is refused. */

static void an_unflagged_point_carries_its_last_value(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "air-conditioner.json");
    uint8_t known[64] = { 0 };
    struct buf out = make_buf(), expected = bytes_of_hex("01"
                                                         "20"
                                                         "2a"
                                                         "03"
                                                         "09"
                                                         "18");
    char why[200];
    json_t *attrs = parse_json("{'off_timing': 9}");

    report_hex(plan,
               "04"
               "2a"
               "03"
               "04"
               "18"
               "19"
               "03"
               "01",
               known, MU_OK);
    assert_int_equal(
        datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs, .state = known }, &out, why, sizeof(why)),
        API_OK);
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.data, expected.data, out.len);

    /* A device that has told nothing has no last values. */
    memset(known, 0, sizeof(known));
    buf_clear(&out);
    buf_clear(&expected);
    buf_append(&expected, "\x01\x20\x00\x00\x09\x10", 6);
    assert_int_equal(
        datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs, .state = known }, &out, why, sizeof(why)),
        API_OK);
    assert_memory_equal(out.data, expected.data, out.len);
    json_decref(attrs);
    buf_free(&out);
    buf_free(&expected);
    datapoint_plan_free(plan);
}

struct control_case {
    const char *file, *attrs;
    enum binary_coding coding;
    enum api_error error;
    const char *why; /* contained in it */
};

static void bad_controls_are_refused_and_say_why(void **state)
{
    (void)state;
    static const struct control_case cases[] = {
        { "doser.json", "{}", CODING_NONE, API_FORM_INVALID, "attrs" },
        { "doser.json", "[1]", CODING_NONE, API_FORM_INVALID, "attrs" },
        { "doser.json", "{'nothing': 1}", CODING_NONE, API_ATTR_UNKNOWN, "'nothing'" },
        { "doser.json", "{'powe': 1}", CODING_NONE, API_ATTR_UNKNOWN, "'powe'" },
        { "doser.json", "{'power2': 1}", CODING_NONE, API_ATTR_UNKNOWN, "'power2'" },
        { "doser.json", "{'': 1}", CODING_NONE, API_ATTR_UNKNOWN, "''" },
        { "doser.json", "{'measured': 1}", CODING_NONE, API_ATTR_INVALID, "'measured' is not writable" },
        { "doser.json", "{'alert_low': 0}", CODING_NONE, API_ATTR_INVALID, "not writable" },
        { "doser.json", "{'fault_pump': 0}", CODING_NONE, API_ATTR_INVALID, "not writable" },
        { "doser.json", "{'power': 2}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'power': '1'}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'power': 0.5}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'power': 2.0}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'power': null}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'calibration': 4}", CODING_NONE, API_ATTR_INVALID, "from 0 to 3" },
        { "doser.json", "{'calibration': -1}", CODING_NONE, API_ATTR_INVALID, "from 0 to 3" },
        { "doser.json", "{'calibration': '五档'}", CODING_NONE, API_ATTR_INVALID, "'calibration'" },
        { "doser.json", "{'calibration': 1.5}", CODING_NONE, API_ATTR_INVALID, "'calibration'" },
        { "doser.json", "{'calibration': true}", CODING_NONE, API_ATTR_INVALID, "'calibration'" },
        { "doser.json", "{'dose': 9}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': 2001}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': 9.6}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': 2000.4}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': 1e300}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': '10'}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': true}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "heater.json", "{'comfort': 30.5}", CODING_NONE, API_ATTR_INVALID, "from 5 to 30" },
        { "heater.json", "{'comfort': 30.01}", CODING_NONE, API_ATTR_INVALID, "from 5 to 30" },
        { "heater.json", "{'comfort': 4.9}", CODING_NONE, API_ATTR_INVALID, "from 5 to 30" },
        { "power-meter.json", "{'limit': -1000000.0004}", CODING_NONE, API_ATTR_INVALID, "'limit'" },
        { "power-meter.json", "{'limit': 3294967.2954}", CODING_NONE, API_ATTR_INVALID, "'limit'" },
        { "heater.json", "{'comfort': 4.7}", CODING_NONE, API_ATTR_INVALID, "from 5 to 30" },
        { "doser.json", "{'date': '010203'}", CODING_NONE, API_ATTR_INVALID, "exactly 4 bytes, not 3" },
        { "doser.json", "{'date': '0102030405'}", CODING_HEX, API_ATTR_INVALID, "4 bytes, not 5" },
        { "doser.json", "{'date': '0102030'}", CODING_NONE, API_ATTR_INVALID, "4 bytes as hex" },
        { "doser.json", "{'date': '0102030g'}", CODING_NONE, API_ATTR_INVALID, "4 bytes as hex" },
        { "doser.json", "{'date': '01020304'}", CODING_BASE64, API_ATTR_INVALID, "4 bytes, not 6" },
        { "doser.json", "{'date': 'AQIDBA='}", CODING_BASE64, API_ATTR_INVALID, "4 bytes as base64" },
        { "doser.json", "{'date': [1, 2, 3]}", CODING_NONE, API_ATTR_INVALID, "4 bytes, not 3" },
        { "doser.json", "{'date': [1, 2, 3, 256]}", CODING_NONE, API_ATTR_INVALID, "4 bytes as hex" },
        { "doser.json", "{'date': [1, 2, 3, '4']}", CODING_NONE, API_ATTR_INVALID, "4 bytes as hex" },
        { "doser.json", "{'date': 16909060}", CODING_NONE, API_ATTR_INVALID, "4 bytes as hex" },
        { "doser.json", "{'power': 1, 'dose': 0}", CODING_NONE, API_ATTR_INVALID, "'dose'" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct datapoint_plan *plan = load_plan(OWN, cases[i].file);
        json_t *attrs = parse_json(cases[i].attrs);
        struct buf out = make_buf();
        char why[200] = "";
        assert_int_equal(datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs, .coding = cases[i].coding },
                                           &out, why, sizeof(why)),
                         cases[i].error);
        if (!strstr(why, cases[i].why))
            fail_msg("%s gives: %s", cases[i].attrs, why);
        assert_int_equal(out.len, 0);
        json_decref(attrs);
        datapoint_plan_free(plan);
    }
}

static void binary_text_of_any_length_is_refused_without_harm(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "doser.json");
    char text[10001];
    memset(text, 'A', sizeof(text));
    for (size_t len = 0; len < 10000; len += len < 20 ? 1 : 331) {
        for (int coding = CODING_NONE; coding <= CODING_BASE64; coding++) {
            json_t *attrs = json_pack("{s:s%}", "time", text, len);
            struct buf out = make_buf();
            char why[200];
            bool fits = coding != CODING_BASE64 && len == 8;
            assert_int_equal(
                datapoint_control(plan,
                                  &(struct datapoint_asked){ .attrs = attrs, .coding = (enum binary_coding)coding },
                                  &out, why, sizeof(why)),
                fits ? API_OK : API_ATTR_INVALID);
            buf_free(&out);
            json_decref(attrs);
        }
    }
    datapoint_plan_free(plan);
}

static void values_are_taken_in_every_form_the_contract_allows(void **state)
{
    (void)state;
    static const struct {
        const char *file, *attrs;
        enum binary_coding coding;
        const char *read;
    } cases[] = {
        { "doser.json", "{'power': true, 'pump': 1, 'timer': false, 'calibrate': 0}", CODING_NONE,
          "{'power':1,'pump':1,'timer':0,'calibrate':0}" },
        { "doser.json", "{'power': 1.0, 'pump': 0.0, 'calibration': 3.0}", CODING_NONE,
          "{'power':1,'pump':0,'calibration':'四档'}" },
        { "doser.json", "{'calibration': 3}", CODING_NONE, "{'calibration':'四档'}" },
        { "doser.json", "{'calibration': '一档'}", CODING_NONE, "{'calibration':'一档'}" },
        { "doser.json", "{'dose': 10}", CODING_NONE, "{'dose':10}" },
        { "doser.json", "{'dose': 1999.6}", CODING_NONE, "{'dose':2000}" },
        { "doser.json", "{'dose': 10.4}", CODING_NONE, "{'dose':10}" },
        { "heater.json", "{'comfort': 21.26}", CODING_NONE, "{'comfort':21.5}" },
        { "heater.json", "{'comfort': 5, 'saving': 30, 'curve': 0.1, 'room': -50}", CODING_NONE,
          "{'curve':0.1,'comfort':5,'saving':30,'room':-50}" },
        { "power-meter.json", "{'limit': 0.123, 'zero': -250.5}", CODING_NONE, "{'limit':0.123,'zero':-250.5}" },
        { "heater.json", "{'curve': -5.551115123125783e-17}", CODING_NONE, "{'curve':0}" }, /* 0.3 - 0.1 * 3 */
        { "heater.json", "{'curve': 10.000000000000002}", CODING_NONE, "{'curve':10}" },
        { "heater.json", "{'curve': 0.30000000000000004}", CODING_NONE, "{'curve':0.3}" },
        { "power-meter.json", "{'limit': -1000000}", CODING_NONE, "{'limit':-1000000}" },
        { "power-meter.json", "{'limit': 3294967.295}", CODING_NONE, "{'limit':3294967.295}" },
        { "doser.json", "{'date': '07e8021D'}", CODING_NONE, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': '07e8021D'}", CODING_HEX, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': 'B+gCHQ=='}", CODING_BASE64, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': [7.0, 232, 2.0, 29]}", CODING_NONE, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': [7, 232, 2, 29], 'time': [0, 0, 0, 255]}", CODING_BASE64,
          "{'date':'07e8021d','time':'000000ff'}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct datapoint_plan *plan = load_plan(OWN, cases[i].file);
        json_t *attrs = parse_json(cases[i].attrs);
        struct buf out = make_buf();
        struct point_value values[LIMIT_POINTS];
        char why[200] = "";
        if (datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs, .coding = cases[i].coding }, &out, why,
                              sizeof(why)) != API_OK)
            fail_msg("%s: %s", cases[i].attrs, why);
        assert_int_equal(datapoint_read_control(plan, out.data, out.len, values), MU_OK);
        assert_attrs(plan, values, cases[i].read);
        buf_free(&out);
        json_decref(attrs);
        datapoint_plan_free(plan);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unflagged_point_carries_its_last_value),
        cmocka_unit_test(bad_controls_are_refused_and_say_why),
        cmocka_unit_test(binary_text_of_any_length_is_refused_without_harm),
        cmocka_unit_test(values_are_taken_in_every_form_the_contract_allows),
    };
    return cmocka_run_group_tests_name("datapoint_control", tests, NULL, NULL);
}
