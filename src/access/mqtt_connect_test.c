#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "access/mqtt_connect.h"
#include "base/buf.h"

/* CONNECT packets of all versions, whole, cut off and wrong. */

#define DID "NrnkpgVThKbJUc2wHkqfAD"

static void put_text(struct buf *b, const char *text)
{
    buf_append_u16be(b, (uint16_t)strlen(text));
    buf_append_str(b, text);
}

struct connect_spec {
    const char *protocol;
    uint8_t level, flags;
    const char *properties; /* 5.0: bytes behind their length, in hex; NULL = none */
    const char *client_id, *will_topic, *will_payload, *user, *password;
};

static void put_hex(struct buf *b, const char *hex)
{
    size_t len = strlen(hex);
    assert_int_equal(hex_decode(hex, len, buf_reserve(b, len / 2)), MU_OK);
    b->len += len / 2;
}

static struct buf connect_body(const struct connect_spec *c)
{
    struct buf b;

    buf_init(&b, 4096);
    put_text(&b, c->protocol);
    buf_append_u8(&b, c->level);
    buf_append_u8(&b, c->flags);
    buf_append_u16be(&b, 120);
    if (c->level == 5) {
        buf_append_varint(&b, c->properties ? strlen(c->properties) / 2 : 0);
        put_hex(&b, c->properties ? c->properties : "");
    }
    put_text(&b, c->client_id);
    if (c->will_topic) {
        if (c->level == 5)
            buf_append_varint(&b, 0);
        put_text(&b, c->will_topic);
        put_text(&b, c->will_payload);
    }
    if (c->user)
        put_text(&b, c->user);
    if (c->password)
        put_text(&b, c->password);
    return b;
}

/* In an allocation of just its size, so that a sanitizer sees a read beyond it. */
static enum mqtt_reason read_connect(const uint8_t *bytes, size_t len, struct mqtt_connect *out)
{
    static uint8_t *exact;
    free(exact);
    exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    return mqtt_read_connect(bytes_of(exact, len), out);
}

static enum mqtt_reason connect_of(const struct connect_spec *c, struct mqtt_connect *out)
{
    struct buf b = connect_body(c);
    enum mqtt_reason reason = read_connect(b.data, b.len, out);
    buf_free(&b);
    return reason;
}

static void the_connect_of_the_firmware_is_understood(void **state)
{
    (void)state;
    struct mqtt_connect c;
    struct connect_spec spec = {
        .protocol = "MQIsdp", .level = 3, .flags = 0xc2, .client_id = DID, .user = DID, .password = "GOKOXYZABC"
    };

    assert_int_equal(connect_of(&spec, &c), MQTT_SUCCESS);
    assert_int_equal(c.version, MQTT_3_1);
    assert_int_equal(c.keep_alive, 120);
    assert_true(c.clean && c.has_user && c.has_password && !c.has_will);
    assert_true(str_eq(c.user, STR(DID)));
    assert_true(str_eq(c.client_id, STR(DID)));
    assert_true(str_eq(c.password, STR("GOKOXYZABC")));
}

static void no_truncated_connect_is_accepted(void **state)
{
    (void)state;
    static const struct connect_spec specs[] = {
        { .protocol = "MQTT",
          .level = 4,
          .flags = 0xc6,
          .client_id = DID,
          .will_topic = "dev2app/x",
          .will_payload = "gone",
          .user = DID,
          .password = "secret" },
        { .protocol = "MQTT",
          .level = 5,
          .flags = 0xc6,
          .properties = "11000000002100142700001000",
          .client_id = DID,
          .will_topic = "dev2app/x",
          .will_payload = "gone",
          .user = DID,
          .password = "secret" },
    };
    struct mqtt_connect c;

    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct buf b = connect_body(&specs[i]);
        assert_int_equal(read_connect(b.data, b.len, &c), MQTT_SUCCESS);
        assert_true(str_eq(c.will_payload, STR("gone")));
        for (size_t len = 0; len < b.len; len++)
            assert_int_not_equal(read_connect(b.data, len, &c), MQTT_SUCCESS);
        buf_append_u8(&b, 0);
        assert_int_equal(read_connect(b.data, b.len, &c), MQTT_MALFORMED);
        buf_free(&b);
    }
}

static void a_3_1_connect_may_end_before_what_its_flags_announce(void **state)
{
    (void)state;
    struct mqtt_connect c;
    struct connect_spec spec = { .protocol = "MQIsdp", .level = 3, .flags = 0xc2, .client_id = DID };

    assert_int_equal(connect_of(&spec, &c), MQTT_SUCCESS);
    assert_false(c.has_user || c.has_password);
    spec = (struct connect_spec){ .protocol = "MQTT", .level = 4, .flags = 0xc2, .client_id = DID };
    assert_int_equal(connect_of(&spec, &c), MQTT_MALFORMED);
}

