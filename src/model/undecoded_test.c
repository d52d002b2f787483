#include "base/unit_test.h"

#include "model/datapoint_fixture.h"
#include "model/frame.h"
#include "model/undecoded.h"

/* The cause and the sentence for each kind of message that cannot be decoded. */

static void each_cause_says_what_is_and_what_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *file, *hex;
        enum undecoded cause;
        const char *why;
    } cases[] = {
        { "air-conditioner.json", "000000030b0000910401000010000000", UNDECODED_NOT, "" },
        { "air-conditioner.json", "000000030a00009104010000100000", UNDECODED_LENGTH,
          "7 bytes, the definition wants 8" },
        { "air-conditioner.json", "000000030c000091040100001000000000", UNDECODED_LENGTH,
          "9 bytes, the definition wants 8" },
        { "air-conditioner.json", "000000030b000091041d000010000000", UNDECODED_VALUE,
          "'mode' is value number 7, the definition has 5, from 0 on" },
        { "air-conditioner.json", "000000030b0000911401000010000000", UNDECODED_ACTION,
          "action 14, the definition wants 03 or 04" },
        { "air-conditioner.json", "000000030f00009300000001040100001000000000", UNDECODED_FRAME,
          "21 bytes that are not a frame, or one of another length" },
        { "air-conditioner.json", "000000030f000093000000010401000010000000", UNDECODED_NOT, "" },
        { "air-conditioner.json", "000000030400009001", UNDECODED_FRAME, "command 0x0090, which no device sends" },
        { "air-conditioner.json", "0000000303000091", UNDECODED_NOT, "" },
        { "air-conditioner.json", "000000030700009400000001", UNDECODED_NOT, "" },
        { "air-conditioner.json", "0000000305000091067a7a", UNDECODED_FRAME,
          "11 bytes that are not a frame, or one of another length" },
        { "air-conditioner.json", "0000000306000091067a7a", UNDECODED_NOT, "" },
        { "heater.json", "0000000306000091140000", UNDECODED_LENGTH, "3 bytes, the definition's flags alone take 8" },
        { "heater.json", "000000030b0000911400000000040002", UNDECODED_LENGTH, NULL },
        { "heater.json", "000000030b0000910400000000000000", UNDECODED_ACTION,
          "action 04, the definition wants 13 or 14" },
        { "heater.json", "000000030b0000911400000000000000", UNDECODED_NOT, "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct datapoint_plan *plan = load_plan(OWN, cases[i].file);
        uint8_t bytes[64];
        char why[200];
        size_t len = strlen(cases[i].hex);
        assert_int_equal(hex_decode(cases[i].hex, len, bytes), MU_OK);
        assert_int_equal(undecoded_why(plan, bytes, len / 2, why, sizeof(why)), cases[i].cause);
        if (cases[i].why)
            assert_string_equal(why, cases[i].why);
        else
            assert_non_null(strstr(why, "bytes, the definition wants "));
        datapoint_plan_free(plan);
    }
}

static uint32_t below(uint32_t n)
{
    static uint64_t state = 7;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % n;
}

/* It explains what the codec refuses, and nothing else. */
static void damage_a_report(const json_t *definition, const char *file)
{
    struct datapoint_plan *plan = compile_plan(definition);
    struct point_value *values = calloc(datapoint_count(plan), sizeof(*values));
    uint8_t *known = calloc(1, datapoint_state_size(plan));
    struct buf p0, whole;
    char why[200];

    (void)file;
    buf_init(&p0, 16384);
    buf_init(&whole, 16384);
    for (int i = 0; i < 300; i++) {
        buf_clear(&p0);
        buf_clear(&whole);
        datapoint_encode_status(plan, datapoint_is_var_len(plan) ? 0x14 : 0x04, values, &p0);
        for (uint32_t n = below(4); n > 0; n--)
            p0.data[1 + below((uint32_t)p0.len - 1)] = (uint8_t)below(256);
        if (below(3) == 0)
            p0.len -= below((uint32_t)p0.len - 1);
        frame_write(&whole, FRAME_REPORT, 0, p0.data, p0.len);
        bool good = datapoint_state_report(plan, p0.data, p0.len, known) == MU_OK;
        enum undecoded cause = undecoded_why(plan, whole.data, whole.len, why, sizeof(why));
        assert_int_equal(cause == UNDECODED_NOT, good);
        assert_int_equal(*why == '\0', good);
    }
    buf_free(&whole);
    buf_free(&p0);
    free(known);
    free(values);
    datapoint_plan_free(plan);
}

static void what_the_codec_refuses_is_explained_and_nothing_else(void **state)
{
    (void)state;
    assert_true(each_definition(OWN, damage_a_report));
    (void)each_definition(FIELD, damage_a_report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_says_what_is_and_what_is_wanted),
        cmocka_unit_test(what_the_codec_refuses_is_explained_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
