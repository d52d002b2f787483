#include <string.h>

#include "model/datapoint_plan.h"

/* The state of a device: first what is known (fixed length: a byte that is 1 after the first status; variable length:
 * the flags of all points ever reported), then the image (datapoint_plan.h). */

size_t datapoint_state_size(const struct datapoint_plan *plan)
{
    return plan->known_size + plan->image_size;
}

static enum mu_err check_var(const struct plan_var_walk *from)
{
    struct plan_var_walk walk = *from;
    struct point_value value;
    size_t id;

    while (plan_var_walk_next(&walk, &id, &value)) {
        const struct datapoint *d = &walk.plan->points[id].face;
        if (d->type == POINT_ENUM && value.x >= d->enum_count)
            return MU_E_VALUE;
    }
    return MU_OK;
}

static enum mu_err merge_var(const struct datapoint_plan *plan, const uint8_t *body, size_t len, uint8_t *state)
{
    struct plan_var_walk walk;
    struct point_value value;
    size_t id;
    enum mu_err err = plan_var_walk_begin(&walk, plan, body, len);

    if (err != MU_OK || (err = check_var(&walk)) != MU_OK)
        return err;
    if (walk.flagged == plan->count) { /* a state looks like a report of all points */
        memcpy(state, body, len);
        return MU_OK;
    }
    while (plan_var_walk_next(&walk, &id, &value)) {
        plan_section_write(state, plan->known_size, (uint32_t)id, 1, 1);
        plan_image_put(&plan->points[id], state + plan->known_size, value);
    }
    return MU_OK;
}

enum mu_err datapoint_state_report(const struct datapoint_plan *plan, const uint8_t *p0, size_t len, uint8_t *state)
{
    if (len == 0 || !plan_status_action(plan, p0[0]))
        return MU_E_FRAME;
    if (plan->var_len)
        return merge_var(plan, p0 + 1, len - 1, state);
    if (len != 1 + plan->image_size)
        return MU_E_FRAME;
    if (plan_image_check(plan, p0 + 1) != MU_OK)
        return MU_E_VALUE;
    state[0] = 1;
    memcpy(state + 1, p0 + 1, plan->image_size);
    return MU_OK;
}

void datapoint_state_values(const struct datapoint_plan *plan, const uint8_t *state, struct point_value *values)
{
    for (size_t i = 0; i < plan->count; i++) {
        bool known = plan->var_len ? plan_section_read(state, plan->known_size, (uint32_t)i, 1) : state[0];
        values[i] = known ? plan_image_get(&plan->points[i], state + plan->known_size) : (struct point_value){ 0 };
    }
}

static bool any_set(const struct plan_image_bits *bits, size_t count, const uint8_t *image)
{
    for (size_t i = 0; i < count; i++) {
        if (image[bits[i].offset] & bits[i].mask)
            return true;
    }
    return false;
}

size_t datapoint_state_raised(const struct datapoint_plan *plan, const uint8_t *state, uint16_t *ids)
{
    size_t n = 0;

    if (!datapoint_state_faulty(plan, state) && !datapoint_state_alert(plan, state))
        return 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if ((p->face.access == POINT_FAULT || p->face.access == POINT_ALERT) &&
            plan_image_get(p, state + plan->known_size).x)
            ids[n++] = (uint16_t)i;
    }
    return n;
}

bool datapoint_state_faulty(const struct datapoint_plan *plan, const uint8_t *state)
{
    return any_set(plan->faults, plan->fault_count, state + plan->known_size);
}

bool datapoint_state_alert(const struct datapoint_plan *plan, const uint8_t *state)
{
    return any_set(plan->alerts, plan->alert_count, state + plan->known_size);
}
