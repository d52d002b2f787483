#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/datapoint_fixture.h"

#include "base/limits.h"
#include "model/frame.h"

static struct buf make_buf(void)
{
    struct buf b;
    buf_init(&b, 65536);
    return b;
}

static struct buf bytes_of_hex(const char *hex)
{
    struct buf b = make_buf();
    uint8_t *at = buf_reserve(&b, strlen(hex) / 2 + 1);
    assert_int_equal(hex_decode(hex, strlen(hex), at), MU_OK);
    b.len = strlen(hex) / 2;
    return b;
}

/* --- the worked examples of device-access 5 --------------------------------------------------- */

struct control_example {
    const char *folder, *file, *attrs;
    const char *p0;    /* its start; what follows is zero */
    size_t len;
};

static const struct control_example control_examples[] = {
    { OWN, "air-conditioner.json", "{'switch': 1}", "010101000010", 6 },
    { OWN, "pet-feeder.json", "{'lamp': 1, 'colour': '紫', 'motor': 3}", "01230500000008", 7 },
    { OWN, "wavemaker.json", "{'link': '从机', 'timer_wave': '喂食', 'flow': 80}",
      "01" "00000000000001c0" "0b00" "50" "0001", 409 },
    { OWN, "wavemaker.json", "{'power': true}", "01" "0000000000000001" "0001" "00" "0001", 409 },
    { OWN, "doser.json", "{'dose': 1000, 'calibration': '三档'}", "01" "0090" "20" "0a00" "03e8", 112 },
    { OWN, "heater.json", "{'heating': 1, 'water_mode': 'fixed', 'comfort': 21.5}",
      "11" "00000000040102" "03" "21", 10 },
    { OWN, "plug.json", "{'on': false}", "010100", 3 },
    { FIELD, "derived-air-conditioner-from-spec-examples.json", "{'switch': 1}", "010101000010", 6 },
    { FIELD, "gizkit-soc-pet.json", "{'LED_OnOff': 1, 'LED_Color': '紫色', 'Motor_Speed': 3}",
      "01230500000008", 7 },
    { FIELD, "jebao-wavemaker-multibyte-bits.json",
      "{'Linkage': '从机', 'AutoMode': '喂食', 'Flow': 80}",
      "01" "00000000000001c0" "0b00" "50" "0001000001", 409 },
    { FIELD, "jebao-wavemaker-multibyte-bits.json", "{'SwitchON': 1}",
      "01" "0000000000000001" "0001" "00" "0001000001", 409 },
    { FIELD, "jebao-single-doser-uint16-binary-alert-fault.json", "{'liquid1': 1000, 'CALSet': '校准3'}",
      "01" "0090" "20" "0a00" "03e8", 112 },
    { FIELD, "vaillant-vsmartpro-var-len.json",
      "{'Heating_Enable': 1, 'Mode_Setting_DHW': 'Cruising', 'Room_Temperature_Setpoint_Comfort': 21.5}",
      "11" "00000000040102" "03" "21", 10 },
};

struct report_example {
    const char *folder, *file, *p0, *attrs;
};

