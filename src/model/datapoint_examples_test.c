#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

#include "base/limits.h"
#include "model/frame.h"

/* The worked examples of device-access 5. */

struct control_example {
    const char *folder, *file, *attrs;
    const char *p0; /* its start; what follows is zero */
    size_t len;
};

/* clang-format off: a table */
static const struct control_example control_examples[] = {
    { OWN, "air-conditioner.json", "{'switch': 1}", "010101000010", 6 },
    { OWN, "pet-feeder.json", "{'lamp': 1, 'colour': '紫', 'motor': 3}", "01230500000008", 7 },
    { OWN, "wavemaker.json", "{'link': '从机', 'timer_wave': '喂食', 'flow': 80}",
      "01"
      "00000000000001c0"
      "0b00"
      "50"
      "0001",
      409 },
    { OWN, "wavemaker.json", "{'power': true}",
      "01"
      "0000000000000001"
      "0001"
      "00"
      "0001",
      409 },
    { OWN, "doser.json", "{'dose': 1000, 'calibration': '三档'}",
      "01"
      "0090"
      "20"
      "0a00"
      "03e8",
      112 },
    { OWN, "heater.json", "{'heating': 1, 'water_mode': 'fixed', 'comfort': 21.5}",
      "11"
      "00000000040102"
      "03"
      "21",
      10 },
    { OWN, "plug.json", "{'on': false}", "010100", 3 },
    { FIELD, "derived-air-conditioner-from-spec-examples.json", "{'switch': 1}", "010101000010", 6 },
    { FIELD, "gizkit-soc-pet.json", "{'LED_OnOff': 1, 'LED_Color': '紫色', 'Motor_Speed': 3}", "01230500000008", 7 },
    { FIELD, "jebao-wavemaker-multibyte-bits.json", "{'Linkage': '从机', 'AutoMode': '喂食', 'Flow': 80}",
      "01"
      "00000000000001c0"
      "0b00"
      "50"
      "0001000001",
      409 },
    { FIELD, "jebao-wavemaker-multibyte-bits.json", "{'SwitchON': 1}",
      "01"
      "0000000000000001"
      "0001"
      "00"
      "0001000001",
      409 },
    { FIELD, "jebao-single-doser-uint16-binary-alert-fault.json", "{'liquid1': 1000, 'CALSet': '校准3'}",
      "01"
      "0090"
      "20"
      "0a00"
      "03e8",
      112 },
    { FIELD, "vaillant-vsmartpro-var-len.json",
      "{'Heating_Enable': 1, 'Mode_Setting_DHW': 'Cruising', 'Room_Temperature_Setpoint_Comfort': 21.5}",
      "11"
      "00000000040102"
      "03"
      "21",
      10 },
};
/* clang-format on */

struct report_example {
    const char *folder, *file, *p0, *attrs;
};

/* clang-format off: a table */
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
    { OWN, "heater.json",
      "14"
      "00000000040102"
      "03"
      "21",
      "{'heating':1,'water_mode':'fixed','comfort':21.5}" },
    { OWN, "heater.json",
      "13"
      "40000100000000"
      "000c"
      "7f",
      "{'tank':6,'spare_5':'7f'}" },
    { OWN, "power-meter.json",
      "03"
      "01000f424000010102030405060708090a0b0c0d0e0f1000"
      "ffffffff00030d4000000000"
      "0000"
      "a0a1a2a3a4a5"
      "01"
      "02",
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
/* clang-format on */

static void check_control(const struct control_example *e, const struct datapoint_plan *plan)
{
    json_t *attrs = parse_json(e->attrs);
    struct buf out = make_buf(), start = bytes_of_hex(e->p0);
    char why[200] = "unset";

    assert_int_equal(datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs }, &out, why, sizeof(why)),
                     API_OK);
    assert_string_equal(why, "");
    assert_int_equal(out.len, e->len);
    assert_memory_equal(out.data, start.data, start.len);
    for (size_t i = start.len; i < out.len; i++)
        assert_int_equal(out.data[i], 0);
    buf_free(&out);
    buf_free(&start);
    json_decref(attrs);
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
    assert_int_equal(
        datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs, .state = known }, &p0, why, sizeof(why)),
        API_OK);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_examples_hold),
        cmocka_unit_test(the_worked_examples_hold_for_definitions_of_the_field),
        cmocka_unit_test(the_first_example_is_the_frame_that_the_firmware_must_receive),
    };
    return cmocka_run_group_tests_name("datapoint_examples", tests, NULL, NULL);
}
