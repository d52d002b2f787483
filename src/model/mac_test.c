#include "base/unit_test.h"

#include "model/mac.h"

static void must_become(const char *mac, enum mac_style style, const char *plain)
{
    char text[65] = "";

    strcpy(text, mac);
    assert_int_equal(mac_style(str_of(mac)), style);
    mac_make_plain(text);
    assert_string_equal(text, plain);
    for (size_t i = strlen(text); i < sizeof(text); i++)
        assert_int_equal(text[i], 0);
}

static void a_mac_48_has_one_plain_form(void **state)
{
    (void)state;
    must_become("accf2350d446", MAC_PLAIN, "accf2350d446");
    must_become("001122334455", MAC_PLAIN, "001122334455");
    must_become("ACCF2350D446", MAC_STYLED, "accf2350d446");
    must_become("AccF2350D446", MAC_STYLED, "accf2350d446");
    must_become("AA:BB:CC:DD:EE:15", MAC_STYLED, "aabbccddee15");
    must_become("aa-bb-cc-dd-ee-15", MAC_STYLED, "aabbccddee15");
    must_become("aabb.ccdd.EE15", MAC_STYLED, "aabbccddee15");
    must_become("00:11:22:33:44:55", MAC_STYLED, "001122334455");
}

static void what_is_no_mac_48_is_left_alone(void **state)
{
    static const char *const others[] = {
        "",
        "virtual:site",
        "VIRTUAL:SITE",
        "861234567890123",
        "ACCF2350D44",
        "ACCF2350D44G",
        "AA:BB-CC:DD:EE:15",
        "AA:BB:CC:DD:EE:1G",
        "AABB.CCDD:EE15",
        "AA:BB:CC:DD:EE:15:16:17",
        "0011223344556677",
        ":::::::::::::::::",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        must_become(others[i], MAC_OTHER, others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mac_48_has_one_plain_form),
        cmocka_unit_test(what_is_no_mac_48_is_left_alone),
    };
    return cmocka_run_group_tests_name("mac", tests, NULL, NULL);
}