static const struct report_example report_examples[] = {
    { OWN, "air-conditioner.json", "0401000010000000",
      "{'switch':1,'fan_swing':0,'mode':'制冷','fan_speed':'低风','on_timing':0,'off_timing':0,"
      "'set_temp':16,'room_temp':-10,'alert_full':0,'alert_shutdown':0,'fault_roomtemp':0}" },
    { OWN, "ph-meter.json", "030002dc089d00000000",
      "{'acidity_over':0,'potential_over':0,'conductivity_over':0,'temperature_over':0,'acidity':7.32,"
      "'potential':205,'conductivity':0,'temperature':0}" },
    { OWN, "pet-feeder.json", "0405ff0010080126320105",
      "{'lamp':1,'colour':'紫','red':255,'green':0,'blue':16,'motor':3,'presence':1,'temperature':25,"
      "'humidity':50,'alert_bowl':1,'alert_water':0,'fault_lamp':1,'fault_motor':0,'fault_climate':1,"
      "'fault_presence':0}" },
    { OWN, "heater.json", "14" "00000000040102" "03" "21",
      "{'heating':1,'water_mode':'fixed','comfort':21.5}" },
    { OWN, "heater.json", "13" "40000100000000" "000c" "7f", "{'tank':6,'spare_5':'7f'}" },
    { OWN, "power-meter.json",
      "03" "01000f424000010102030405060708090a0b0c0d0e0f1000" "ffffffff00030d4000000000" "0000"
      "a0a1a2a3a4a5" "01" "02",
      "{'relay':1,'limit':-999000,'zero':-250.25,'key':'0102030405060708090a0b0c0d0e0f10',"
      "'energy':42949672.95,'power':0,'clock':0,'phase':'L1','temperature':-40,"
      "'serial':'a0a1a2a3a4a5','alert_limit':1,'fault_meter':0,'fault_clock':1}" },
    { FIELD, "derived-air-conditioner-from-spec-examples.json", "0401000010000000",
      "{'switch':1,'fan_swing':0,'mode':'制冷','fan_speed':'低风','on_timing':0,'off_timing':0,"
      "'set_temp':16,'room_temp':-10,'alert_full':0,'alert_shutdown':0,'fault_roomtemp':0}" },
    { FIELD, "ph803w.json", "030002dc089d00000000",
      "{'pH_OUT':0,'mV_OUT':0,'EC_OUT':0,'TEMP_OUT':0,'pH':7.32,'mV':205,'EC':0,'TEMP':0}" },
    { FIELD, "gizkit-soc-pet.json", "0405ff0010080126320105",
      "{'LED_OnOff':1,'LED_Color':'紫色','LED_R':255,'LED_G':0,'LED_B':16,'Motor_Speed':3,'Infrared':1,"
      "'Temperature':25,'Humidity':50,'Alert_1':1,'Alert_2':0,'Fault_LED':1,'Fault_Motor':0,"
      "'Fault_TemHum':1,'Fault_IR':0}" },
};

static void check_control(const struct control_example *e, const struct datapoint_plan *plan)
{
    json_t *attrs = parse_json(e->attrs);
    struct buf out = make_buf(), start = bytes_of_hex(e->p0);
    char why[200] = "unset";

    assert_int_equal(datapoint_control(plan, attrs, NULL, CODING_NONE, &out, why, sizeof(why)), API_OK);
    assert_string_equal(why, "");
    assert_int_equal(out.len, e->len);
    assert_memory_equal(out.data, start.data, start.len);
    for (size_t i = start.len; i < out.len; i++)
        assert_int_equal(out.data[i], 0);
    buf_free(&out);
    buf_free(&start);
    json_decref(attrs);
}

static void assert_attrs(const struct datapoint_plan *plan, const struct point_value *values,
                         const char *expected)
{
    struct buf text = make_buf();
    struct json_out j = json_out_to(&text);

    datapoint_write_attrs(plan, values, &j);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            text.data[i] = '\'';
    }
    buf_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    buf_free(&text);
}

static void check_report(const struct report_example *e, const struct datapoint_plan *plan)
{
    struct buf p0 = bytes_of_hex(e->p0);
    struct point_value values[LIMIT_POINTS];

    assert_int_equal(datapoint_decode(plan, p0.data, p0.len, values), MU_OK);
    assert_attrs(plan, values, e->attrs);
    buf_free(&p0);
}

static void check_examples(const char *folder)
{
    for (size_t i = 0; i < sizeof(control_examples) / sizeof(*control_examples); i++) {
        const struct control_example *e = &control_examples[i];
        if (strcmp(e->folder, folder) != 0)
            continue;
        struct datapoint_plan *plan = load_plan(folder, e->file);
        if (!plan)
            skip();
        check_control(e, plan);
        datapoint_plan_free(plan);
    }
    for (size_t i = 0; i < sizeof(report_examples) / sizeof(*report_examples); i++) {
        const struct report_example *e = &report_examples[i];
        if (strcmp(e->folder, folder) != 0)
            continue;
        struct datapoint_plan *plan = load_plan(folder, e->file);
        if (!plan)
            skip();
        check_report(e, plan);
        datapoint_plan_free(plan);
    }
}

