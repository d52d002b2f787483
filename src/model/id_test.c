#include "base/unit_test.h"

#include <string.h>

#include "model/id.h"

/* Identifiers: alphabets, order of packed dids, and marks of spreadsheets. */

static void new_identifiers_are_valid_and_differ(void **state)
{
    (void)state;
    char hex[2][ID_HEX_LEN + 1], did[2][DID_LEN + 1];

    for (int i = 0; i < 200; i++) {
        id_new_hex(hex[i % 2]);
        did_new(did[i % 2]);
        assert_true(id_is_hex(str_of(hex[i % 2])));
        assert_true(did_valid(str_of(did[i % 2])));
        if (i) {
            assert_string_not_equal(hex[0], hex[1]);
            assert_string_not_equal(did[0], did[1]);
        }
    }
}

static void malformed_identifiers_are_refused(void **state)
{
    (void)state;
    assert_false(id_is_hex(STR("0123456789abcdef0123456789abcde")));
    assert_false(id_is_hex(STR("0123456789abcdef0123456789abcdeF")));
    assert_false(id_is_hex(STR("0123456789abcdef0123456789abcdeg")));
    assert_false(did_valid(STR("222222222222222222222")));
    static const char foreign[] = "0O1Il+/\xe5";
    for (size_t i = 0; i < sizeof(foreign); i++) {
        char did[] = "2222222222222222222222";
        did[21] = foreign[i];
        assert_false(did_valid((struct str){ did, 22 }));
    }
    assert_true(mac_valid(STR("virtual:site")));
    assert_false(mac_valid(STR("")));
    assert_false(mac_valid(STR("a b")));
    assert_false(mac_valid(STR("a\x7f")));
    assert_false(mac_valid(STR("a\xc3\xa9")));
    char long_mac[66];
    memset(long_mac, 'f', sizeof(long_mac));
    assert_true(mac_valid((struct str){ long_mac, 64 }));
    assert_false(mac_valid((struct str){ long_mac, 65 }));
    assert_true(passcode_valid((struct str){ long_mac, 32 }));
    assert_false(passcode_valid((struct str){ long_mac, 33 }));
}

static void what_a_spreadsheet_has_made_of_one_is_known(void **state)
{
    static const char *const spoilt[] = {
        "8.69E+14",          "1.22E+11",      "8,69E+14",      "1E+12",           "1.35e+10",           "-1.2E-05",
        "=\"001122334455\"", "'001122334455", "'AABBCCDDEEFF", "'+8613800000000", "'aa:bb:cc:dd:ee:15",
    };
    static const char *const good[] = {
        "",
        "'",
        "=",
        "1",
        "1E",
        "1E+",
        "12E5",
        "1.2.3E+4",
        "E+14",
        "122E10334455",
        "accf2350d446",
        "869123456789012",
        "'s-Gravenhage",
        "'t",
        "'ade",
        "+8613800000000",
        "virtual:site",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(*spoilt); i++)
        assert_non_null(id_spoilt(str_of(spoilt[i])));
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_null(id_spoilt(str_of(good[i])));
}

static void a_packed_did_is_the_same_again_and_in_the_same_order(void **state)
{
    char dids[2][DID_LEN + 1], again[DID_LEN + 1];
    uint8_t packed[2][DID_PACKED];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        did_new(dids[i % 2]);
        dids[i % 2][i % 3 ? DID_LEN : i % (DID_LEN + 1)] = '\0';
        assert_true(did_pack(str_of(dids[i % 2]), packed[i % 2]));
        did_unpack(packed[i % 2], again);
        assert_string_equal(again, dids[i % 2]);
        if (i)
            assert_int_equal(memcmp(packed[0], packed[1], DID_PACKED) < 0, strcmp(dids[0], dids[1]) < 0);
    }
    assert_true(did_pack(STR("0Oo1Il9Zz0Oo1Il9Zz0aAz"), packed[0]));
    did_unpack(packed[0], again);
    assert_string_equal(again, "0Oo1Il9Zz0Oo1Il9Zz0aAz");
    assert_false(did_pack(STR("22222222222222222222222"), packed[0]));
    assert_false(did_pack(STR("222222222222222222222-"), packed[0]));
    assert_false(did_pack(STR("2 22"), packed[0]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_identifiers_are_valid_and_differ),
        cmocka_unit_test(malformed_identifiers_are_refused),
        cmocka_unit_test(a_packed_did_is_the_same_again_and_in_the_same_order),
        cmocka_unit_test(what_a_spreadsheet_has_made_of_one_is_known),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
