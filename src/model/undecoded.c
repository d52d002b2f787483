#include "model/undecoded.h"

#include <stdio.h>

#include "model/datapoint_plan.h"
#include "model/frame.h"

/* Says why a message could not be decoded. */

const char *undecoded_text(enum undecoded cause)
{
    static const char *const texts[UNDECODED_COUNT] = {
        [UNDECODED_NOT] = "none",      [UNDECODED_FRAME] = "frame", [UNDECODED_ACTION] = "action",
        [UNDECODED_LENGTH] = "length", [UNDECODED_VALUE] = "value",
    };
    return texts[cause];
}

struct explanation {
    char *at;
    size_t size;
};

static enum undecoded value_of(const struct explanation *why, const struct datapoint *d, uint32_t x)
{
    snprintf(why->at, why->size, "'%s' is value number %u, the definition has %u, from 0 on", d->name, x,
             d->enum_count);
    return UNDECODED_VALUE;
}

static enum undecoded length_of(const struct explanation *why, size_t is, size_t wanted)
{
    snprintf(why->at, why->size, "%zu bytes, the definition wants %zu", is, wanted);
    return UNDECODED_LENGTH;
}

static enum undecoded fixed(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                            const struct explanation *why)
{
    if (len != 1 + plan->image_size)
        return length_of(why, len, 1 + plan->image_size);
    for (size_t i = 0; i < plan->bounded_count; i++) {
        const struct plan_point *p = &plan->points[plan->bounded[i]];
        uint32_t x = plan_image_get(p, p0 + 1).x;
        if (x >= p->face.enum_count)
            return value_of(why, &p->face, x);
    }
    return UNDECODED_NOT;
}

static enum undecoded variable(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                               const struct explanation *why)
{
    struct plan_var_walk walk;
    struct point_value value;
    size_t id, bits = 0, bytes = 0;

    if (len < 1 + plan->flags_size) {
        snprintf(why->at, why->size, "%zu bytes, the definition's flags alone take %zu", len, 1 + plan->flags_size);
        return UNDECODED_LENGTH;
    }
    if (plan_var_walk_begin(&walk, plan, p0 + 1, len - 1) != MU_OK) {
        for (size_t i = 0; i < plan->count; i++) {
            if (plan_section_read(p0 + 1, plan->flags_size, (uint32_t)i, 1))
                *(plan_point_is_bits(&plan->points[i]) ? &bits : &bytes) += plan->points[i].face.size;
        }
        return length_of(why, len, 1 + plan->flags_size + (bits + 7) / 8 + bytes);
    }
    while (plan_var_walk_next(&walk, &id, &value)) {
        const struct datapoint *d = &plan->points[id].face;
        if (d->type == POINT_ENUM && value.x >= d->enum_count)
            return value_of(why, d, value.x);
    }
    return UNDECODED_NOT;
}

static enum undecoded status(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                             const struct explanation *why)
{
    if (plan_status_action(plan, p0[0]))
        return plan->var_len ? variable(plan, p0, len, why) : fixed(plan, p0, len, why);
    snprintf(why->at, why->size, "action %02x, the definition wants %s", p0[0],
             plan->var_len ? "13 or 14" : "03 or 04");
    return UNDECODED_ACTION;
}

enum undecoded undecoded_why(const struct datapoint_plan *plan, const uint8_t *payload, size_t len, char *why,
                             size_t why_size)
{
    const struct explanation out = { why, why_size };
    struct frame f;

    why[0] = '\0';
    if (frame_parse(payload, len, &f) != MU_OK) {
        snprintf(why, why_size, "%zu bytes that are not a frame, or one of another length", len);
        return UNDECODED_FRAME;
    }
    if (f.cmd != FRAME_REPORT && f.cmd != FRAME_NUMBERED && f.cmd != FRAME_ACK) {
        snprintf(why, why_size, "command 0x%04x, which no device sends", f.cmd);
        return UNDECODED_FRAME;
    }
    if (!plan || f.p0_len == 0 || f.p0[0] == P0_PASS || f.p0[0] == P0_PASS_FROM)
        return UNDECODED_NOT;
    return status(plan, f.p0, f.p0_len, &out);
}
