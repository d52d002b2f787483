#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "model/datapoint_plan.h"

/* Bits and bytes of an image: getting and putting the value of a point. */

uint32_t plan_section_read(const uint8_t *section, size_t size, uint32_t shift, uint32_t width)
{
    const uint8_t *at = section + size - 1 - shift / 8; /* holds the lowest bit */
    uint32_t low = shift % 8;
    uint64_t x = *at >> low;

    assert(shift + width <= 8 * size && width <= 32);
    for (uint32_t got = 8 - low; got < width; got += 8) {
        at--;
        x |= (uint64_t)at[0] << got;
    }
    return (uint32_t)(x & ((UINT64_C(1) << width) - 1));
}

void plan_section_write(uint8_t *section, size_t size, uint32_t shift, uint32_t width, uint32_t x)
{
    assert(shift + width <= 8 * size);
    for (uint32_t i = 0; i < width; i++, shift++) {
        uint8_t *at = section + size - 1 - shift / 8;
        uint8_t bit = (uint8_t)(1u << shift % 8);
        *at = (uint8_t)(x >> i & 1 ? *at | bit : *at & ~bit);
    }
}

static struct point_value bytes_get(const struct plan_point *p, const uint8_t *at)
{
    struct point_value v = { .set = true };

    if (p->face.type == POINT_BINARY) {
        v.bytes = at;
    } else {
        for (uint32_t i = 0; i < p->face.size; i++)
            v.x = v.x << 8 | at[i];
    }
    return v;
}

struct point_value plan_image_get(const struct plan_point *p, const uint8_t *image)
{
    const uint8_t *at = image + p->offset;

    if (!plan_point_is_bits(p))
        return bytes_get(p, at);
    return (struct point_value){ .set = true, .x = plan_section_read(at, p->section, p->shift, p->face.size) };
}

void plan_image_put(const struct plan_point *p, uint8_t *image, struct point_value value)
{
    uint8_t *at = image + p->offset;
    uint32_t size = p->face.size;

    if (plan_point_is_bits(p)) {
        plan_section_write(at, p->section, p->shift, size, value.x);
    } else if (p->face.type == POINT_BINARY) {
        if (value.bytes)
            memcpy(at, value.bytes, size);
        else
            memset(at, 0, size);
    } else {
        for (uint32_t i = 0; i < size; i++)
            at[i] = (uint8_t)(value.x >> 8 * (size - 1 - i));
    }
}

void plan_image_fill(const struct datapoint_plan *plan, uint8_t *image)
{
    memset(image, 0, plan->image_size);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if (p->face.min)
            plan_image_put(p, image, (struct point_value){ .x = p->face.min });
    }
}

enum mu_err plan_image_check(const struct datapoint_plan *plan, const uint8_t *image)
{
    for (size_t i = 0; i < plan->bounded_count; i++) {
        const struct plan_point *p = &plan->points[plan->bounded[i]];
        if (plan_image_get(p, image).x >= p->face.enum_count)
            return MU_E_VALUE;
    }
    return MU_OK;
}

static bool is_flagged(const struct datapoint_plan *plan, const uint8_t *flags, size_t id)
{
    return flags[plan->flags_size - 1 - id / 8] >> id % 8 & 1; /* as plan_section_read, without its loop */
}

enum mu_err plan_var_walk_begin(struct plan_var_walk *w, const struct datapoint_plan *plan, const uint8_t *body,
                                size_t len)
{
    struct bytes r = bytes_of(body, len);
    size_t bits = 0, bytes = 0;

    *w = (struct plan_var_walk){ .plan = plan, .flags = bytes_take(&r, plan->flags_size) };
    if (!w->flags)
        return MU_E_FRAME;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if (!is_flagged(plan, w->flags, i))
            continue;
        *(plan_point_is_bits(p) ? &bits : &bytes) += p->face.size;
        w->flagged++;
    }
    w->bits_size = (bits + 7) / 8;
    w->bits = bytes_take(&r, w->bits_size);
    w->bytes = bytes_take(&r, bytes);
    return r.bad || r.left ? MU_E_FRAME : MU_OK;
}

bool plan_var_walk_next(struct plan_var_walk *w, size_t *id, struct point_value *value)
{
    while (w->id < w->plan->count && !is_flagged(w->plan, w->flags, w->id))
        w->id++;
    if (w->id == w->plan->count)
        return false;

    const struct plan_point *p = &w->plan->points[w->id];
    if (plan_point_is_bits(p)) {
        uint32_t x = plan_section_read(w->bits, w->bits_size, w->shift, p->face.size);
        *value = (struct point_value){ .set = true, .x = x };
        w->shift += p->face.size;
    } else {
        *value = bytes_get(p, w->bytes);
        w->bytes += p->face.size;
    }
    *id = w->id++;
    return true;
}

void plan_var_append(const struct datapoint_plan *plan, const uint8_t *flags, const uint8_t *image, struct buf *out)
{
    uint8_t packed[LIMIT_POINTS * ENUM_BITS_MAX / 8] = { 0 };
    uint32_t bits = 0, shift = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if (plan_point_is_bits(p) && is_flagged(plan, flags, i))
            bits += p->face.size;
    }
    size_t bits_size = (bits + 7) / 8;
    assert(bits_size <= sizeof(packed));
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if (plan_point_is_bits(p) && is_flagged(plan, flags, i)) {
            plan_section_write(packed, bits_size, shift, p->face.size, plan_image_get(p, image).x);
            shift += p->face.size;
        }
    }
    buf_append(out, flags, plan->flags_size);
    buf_append(out, packed, bits_size);
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if (!plan_point_is_bits(p) && is_flagged(plan, flags, i))
            buf_append(out, image + p->offset, p->face.size);
    }
}
