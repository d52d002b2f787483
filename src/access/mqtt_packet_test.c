#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "access/mqtt_packet.h"

/* Fixed headers, fields and properties, whole, cut off and wrong. */

static enum mqtt_reason properties_of(const char *hex, uint64_t allowed, struct mqtt_properties *out)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = malloc(len + 1);
    bytes[0] = (uint8_t)len;
    assert_int_equal(hex_decode(hex, len * 2, bytes + 1), MU_OK);
    struct bytes r = bytes_of(bytes, len + 1);
    enum mqtt_reason reason = mqtt_read_properties(&r, allowed, out);
    free(bytes);
    return reason;
}

/* --- the fixed header -------------------------------------------------------------------------*/

static void a_head_is_complete_with_the_last_byte_of_its_length(void **state)
{
    (void)state;
    static const uint8_t longest[] = { 0x3b, 0xff, 0xff, 0xff, 0x7f };
    struct mqtt_head head;

    for (size_t len = 0; len < sizeof(longest); len++)
        assert_int_equal(mqtt_read_head(longest, len, &head), MQTT_HEAD_PART);
    assert_int_equal(mqtt_read_head(longest, sizeof(longest), &head), MQTT_HEAD_WHOLE);
    assert_int_equal(head.type, MQTT_PUBLISH);
    assert_int_equal(head.flags, 0xb);
    assert_int_equal(head.size, 5);
    assert_int_equal(head.body, 268435455);

    static const uint8_t ping[] = { 0xc0, 0 };
    assert_int_equal(mqtt_read_head(ping, 2, &head), MQTT_HEAD_WHOLE);
    assert_int_equal(head.size, 2);
    assert_int_equal(head.body, 0);
}

static void a_length_of_five_bytes_is_none(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0x30, 0x80, 0x80, 0x80, 0x80, 0x01 };
    struct mqtt_head head;
    assert_int_equal(mqtt_read_head(bytes, 4, &head), MQTT_HEAD_PART);
    assert_int_equal(mqtt_read_head(bytes, 5, &head), MQTT_HEAD_BAD);
    assert_int_equal(mqtt_read_head(bytes, 6, &head), MQTT_HEAD_BAD);
}

static void a_length_has_its_shortest_form_only(void **state)
{
    (void)state;
    static const uint8_t padded[][5] = {
        { 0xc0, 0x80, 0 }, { 0x30, 0xff, 0 }, { 0x30, 0x80, 0x80, 0 }, { 0x30, 0xff, 0xff, 0x80, 0 }
    };
    static const uint8_t shortest[] = { 0x30, 0x80, 0x80, 1 };
    struct mqtt_head head;

    for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++)
        assert_int_equal(mqtt_read_head(padded[i], sizeof(padded[i]), &head), MQTT_HEAD_BAD);
    assert_int_equal(mqtt_read_head(shortest, sizeof(shortest), &head), MQTT_HEAD_WHOLE);
    assert_int_equal(head.body, 16384);
}

/* --- properties -------------------------------------------------------------------------------*/

static void properties_are_checked_one_by_one(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum mqtt_reason reason;
    } cases[] = {
        { "", MQTT_SUCCESS },
        { "210014", MQTT_SUCCESS },
        { "210014"
          "210014",
          MQTT_PROTOCOL_ERROR },               /* twice */
        { "210000", MQTT_PROTOCOL_ERROR },     /* a receive maximum of 0 */
        { "2700000000", MQTT_PROTOCOL_ERROR }, /* a packet maximum of 0 */
        { "1702", MQTT_PROTOCOL_ERROR },       /* neither 0 nor 1 */
        { "26000161000162"
          "26000161000162",
          MQTT_SUCCESS },                  /* user properties may repeat */
        { "230001", MQTT_PROTOCOL_ERROR }, /* not one of this packet's */
        { "7f00", MQTT_MALFORMED },        /* unknown */
        { "2500", MQTT_MALFORMED },        /* a server's only */
        { "8080808001", MQTT_MALFORMED },
        { "a1000014", MQTT_MALFORMED },       /* a longer form than it needs */
        { "2100", MQTT_MALFORMED },           /* short */
        { "260001ff000162", MQTT_MALFORMED }, /* not UTF-8 */
    };
    static const uint64_t allowed = MQTT_P_BIT(MQTT_P_RECEIVE_MAXIMUM) | MQTT_P_BIT(MQTT_P_PACKET_MAXIMUM) |
                                    MQTT_P_BIT(MQTT_P_USER) | MQTT_P_BIT(MQTT_P_REQUEST_PROBLEM);
    struct mqtt_properties p;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(properties_of(cases[i].hex, allowed, &p), cases[i].reason);
    assert_int_equal(properties_of("210014"
                                   "2700001000",
                                   allowed, &p),
                     MQTT_SUCCESS);
    assert_int_equal(p.receive_maximum, 20);
    assert_int_equal(p.packet_maximum, 4096);
    assert_int_equal(properties_of("", allowed, &p), MQTT_SUCCESS);
    assert_int_equal(p.receive_maximum, 65535);
}

