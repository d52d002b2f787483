#include "model/datapoint_plan.h"

/* Places the points of a definition in the image, and refuses those that overlap or lie outside. */

static const char *const access_names[] = {
    [POINT_WRITABLE] = "writable",
    [POINT_READONLY] = "read-only",
    [POINT_ALERT] = "alert",
    [POINT_FAULT] = "fault",
};

static void work_on(struct plan_compiler *c, size_t id)
{
    c->name = c->plan->points[id].face.name;
    c->id = (long long)id;
}

/* One of the four groups of a fixed-length image, or the whole of a variable-length one. */
struct area {
    size_t first, end; /* ids */
    uint32_t start;    /* byte of the image */
    uint32_t section;  /* bytes of its bit section, which stands first */
    uint32_t size;
};

static enum mu_err measure(struct plan_compiler *c, struct area *a)
{
    uint32_t bits = 0, bytes = 0;

    for (size_t i = a->first; i < a->end; i++) {
        const struct plan_point *p = &c->plan->points[i];
        *(plan_point_is_bits(p) ? &bits : &bytes) += p->face.size;
        if (a->start + (bits + 7) / 8 + bytes > LIMIT_IMAGE) {
            work_on(c, i);
            return plan_refuse(c, "with it the datapoints take more than %d bytes", LIMIT_IMAGE);
        }
    }
    a->section = (bits + 7) / 8;
    a->size = a->section + bytes;
    return MU_OK;
}

/* Whether two points of one area share a bit or a byte. */
static bool overlap(const struct plan_point *a, const struct plan_point *b)
{
    if (plan_point_is_bits(a) != plan_point_is_bits(b))
        return false;
    uint32_t a_start = plan_point_is_bits(a) ? a->shift : a->offset;
    uint32_t b_start = plan_point_is_bits(b) ? b->shift : b->offset;
    return a_start < b_start + b->face.size && b_start < a_start + a->face.size;
}

static enum mu_err check_position(struct plan_compiler *c, const struct area *a, size_t id)
{
    struct plan_point *p = &c->plan->points[id];
    uint32_t bytes_start = a->start + a->section, area_end = a->start + a->size;

    work_on(c, id);
    if (plan_point_is_bits(p)) {
        if (p->offset != a->start)
            return plan_refuse(c, "byte_offset is %u, but the %s bits start at byte %u", p->offset,
                               access_names[p->face.access], a->start);
        if (p->shift + p->face.size > 8 * a->section)
            return plan_refuse(c, "bits %u to %u do not fit the %u bytes of the %s bits", p->shift,
                               p->shift + p->face.size - 1, a->section, access_names[p->face.access]);
    } else if (p->offset < bytes_start || p->offset + p->face.size > area_end) {
        return plan_refuse(c, "bytes %u to %u are not within bytes %u to %u, which its group has", p->offset,
                           p->offset + p->face.size - 1, bytes_start, area_end - 1);
    }
    for (size_t i = a->first; i < id; i++) {
        const struct plan_point *other = &c->plan->points[i];
        if (overlap(p, other))
            return plan_refuse(c, "it overlaps datapoint '%s' (id %zu)", other->face.name, i);
    }
    p->section = a->section;
    return MU_OK;
}

static enum mu_err layout_fixed(struct plan_compiler *c)
{
    struct datapoint_plan *plan = c->plan;
    struct area a = { 0 };
    enum mu_err err;

    for (size_t i = 1; i < plan->count; i++) {
        enum point_access before = plan->points[i - 1].face.access, here = plan->points[i].face.access;
        work_on(c, i);
        if (here < before)
            return plan_refuse(c, "a %s point comes after a %s one", access_names[here], access_names[before]);
    }
    for (int access = POINT_WRITABLE; access <= POINT_FAULT; access++) {
        a = (struct area){ .first = a.end, .end = a.end, .start = a.start + a.size };
        while (a.end < plan->count && (int)plan->points[a.end].face.access == access)
            a.end++;
        if ((err = measure(c, &a)) != MU_OK)
            return err;
        for (size_t i = a.first; i < a.end; i++) {
            if ((err = check_position(c, &a, i)) != MU_OK)
                return err;
        }
        if (access == POINT_WRITABLE) {
            plan->flag_count = a.end;
            plan->control_size = a.size;
        }
    }
    plan->image_size = a.start + a.size;
    plan->known_size = 1;
    return MU_OK;
}

static enum mu_err layout_var_len(struct plan_compiler *c)
{
    struct datapoint_plan *plan = c->plan;
    struct area a = { .end = plan->count };
    uint32_t shift = 0;
    enum mu_err err = measure(c, &a);

    if (err != MU_OK)
        return err;
    uint32_t offset = a.section;
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_point *p = &plan->points[i];
        if (plan_point_is_bits(p)) {
            p->offset = 0;
            p->section = a.section;
            p->shift = shift;
            shift += p->face.size;
        } else {
            p->offset = offset;
            offset += p->face.size;
        }
    }
    plan->flag_count = plan->count;
    plan->image_size = a.size;
    plan->known_size = (plan->count + 7) / 8;
    return MU_OK;
}

/* The bytes of the image that hold points of one access, with the mask of these points. */
static enum mu_err collect_bits(struct datapoint_plan *plan, enum point_access access, struct plan_image_bits **out,
                                size_t *count)
{
    struct plan_image_bits *bits = arena_alloc(&plan->memory, plan->count * sizeof(*bits));
    size_t n = 0;

    if (!bits)
        return MU_E_NOMEM;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_point *p = &plan->points[i];
        if (p->face.access != access)
            continue;
        uint32_t offset = p->offset + p->section - 1 - p->shift / 8;
        size_t at = 0;
        while (at < n && bits[at].offset != offset)
            at++;
        if (at == n)
            bits[n++].offset = offset;
        bits[at].mask |= (uint8_t)(1u << p->shift % 8);
    }
    *out = bits;
    *count = n;
    return MU_OK;
}

enum mu_err plan_layout(struct plan_compiler *c)
{
    struct datapoint_plan *plan = c->plan;
    enum mu_err err = plan->var_len ? layout_var_len(c) : layout_fixed(c);

    if (err != MU_OK)
        return err;
    plan->flags_size = (plan->flag_count + 7) / 8;
    if (!(plan->bounded = arena_alloc(&plan->memory, plan->count * sizeof(*plan->bounded))))
        return MU_E_NOMEM;
    for (size_t i = 0; i < plan->count; i++) {
        const struct datapoint *d = &plan->points[i].face;
        if (d->type == POINT_ENUM && d->enum_count < 1u << d->size)
            plan->bounded[plan->bounded_count++] = (uint16_t)i;
    }
    if ((err = collect_bits(plan, POINT_FAULT, &plan->faults, &plan->fault_count)) != MU_OK)
        return err;
    return collect_bits(plan, POINT_ALERT, &plan->alerts, &plan->alert_count);
}