static void the_worked_examples_hold(void **state)
{
    (void)state;
    check_examples(OWN);
}

static void the_worked_examples_hold_for_definitions_of_the_field(void **state)
{
    (void)state;
    check_examples(FIELD);
}

static void the_first_example_is_the_frame_that_the_firmware_must_receive(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "air-conditioner.json");
    struct buf report = bytes_of_hex("000000030b0000910401000010000000");
    struct buf expected = bytes_of_hex("0000000309000090010101000010");
    struct buf p0 = make_buf(), out = make_buf();
    struct frame frame;
    uint8_t known[64] = { 0 };
    char why[200];
    json_t *attrs = parse_json("{'switch': 1}");

    assert_int_equal(frame_parse(report.data, report.len, &frame), MU_OK);
    assert_int_equal(datapoint_state_report(plan, frame.p0, frame.p0_len, known), MU_OK);
    assert_int_equal(datapoint_control(plan, attrs, known, CODING_NONE, &p0, why, sizeof(why)), API_OK);
    frame_write(&out, FRAME_CONTROL, 0, p0.data, p0.len);
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.data, expected.data, out.len);
    json_decref(attrs);
    buf_free(&report);
    buf_free(&expected);
    buf_free(&p0);
    buf_free(&out);
    datapoint_plan_free(plan);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void a_shown_number_has_the_decimals_of_its_definition_and_no_more(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "ph-meter.json");
    size_t id = (size_t)datapoint_find(plan, STR("acidity"));
    struct buf text = make_buf();

    for (uint32_t x = 0; x <= 65535; x++) {
        char expected[20];
        struct json_out j = json_out_to(&text);
        snprintf(expected, sizeof(expected), "%u.%02u", x / 100, x % 100);
        if (x % 10 == 0)
            expected[strlen(expected) - (x % 100 ? 1 : 3)] = '\0';
        buf_clear(&text);
        json_double(&j, datapoint_shown(plan, id, x));
        buf_append_u8(&text, 0);
        assert_string_equal((const char *)text.data, expected);
    }
    buf_free(&text);
    datapoint_plan_free(plan);
}

static void wide_numbers_keep_their_decimals(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "power-meter.json");
    static const struct { const char *name; uint32_t x; const char *text; } cases[] = {
        { "energy", 4294967295, "42949672.95" }, { "energy", 732, "7.32" }, { "limit", 0, "-1000000" },
        { "limit", 4294967295, "3294967.295" }, { "limit", 1000000123, "0.123" },
        { "power", 200001, "0.1" }, { "power", 199999, "-0.1" }, { "zero", 1, "-250.25" },
        { "zero", 1002, "0" }, { "temperature", 401, "0.1" }, { "clock", 4294967295, "4294967295" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf text = make_buf();
        struct json_out j = json_out_to(&text);
        int id = datapoint_find(plan, str_of(cases[i].name));
        json_double(&j, datapoint_shown(plan, (size_t)id, cases[i].x));
        buf_append_u8(&text, 0);
        assert_string_equal((const char *)text.data, cases[i].text);
        buf_free(&text);
    }
    datapoint_plan_free(plan);
}

/* --- state ------------------------------------------------------------------------------------ */

