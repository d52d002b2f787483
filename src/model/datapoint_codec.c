#include <assert.h>
#include <string.h>

#include "model/datapoint_plan.h"

/* Decodes and encodes the P0 of a status, and reads a control as a device does. */

enum action {
    ACTION_ANSWER = 3,     /* a status that was asked for */
    ACTION_REPORT = 4,     /* a status told unasked */
    ACTION_VAR_LEN = 0x10, /* added for variable length */
};

bool plan_status_action(const struct datapoint_plan *plan, uint8_t action)
{
    uint8_t base = plan->var_len ? ACTION_VAR_LEN : 0;

    return action == (base | ACTION_ANSWER) || action == (base | ACTION_REPORT);
}

static void clear(const struct datapoint_plan *plan, struct point_value *values)
{
    memset(values, 0, plan->count * sizeof(*values));
}

enum mu_err plan_var_decode(const struct datapoint_plan *plan, const uint8_t *body, size_t len,
                            struct point_value *values)
{
    struct plan_var_walk walk;
    struct point_value value;
    size_t id;
    enum mu_err err = plan_var_walk_begin(&walk, plan, body, len);

    if (err != MU_OK)
        return err;
    clear(plan, values);
    while (plan_var_walk_next(&walk, &id, &value)) {
        const struct datapoint *d = &plan->points[id].face;
        if (d->type == POINT_ENUM && value.x >= d->enum_count)
            return MU_E_VALUE;
        values[id] = value;
    }
    return MU_OK;
}

enum mu_err datapoint_decode(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                             struct point_value *values)
{
    if (len == 0 || !plan_status_action(plan, p0[0]))
        return MU_E_FRAME;
    if (plan->var_len)
        return plan_var_decode(plan, p0 + 1, len - 1, values);
    if (len != 1 + plan->image_size)
        return MU_E_FRAME;
    for (size_t i = 0; i < plan->count; i++)
        values[i] = plan_image_get(&plan->points[i], p0 + 1);
    return plan_image_check(plan, p0 + 1);
}

void datapoint_encode_status(const struct datapoint_plan *plan, uint8_t action, const struct point_value *values,
                             struct buf *out)
{
    uint8_t image[LIMIT_IMAGE], flags[LIMIT_POINTS / 8] = { 0 };

    assert(plan_status_action(plan, action));
    plan_image_fill(plan, image);
    for (size_t i = 0; i < plan->count; i++) {
        if (!values[i].set)
            continue;
        plan_image_put(&plan->points[i], image, values[i]);
        if (plan->var_len)
            plan_section_write(flags, plan->flags_size, (uint32_t)i, 1, 1);
    }
    buf_append_u8(out, action);
    if (plan->var_len)
        plan_var_append(plan, flags, image, out);
    else
        buf_append(out, image, plan->image_size);
}

void datapoint_write_attrs(const struct datapoint_plan *plan, const struct point_value *values, struct json_out *out)
{
    char hex[2 * LIMIT_BINARY_POINT + 1];

    json_object_begin(out);
    for (size_t i = 0; i < plan->count; i++) {
        const struct datapoint *d = &plan->points[i].face;
        if (!values[i].set)
            continue;
        json_key(out, d->name);
        switch (d->type) {
        case POINT_BOOL: json_int(out, values[i].x); break;
        case POINT_ENUM:
            assert(values[i].x < d->enum_count);
            json_text(out, d->enum_texts[values[i].x]);
            break;
        case POINT_UINT8:
        case POINT_UINT16:
        case POINT_UINT32: json_double(out, plan_number_shown(&plan->points[i], values[i].x)); break;
        case POINT_BINARY:
            hex_encode(values[i].bytes, d->size, hex);
            json_str(out, (struct str){ hex, 2 * (size_t)d->size });
            break;
        }
    }
    json_object_end(out);
}
