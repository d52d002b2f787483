#include "access/handle.h"

#include "access/send.h"

/* SUBSCRIBE: which filters a device may have, and at which QoS. */

#define OPTION_QOS      0x03
#define OPTION_NO_LOCAL 0x04 /* 5.0 */
#define OPTION_RETAIN   0x30 /* retain handling, 5.0 */
#define OPTION_RESERVED 0xc0
#define FAILURE_3_1_1   0x80

static enum mqtt_reason read_start(struct session *s, struct bytes *body, uint16_t *id)
{
    static const uint64_t allowed = MQTT_P_BIT(MQTT_P_SUBSCRIPTION_ID) | MQTT_P_BIT(MQTT_P_USER);
    struct mqtt_properties properties;
    enum mqtt_reason reason;

    *id = bytes_u16be(body);
    if (body->bad || *id == 0)
        return MQTT_MALFORMED;
    if (s->version == MQTT_5) {
        if ((reason = mqtt_read_properties(body, allowed, &properties)) != MQTT_SUCCESS)
            return reason;
        if (properties.seen & MQTT_P_BIT(MQTT_P_SUBSCRIPTION_ID))
            return MQTT_NO_SUBSCRIPTION_IDS;
    }
    return body->left ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
}

static enum mqtt_reason check_options(const struct session *s, uint8_t options)
{
    if ((options & OPTION_QOS) == 3)
        return MQTT_MALFORMED;
    if (s->version == MQTT_5 && (options & OPTION_RETAIN) == OPTION_RETAIN)
        return MQTT_PROTOCOL_ERROR;
    if (s->version == MQTT_5)
        return options & OPTION_RESERVED ? MQTT_MALFORMED : MQTT_SUCCESS;
    if (s->version == MQTT_3_1_1 && options & (uint8_t)~OPTION_QOS)
        return MQTT_MALFORMED;
    return MQTT_SUCCESS;
}

/* *code = the granted QoS, or why there is none. */
static enum mqtt_reason subscribe(struct session *s, struct str filter, uint8_t options, uint8_t *code)
{
    enum mqtt_reason reason = check_options(s, options);
    enum topic_filter_kind kind = topic_filter_kind(filter, str_of(s->did), str_of(s->product->product_key));

    if (reason != MQTT_SUCCESS)
        return reason;
    *code = options & OPTION_QOS ? 1 : 0; /* what we publish is QoS 0 or 1 */
    switch (kind) {
    case FILTER_UNUSED: return MQTT_SUCCESS;
    case FILTER_FOREIGN: *code = MQTT_NOT_AUTHORIZED; return MQTT_SUCCESS;
    case FILTER_SHARED:
        *code = MQTT_NO_SHARED;
        return s->version == MQTT_5 && options & OPTION_NO_LOCAL ? MQTT_PROTOCOL_ERROR : MQTT_SUCCESS;
    case FILTER_INVALID: return MQTT_MALFORMED;
    default: session_grant(s, kind, 1u + *code); return MQTT_SUCCESS;
    }
}

void handle_subscribe(struct session *s, uint8_t flags, struct bytes body)
{
    uint8_t codes[SEND_CODES_MAX];
    size_t n = 0;
    uint16_t id;
    enum mqtt_reason reason = read_start(s, &body, &id);

    (void)flags;
    while (reason == MQTT_SUCCESS && body.left) {
        struct str filter = mqtt_read_text(&body);
        uint8_t options = bytes_u8(&body);
        if (body.bad)
            reason = MQTT_MALFORMED;
        else if (n == SEND_CODES_MAX)
            reason = MQTT_QUOTA_EXCEEDED; /* a device has seven filters that it may ask for */
        else if ((reason = subscribe(s, filter, options, &codes[n])) == MQTT_SUCCESS)
            n++;
        if (n && codes[n - 1] >= FAILURE_3_1_1 && s->version == MQTT_3_1) {
            /* SUBACK of 3.1 has no code for a refusal. */
            access_count(&s->home->counters.dropped[DROP_FOREIGN_TOPIC], 1);
            reason = MQTT_NOT_AUTHORIZED;
        }
    }
    if (reason != MQTT_SUCCESS) {
        session_violation(s, reason);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (codes[i] >= FAILURE_3_1_1 && s->version != MQTT_5)
            codes[i] = FAILURE_3_1_1;
    }
    send_codes(s, MQTT_SUBACK, id, codes, n);
}
