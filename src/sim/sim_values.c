#include "sim/sim_values.h"

#include <stdlib.h>
#include <string.h>

/* splitmix64: its steps are the reference's. */
static uint64_t next_random(struct sim_values *v)
{
    uint64_t z = v->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool one_in(struct sim_values *v, unsigned n)
{
    return next_random(v) % n == 0;
}

static uint32_t within(struct sim_values *v, uint32_t min, uint32_t max)
{
    return min + (uint32_t)(next_random(v) % ((uint64_t)max - min + 1));
}

enum mu_err sim_values_init(struct sim_values *v, const struct datapoint_plan *plan, uint64_t seed)
{
    size_t count = plan ? datapoint_count(plan) : 0, binary = 0;

    *v = (struct sim_values){ .plan = plan, .random = seed };
    for (size_t i = 0; i < count; i++)
        if (datapoint_at(plan, i)->type == POINT_BINARY)
            binary += datapoint_at(plan, i)->size;
    v->points = calloc(count + 1, sizeof(*v->points));
    v->binary = calloc(binary + 1, 1);
    if (!v->points || !v->binary) {
        sim_values_free(v);
        return MU_E_NOMEM;
    }
    uint8_t *at = v->binary;
    for (size_t i = 0; i < count; i++) {
        const struct datapoint *p = datapoint_at(plan, i);
        v->points[i].set = true;
        if (p->type == POINT_BINARY) {
            v->points[i].bytes = at;
            at += p->size;
        } else if (p->type == POINT_ENUM) {
            v->points[i].x = within(v, 0, p->enum_count - 1);
        } else if (p->type != POINT_BOOL) {
            v->points[i].x = within(v, p->min, p->max);
        }
    }
    return MU_OK;
}

void sim_values_free(struct sim_values *v)
{
    free(v->points);
    free(v->binary);
    *v = (struct sim_values){ 0 };
}

static void wander_number(struct sim_values *v, const struct datapoint *p, struct point_value *value)
{
    uint32_t range = p->max - p->min, step = range / 50 + 1;
    int64_t moved = (int64_t)value->x + (int64_t)within(v, 0, 2 * step) - step;

    value->x = moved < p->min ? p->min : moved > p->max ? p->max : (uint32_t)moved;
}

void sim_values_wander(struct sim_values *v)
{
    if (!v->plan) {
        next_random(v);
        return;
    }
    for (size_t i = 0; i < datapoint_count(v->plan); i++) {
        const struct datapoint *p = datapoint_at(v->plan, i);
        struct point_value *value = &v->points[i];

        if (p->access == POINT_ALERT || p->access == POINT_FAULT) {
            /* Raised seldom, mended ten times as fast: some percent of a fleet is in trouble. */
            if (value->x ? one_in(v, 20) : one_in(v, 200))
                value->x = !value->x;
        } else if (p->access == POINT_WRITABLE) {
            continue; /* only somebody's control changes these */
        } else if (p->type == POINT_BOOL) {
            value->x ^= one_in(v, 50);
        } else if (p->type == POINT_ENUM) {
            if (one_in(v, 50))
                value->x = within(v, 0, p->enum_count - 1);
        } else if (p->type != POINT_BINARY) {
            wander_number(v, p, value);
        }
    }
}

enum mu_err sim_values_control(struct sim_values *v, const uint8_t *p0, size_t len)
{
    if (!v->plan)
        return MU_OK;
    size_t count = datapoint_count(v->plan);
    struct point_value *asked = calloc(count, sizeof(*asked));
    enum mu_err err = asked ? datapoint_read_control(v->plan, p0, len, asked) : MU_E_NOMEM;

    for (size_t i = 0; err == MU_OK && i < count; i++) {
        if (!asked[i].set)
            continue;
        if (asked[i].bytes)
            memcpy((uint8_t *)v->points[i].bytes, asked[i].bytes, datapoint_at(v->plan, i)->size);
        else
            v->points[i].x = asked[i].x;
    }
    free(asked);
    return err;
}

void sim_values_write(const struct sim_values *v, bool answer, struct buf *out)
{
    if (!v->plan) {
        buf_append_u8(out, 0x06);
        buf_append_u64be(out, v->random);
        return;
    }
    uint8_t action = datapoint_is_var_len(v->plan) ? (answer ? 0x13 : 0x14) : (answer ? 0x03 : 0x04);
    datapoint_encode_status(v->plan, action, v->points, out);
}