static void a_response_topic_is_a_topic(void **state)
{
    (void)state;
    struct mqtt_properties p;

    assert_int_equal(properties_of("080001"
                                   "61",
                                   MQTT_P_BIT(MQTT_P_RESPONSE_TOPIC), &p),
                     MQTT_SUCCESS);
    assert_int_equal(properties_of("080001"
                                   "23",
                                   MQTT_P_BIT(MQTT_P_RESPONSE_TOPIC), &p),
                     MQTT_PROTOCOL_ERROR);
    assert_int_equal(properties_of("080003"
                                   "612f2b",
                                   MQTT_P_BIT(MQTT_P_RESPONSE_TOPIC), &p),
                     MQTT_PROTOCOL_ERROR);
    assert_int_equal(properties_of("080000", MQTT_P_BIT(MQTT_P_RESPONSE_TOPIC), &p), MQTT_PROTOCOL_ERROR);
}

static void a_property_length_beyond_the_packet_is_malformed(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 4, 0x21, 0, 20 };
    struct bytes r = bytes_of(bytes, sizeof(bytes));
    struct mqtt_properties p;
    assert_int_equal(mqtt_read_properties(&r, MQTT_P_BIT(MQTT_P_RECEIVE_MAXIMUM), &p), MQTT_MALFORMED);
}

/* --- acknowledgements -------------------------------------------------------------------------*/

static enum mqtt_reason ack_of(enum mqtt_type type, enum mqtt_version version, const void *bytes, size_t len)
{
    struct mqtt_ack ack;
    enum mqtt_reason reason = mqtt_read_ack(type, bytes_of(bytes, len), version, &ack);

    if (reason == MQTT_SUCCESS) {
        assert_int_equal(ack.id, 7);
        assert_int_equal(ack.reason, len > 2 ? ((const uint8_t *)bytes)[2] : MQTT_SUCCESS);
    }
    return reason;
}

static void an_acknowledgement_is_two_bytes_or_more_in_5_0(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0, 7, 0x10, 4, 0x1f, 0, 1, 'x' };

    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_3_1_1, bytes, 2), MQTT_SUCCESS);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_3_1_1, bytes, 3), MQTT_MALFORMED);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_5, bytes, 1), MQTT_MALFORMED);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_5, bytes, 2), MQTT_SUCCESS);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_5, bytes, 3), MQTT_SUCCESS);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_5, bytes, 7), MQTT_MALFORMED);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_5, bytes, 8), MQTT_SUCCESS);
    assert_int_equal(ack_of(MQTT_PUBACK, MQTT_3_1, "\0\0", 2), MQTT_MALFORMED);
}

static void each_acknowledgement_has_its_reasons(void **state)
{
    (void)state;
    static const struct {
        enum mqtt_type type;
        uint8_t reason;
        bool right;
    } cases[] = {
        { MQTT_PUBACK, 0x00, true },  { MQTT_PUBACK, 0x10, true },   { MQTT_PUBACK, 0x87, true },
        { MQTT_PUBACK, 0x92, false }, { MQTT_PUBACK, 0x01, false },  { MQTT_PUBREC, 0x91, true },
        { MQTT_PUBREC, 0x81, false }, { MQTT_PUBREL, 0x92, true },   { MQTT_PUBREL, 0x10, false },
        { MQTT_PUBCOMP, 0x92, true }, { MQTT_PUBCOMP, 0x80, false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[] = { 0, 7, cases[i].reason };
        assert_int_equal(ack_of(cases[i].type, MQTT_5, bytes, 3), cases[i].right ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_complete_with_the_last_byte_of_its_length),
        cmocka_unit_test(a_length_of_five_bytes_is_none),
        cmocka_unit_test(a_length_has_its_shortest_form_only),
        cmocka_unit_test(properties_are_checked_one_by_one),
        cmocka_unit_test(a_response_topic_is_a_topic),
        cmocka_unit_test(a_property_length_beyond_the_packet_is_malformed),
        cmocka_unit_test(an_acknowledgement_is_two_bytes_or_more_in_5_0),
        cmocka_unit_test(each_acknowledgement_has_its_reasons),
    };
    return cmocka_run_group_tests_name("mqtt_packet", tests, NULL, NULL);
}
