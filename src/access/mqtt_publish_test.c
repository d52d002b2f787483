#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "access/mqtt_publish.h"

/* PUBLISH packets, whole, cut off and wrong. */

static enum mqtt_reason publish_of(uint8_t flags, const char *hex, enum mqtt_version version, struct mqtt_publish *out)
{
    static uint8_t *bytes;
    size_t len = strlen(hex) / 2;
    free(bytes);
    bytes = malloc(len ? len : 1);
    assert_int_equal(hex_decode(hex, len * 2, bytes), MU_OK);
    return mqtt_read_publish(flags, bytes_of(bytes, len), version, out);
}

static void a_publish_is_read_in_every_version(void **state)
{
    (void)state;
    struct mqtt_publish p;

    assert_int_equal(publish_of(0,
                                "000161"
                                "0102",
                                MQTT_3_1, &p),
                     MQTT_SUCCESS);
    assert_int_equal(p.qos, 0);
    assert_int_equal(p.payload_len, 2);
    assert_int_equal(publish_of(2,
                                "000161"
                                "0007"
                                "0102",
                                MQTT_3_1_1, &p),
                     MQTT_SUCCESS);
    assert_int_equal(p.id, 7);
    assert_int_equal(publish_of(4,
                                "000161"
                                "0007"
                                "020101"
                                "0102",
                                MQTT_5, &p),
                     MQTT_SUCCESS);
    assert_int_equal(p.qos, 2);
    assert_int_equal(p.payload_len, 2);
    assert_memory_equal(p.payload, "\x01\x02", 2);
    assert_int_equal(publish_of(0, "000161", MQTT_3_1, &p), MQTT_SUCCESS);
    assert_int_equal(p.payload_len, 0);
}

static void a_publish_that_breaks_a_rule_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        const char *hex;
        enum mqtt_version version;
        enum mqtt_reason reason;
    } cases[] = {
        { 6, "0001610007", MQTT_3_1_1, MQTT_MALFORMED }, /* QoS 3 */
        { 2, "0001610000", MQTT_3_1_1, MQTT_MALFORMED }, /* packet id 0 */
        { 2, "000161", MQTT_3_1_1, MQTT_MALFORMED },     /* no packet id */
        { 2, "00016107", MQTT_3_1_1, MQTT_MALFORMED },
        { 8, "000161", MQTT_3_1_1, MQTT_MALFORMED }, /* DUP at QoS 0 */
        { 8, "000161", MQTT_3_1, MQTT_SUCCESS },
        { 0, "00", MQTT_3_1_1, MQTT_MALFORMED },
        { 0, "000261", MQTT_3_1_1, MQTT_MALFORMED },
        { 0, "0000", MQTT_3_1_1, MQTT_BAD_TOPIC },
        { 0, "00012b", MQTT_3_1_1, MQTT_BAD_TOPIC },     /* '+' */
        { 0, "0002612f23", MQTT_3_1_1, MQTT_SUCCESS },   /* "a/", and '#' is payload */
        { 0, "0003612f23", MQTT_3_1_1, MQTT_BAD_TOPIC }, /* "a/#" */
        { 0, "0001ff", MQTT_3_1_1, MQTT_MALFORMED },     /* not UTF-8 */
        { 0, "000100", MQTT_3_1_1, MQTT_MALFORMED },     /* NUL */
        { 0,
          "000161"
          "03230001",
          MQTT_5, MQTT_BAD_TOPIC_ALIAS },
        { 1,
          "000161"
          "00",
          MQTT_5, MQTT_NO_RETAIN },
        { 1,
          "000161"
          "00",
          MQTT_3_1_1, MQTT_SUCCESS },
        { 0,
          "000161"
          "020b01",
          MQTT_5, MQTT_PROTOCOL_ERROR },         /* a subscription id: servers only */
        { 0, "000161", MQTT_5, MQTT_MALFORMED }, /* no property length */
    };
    struct mqtt_publish p;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(publish_of(cases[i].flags, cases[i].hex, cases[i].version, &p), cases[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publish_is_read_in_every_version),
        cmocka_unit_test(a_publish_that_breaks_a_rule_is_refused),
    };
    return cmocka_run_group_tests_name("mqtt_publish", tests, NULL, NULL);
}
