#include "plan_check.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "fuzz.h"

/* Checks that hold for every definition that compiles. */

enum { TEXT_MAX = 4 * 1024 * 1024 };

static struct point_value values[LIMIT_POINTS], again[LIMIT_POINTS];
static uint8_t state[LIMIT_IMAGE + LIMIT_POINTS / 8];
static struct buf p0, text;

static void check_same_value(const struct datapoint *d, const struct point_value *a, const struct point_value *b)
{
    CHECK(a->set == b->set);
    if (a->set && d->type == POINT_BINARY)
        CHECK(memcmp(a->bytes, b->bytes, d->size) == 0);
    else if (a->set)
        CHECK(a->x == b->x);
}

static void check_same_values(const struct datapoint_plan *plan)
{
    for (size_t i = 0; i < datapoint_count(plan); i++)
        check_same_value(datapoint_at(plan, i), &values[i], &again[i]);
}

static void encode(const struct datapoint_plan *plan, uint8_t action)
{
    buf_free(&p0); /* so that the sanitizer sees who reads behind it */
    buf_init(&p0, TEXT_MAX);
    datapoint_encode_status(plan, action, values, &p0);
    CHECK(p0.err == MU_OK);
}

/* The attrs that clients are shown: JSON that has every set point. */
static json_t *attrs_of(const struct datapoint_plan *plan)
{
    struct json_out out = json_out_to(&text);
    size_t set = 0;

    buf_clear(&text);
    datapoint_write_attrs(plan, values, &out);
    CHECK(text.err == MU_OK);
    json_t *attrs = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    for (size_t i = 0; i < datapoint_count(plan); i++)
        set += values[i].set;
    CHECK(attrs && json_object_size(attrs) == set);
    return attrs;
}

static void check_raised(const struct datapoint_plan *plan)
{
    uint16_t raised[LIMIT_POINTS];
    size_t n = datapoint_state_raised(plan, state, raised), expected = 0;
    bool faulty = false, alert = false;

    for (size_t i = 0; i < datapoint_count(plan); i++) {
        enum point_access access = datapoint_at(plan, i)->access;
        if (access < POINT_ALERT || !values[i].set || !values[i].x)
            continue;
        CHECK(expected < n && raised[expected] == i);
        expected++;
        faulty |= access == POINT_FAULT;
        alert |= access == POINT_ALERT;
    }
    CHECK(n == expected);
    CHECK(faulty == datapoint_state_faulty(plan, state) && alert == datapoint_state_alert(plan, state));
}

/* What a device sends: read once as values and once into a state, written again, and shown. */
static void check_status(const struct datapoint_plan *plan, const uint8_t *bytes, size_t len)
{
    memset(state, 0, datapoint_state_size(plan));
    enum mu_err err = datapoint_decode(plan, bytes, len, values);
    CHECK(datapoint_state_report(plan, bytes, len, state) == err);
    if (err != MU_OK)
        return;
    datapoint_state_values(plan, state, again);
    check_same_values(plan);
    check_raised(plan);
    encode(plan, bytes[0]);
    CHECK(datapoint_decode(plan, p0.data, p0.len, again) == MU_OK);
    check_same_values(plan);
    json_decref(attrs_of(plan));
}

/* --- values that the bytes tell ----------------------------------------------------------------------*/
static uint32_t made_x(const struct datapoint *d, struct bytes *in)
{
    uint32_t x = bytes_u32be(in);

    switch (d->type) {
    case POINT_BOOL: return x & 1;
    case POINT_ENUM: return x % d->enum_count;
    default: return d->max - d->min == UINT32_MAX ? x : d->min + x % (d->max - d->min + 1);
    }
}

/* Of a fixed length a status needs all of them. */
static void make_values(const struct datapoint_plan *plan, struct bytes in)
{
    static const uint8_t zeros[LIMIT_BINARY_POINT];

    for (size_t i = 0; i < datapoint_count(plan); i++) {
        const struct datapoint *d = datapoint_at(plan, i);
        values[i] = (struct point_value){ .set = !datapoint_is_var_len(plan) || bytes_u8(&in) % 4 };
        if (d->type != POINT_BINARY)
            values[i].x = made_x(d, &in);
        else if (!(values[i].bytes = bytes_take(&in, d->size)))
            values[i].bytes = zeros;
    }
}

/* What was shown, given back as a control, is what the device is told. */
static void check_control(const struct datapoint_plan *plan)
{
    char why[300];
    size_t set = 0;

    for (size_t i = 0; i < datapoint_count(plan); i++) {
        values[i].set = values[i].set && datapoint_at(plan, i)->access == POINT_WRITABLE;
        set += values[i].set;
    }
    json_t *attrs = attrs_of(plan);
    buf_clear(&p0);
    enum api_error error = datapoint_control(plan, &(struct datapoint_asked){ .attrs = attrs, .coding = CODING_HEX },
                                             &p0, why, sizeof(why));
    json_decref(attrs);
    CHECK(error == (set ? API_OK : API_FORM_INVALID));
    if (!set)
        return;
    CHECK(datapoint_read_control(plan, p0.data, p0.len, again) == MU_OK);
    for (size_t i = 0; i < datapoint_count(plan); i++) {
        const struct datapoint *d = datapoint_at(plan, i);
        /* Of two values with the same text the first is meant. */
        if (d->type == POINT_ENUM && values[i].set && again[i].set &&
            strcmp(d->enum_texts[values[i].x], d->enum_texts[again[i].x]) == 0)
            continue;
        check_same_value(d, &values[i], &again[i]);
    }
}

void plan_check(const struct datapoint_plan *plan, const uint8_t *bytes, size_t len)
{
    CHECK(datapoint_state_size(plan) <= sizeof(state));
    buf_init(&p0, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    check_status(plan, bytes, len);
    if (datapoint_read_control(plan, bytes, len, values) == MU_OK)
        json_decref(attrs_of(plan));

    make_values(plan, bytes_of(bytes, len));
    encode(plan, datapoint_is_var_len(plan) ? 0x14 : 0x04);
    CHECK(datapoint_decode(plan, p0.data, p0.len, again) == MU_OK);
    check_same_values(plan);
    check_control(plan);
    buf_free(&p0);
    buf_free(&text);
}