static void another_level_is_refused_in_a_form_that_its_client_reads(void **state)
{
    (void)state;
    static const struct {
        const char *protocol;
        uint8_t level;
        enum mqtt_reason reason;
        enum mqtt_version version;
    } cases[] = {
        { "MQTT", 6, MQTT_BAD_VERSION, MQTT_5 },        { "MQTT", 3, MQTT_BAD_VERSION, MQTT_3_1_1 },
        { "MQTT", 0x84, MQTT_BAD_VERSION, MQTT_3_1_1 }, { "MQIsdp", 4, MQTT_BAD_VERSION, MQTT_3_1 },
        { "MQIsdp", 0x83, MQTT_BAD_VERSION, MQTT_3_1 }, { "mqtt", 4, MQTT_MALFORMED, MQTT_UNKNOWN },
    };
    struct mqtt_connect c;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct connect_spec spec = {
            .protocol = cases[i].protocol, .level = cases[i].level, .flags = 2, .client_id = DID
        };
        assert_int_equal(connect_of(&spec, &c), cases[i].reason);
        assert_int_equal(c.version, cases[i].version);
    }
    assert_int_equal(mqtt_connack_code(MQTT_BAD_VERSION), 1);
}

static void flags_that_contradict_each_other_are_malformed(void **state)
{
    (void)state;
    static const struct {
        uint8_t level, flags;
        enum mqtt_reason reason;
    } cases[] = {
        { 4, 0x03, MQTT_MALFORMED },                              /* reserved */
        { 5, 0x03, MQTT_MALFORMED }, { 4, 0x0a, MQTT_MALFORMED }, /* will QoS without a will */
        { 4, 0x22, MQTT_MALFORMED },                              /* will retain without a will */
        { 4, 0x42, MQTT_MALFORMED },                              /* a password without a user; 5.0 allows it */
        { 4, 0x1e, MQTT_MALFORMED },                              /* will QoS 3 */
        { 5, 0x26, MQTT_NO_RETAIN }, { 4, 0x26, MQTT_SUCCESS },
    };
    struct mqtt_connect c;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct connect_spec spec = {
            .protocol = "MQTT", .level = cases[i].level, .flags = cases[i].flags, .client_id = DID
        };
        if (spec.flags & 4) {
            spec.will_topic = "dev2app/x";
            spec.will_payload = "";
        }
        if (spec.flags & 0x40)
            spec.password = "secret";
        assert_int_equal(connect_of(&spec, &c), cases[i].reason);
    }
}

static void an_empty_client_id_needs_a_clean_session(void **state)
{
    (void)state;
    struct mqtt_connect c;
    struct connect_spec spec = { .protocol = "MQTT", .level = 4, .flags = 2, .client_id = "" };

    assert_int_equal(connect_of(&spec, &c), MQTT_SUCCESS);
    spec.flags = 0;
    assert_int_equal(connect_of(&spec, &c), MQTT_BAD_CLIENT_ID);
    spec.level = 5;
    assert_int_equal(connect_of(&spec, &c), MQTT_SUCCESS);
}

static void text_that_is_not_utf8_is_malformed(void **state)
{
    (void)state;
    struct mqtt_connect c;
    struct connect_spec spec = { .protocol = "MQTT", .level = 4, .flags = 2, .client_id = "\xc0\x80" };
    assert_int_equal(connect_of(&spec, &c), MQTT_MALFORMED);
}

static void a_will_needs_a_topic_without_wildcards(void **state)
{
    (void)state;
    struct mqtt_connect c;
    struct connect_spec spec = {
        .protocol = "MQTT", .level = 4, .flags = 6, .client_id = DID, .will_topic = "dev2app/#", .will_payload = ""
    };
    assert_int_equal(connect_of(&spec, &c), MQTT_BAD_TOPIC);
    spec.will_topic = "";
    assert_int_equal(connect_of(&spec, &c), MQTT_BAD_TOPIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_connect_of_the_firmware_is_understood),
        cmocka_unit_test(no_truncated_connect_is_accepted),
        cmocka_unit_test(a_3_1_connect_may_end_before_what_its_flags_announce),
        cmocka_unit_test(another_level_is_refused_in_a_form_that_its_client_reads),
        cmocka_unit_test(flags_that_contradict_each_other_are_malformed),
        cmocka_unit_test(an_empty_client_id_needs_a_clean_session),
        cmocka_unit_test(text_that_is_not_utf8_is_malformed),
        cmocka_unit_test(a_will_needs_a_topic_without_wildcards),
    };
    return cmocka_run_group_tests_name("mqtt_connect", tests, NULL, NULL);
}