static void report_hex(const struct datapoint_plan *plan, const char *hex, uint8_t *known,
                       enum mu_err expected)
{
    struct buf p0 = bytes_of_hex(hex);
    assert_int_equal(datapoint_state_report(plan, p0.data, p0.len, known), expected);
    buf_free(&p0);
}

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
    static const struct { const char *p0; bool alert, faulty; } cases[] = {
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

static void a_partial_report_is_merged_into_what_is_known(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "heater.json");
    uint8_t *known = calloc(1, datapoint_state_size(plan));
    struct point_value values[LIMIT_POINTS];

    report_hex(plan, "14" "00000000040102" "03" "21", known, MU_OK);
    report_hex(plan, "13" "40000100000000" "000c" "7f", known, MU_OK);
    report_hex(plan, "14" "00000000001402" "0006", known, MU_E_FRAME);
    report_hex(plan, "14" "00000000001402" "0c", known, MU_OK); /* heating 0, system 2, brand 1 */
    datapoint_state_values(plan, known, values);
    assert_attrs(plan, values, "{'heating':0,'water_mode':'fixed','system':'both','brand':'wall',"
                               "'comfort':21.5,'tank':6,'spare_5':'7f'}");
    free(known);
    datapoint_plan_free(plan);
}

static void a_bad_report_leaves_the_state_alone(void **state)
{
    (void)state;
    static const struct { const char *file, *good, *bad; enum mu_err err; } cases[] = {
        { "air-conditioner.json", "0401000010000000", "04010000100000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "040100001000000000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "1401000010000000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "0001000010000000", MU_E_FRAME },
        { "air-conditioner.json", "0401000010000000", "0414000010000000", MU_E_VALUE }, /* mode 5 */
        { "air-conditioner.json", "0401000010000000", "0361000010000000", MU_E_VALUE }, /* fan 3 */
        { "heater.json", "1400000000040102" "0321", "1400000000040102" "03", MU_E_FRAME },
        { "heater.json", "1400000000040102" "0321", "1400000000040102" "032121", MU_E_FRAME },
        { "heater.json", "1400000000040102" "0321", "0400000000040102" "0322", MU_E_FRAME },
        { "heater.json", "1400000000040102" "0321", "14000000000401", MU_E_FRAME },
        /* brand 7 */
        { "heater.json", "1400000000040102" "0321", "1400000000041002" "0f22", MU_E_VALUE },
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
    struct buf p0 = bytes_of_hex("14" "80000000000002" "01");
    assert_int_equal(datapoint_decode(plan, p0.data, p0.len, values), MU_OK);
    assert_attrs(plan, values, "{'heating':1}");
    buf_free(&p0);
    datapoint_plan_free(plan);
}

/* --- control ---------------------------------------------------------------------------------- */

static void an_unflagged_point_carries_its_last_value(void **state)
{
    (void)state;
    struct datapoint_plan *plan = load_plan(OWN, "air-conditioner.json");
    uint8_t known[64] = { 0 };
    struct buf out = make_buf(), expected = bytes_of_hex("01" "20" "2a" "03" "09" "18");
    char why[200];
    json_t *attrs = parse_json("{'off_timing': 9}");

    report_hex(plan, "04" "2a" "03" "04" "18" "19" "03" "01", known, MU_OK);
    assert_int_equal(datapoint_control(plan, attrs, known, CODING_NONE, &out, why, sizeof(why)), API_OK);
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.data, expected.data, out.len);

    /* A device that has told nothing has no last values. */
    memset(known, 0, sizeof(known));
    buf_clear(&out);
    buf_clear(&expected);
    buf_append(&expected, "\x01\x20\x00\x00\x09\x10", 6);
    assert_int_equal(datapoint_control(plan, attrs, known, CODING_NONE, &out, why, sizeof(why)), API_OK);
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
    const char *why;  /* contained in it */
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
        { "doser.json", "{'power': 1.0}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'power': null}", CODING_NONE, API_ATTR_INVALID, "'power' takes true" },
        { "doser.json", "{'calibration': 4}", CODING_NONE, API_ATTR_INVALID, "from 0 to 3" },
        { "doser.json", "{'calibration': -1}", CODING_NONE, API_ATTR_INVALID, "from 0 to 3" },
        { "doser.json", "{'calibration': '五档'}", CODING_NONE, API_ATTR_INVALID, "'calibration'" },
        { "doser.json", "{'calibration': 1.0}", CODING_NONE, API_ATTR_INVALID, "'calibration'" },
        { "doser.json", "{'calibration': true}", CODING_NONE, API_ATTR_INVALID, "'calibration'" },
        { "doser.json", "{'dose': 9}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': 2001}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': 1e300}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': '10'}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "doser.json", "{'dose': true}", CODING_NONE, API_ATTR_INVALID, "from 10 to 2000" },
        { "heater.json", "{'comfort': 30.5}", CODING_NONE, API_ATTR_INVALID, "from 5 to 30" },
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
        assert_int_equal(datapoint_control(plan, attrs, NULL, cases[i].coding, &out, why, sizeof(why)),
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
            assert_int_equal(datapoint_control(plan, attrs, NULL, (enum binary_coding)coding, &out, why,
                                               sizeof(why)),
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
        { "doser.json", "{'calibration': 3}", CODING_NONE, "{'calibration':'四档'}" },
        { "doser.json", "{'calibration': '一档'}", CODING_NONE, "{'calibration':'一档'}" },
        { "doser.json", "{'dose': 10}", CODING_NONE, "{'dose':10}" },
        { "doser.json", "{'dose': 1999.6}", CODING_NONE, "{'dose':2000}" },
        { "doser.json", "{'dose': 10.4}", CODING_NONE, "{'dose':10}" },
        { "heater.json", "{'comfort': 21.26}", CODING_NONE, "{'comfort':21.5}" },
        { "heater.json", "{'comfort': 5, 'saving': 30, 'curve': 0.1, 'room': -50}", CODING_NONE,
          "{'curve':0.1,'comfort':5,'saving':30,'room':-50}" },
        { "power-meter.json", "{'limit': 0.123, 'zero': -250.5}", CODING_NONE,
          "{'limit':0.123,'zero':-250.5}" },
        { "power-meter.json", "{'limit': -1000000}", CODING_NONE, "{'limit':-1000000}" },
        { "power-meter.json", "{'limit': 3294967.295}", CODING_NONE, "{'limit':3294967.295}" },
        { "doser.json", "{'date': '07e8021D'}", CODING_NONE, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': '07e8021D'}", CODING_HEX, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': 'B+gCHQ=='}", CODING_BASE64, "{'date':'07e8021d'}" },
        { "doser.json", "{'date': [7, 232, 2, 29], 'time': [0, 0, 0, 255]}", CODING_BASE64,
          "{'date':'07e8021d','time':'000000ff'}" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct datapoint_plan *plan = load_plan(OWN, cases[i].file);
        json_t *attrs = parse_json(cases[i].attrs);
        struct buf out = make_buf();
        struct point_value values[LIMIT_POINTS];
        char why[200] = "";
        if (datapoint_control(plan, attrs, NULL, cases[i].coding, &out, why, sizeof(why)) != API_OK)
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
        cmocka_unit_test(the_worked_examples_hold),
        cmocka_unit_test(the_worked_examples_hold_for_definitions_of_the_field),
        cmocka_unit_test(the_first_example_is_the_frame_that_the_firmware_must_receive),
        cmocka_unit_test(a_shown_number_has_the_decimals_of_its_definition_and_no_more),
        cmocka_unit_test(wide_numbers_keep_their_decimals),
        cmocka_unit_test(a_device_that_told_nothing_has_no_values_and_no_faults),
        cmocka_unit_test(alerts_and_faults_are_seen_apart),
        cmocka_unit_test(a_partial_report_is_merged_into_what_is_known),
        cmocka_unit_test(a_bad_report_leaves_the_state_alone),
        cmocka_unit_test(a_value_across_two_bytes_of_a_section_is_one_number),
        cmocka_unit_test(flags_of_points_that_do_not_exist_are_ignored),
        cmocka_unit_test(an_unflagged_point_carries_its_last_value),
        cmocka_unit_test(bad_controls_are_refused_and_say_why),
        cmocka_unit_test(binary_text_of_any_length_is_refused_without_harm),
        cmocka_unit_test(values_are_taken_in_every_form_the_contract_allows),
    };
    return cmocka_run_group_tests_name("datapoint", tests, NULL, NULL);
}
