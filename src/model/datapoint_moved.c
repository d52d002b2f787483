#include "model/datapoint_moved.h"

#include <stdio.h>

#include "model/datapoint_plan.h"

/* Where a point stands in a report: in a fixed-length one its bits or bytes of the image, else its flag. */
struct stand {
    bool var_len, bits;
    uint32_t first; /* byte, or id */
    uint32_t shift; /* bits: of that byte, the lowest is 0 */
    uint32_t size;  /* bits or bytes */
};

static struct stand stand_of(const struct datapoint_plan *plan, size_t id)
{
    const struct plan_point *p = &plan->points[id];
    struct stand s = { .var_len = plan->var_len, .bits = plan_point_is_bits(p), .size = p->face.size };

    if (plan->var_len) {
        s.first = (uint32_t)id;
    } else if (s.bits) {
        /* A section is one number, so its lowest bits are in its last byte. */
        s.first = p->offset + p->section - 1 - p->shift / 8;
        s.shift = p->shift % 8;
    } else {
        s.first = p->offset;
    }
    return s;
}

static bool same_stand(struct stand a, struct stand b)
{
    return a.var_len == b.var_len && a.bits == b.bits && a.first == b.first && a.shift == b.shift && a.size == b.size;
}

static void write_stand(struct buf *out, struct stand s)
{
    if (s.var_len)
        buf_printf(out, "id %u of %u %s", s.first, s.size, s.bits ? "bits" : "bytes");
    else if (s.bits && s.size == 1)
        buf_printf(out, "byte %u, bit %u", s.first, s.shift);
    else if (s.bits)
        buf_printf(out, "byte %u, bits %u-%u", s.first, s.shift, s.shift + s.size - 1);
    else if (s.size == 1)
        buf_printf(out, "byte %u", s.first);
    else
        buf_printf(out, "bytes %u-%u", s.first, s.first + s.size - 1);
}

/* How many values a bool or an enum can have. */
static uint32_t values_of(const struct datapoint *d)
{
    return d->type == POINT_ENUM ? d->enum_count : 2;
}

struct moved_list {
    struct buf *out;
    size_t count, most;
};

/* Begins an entry. false: the list is full, and the entry is only counted. */
static bool begin(struct moved_list *l)
{
    if (l->count++ >= l->most)
        return false;
    if (l->count > 1)
        buf_append_str(l->out, "; ");
    return true;
}

static bool is_taken(const struct datapoint_plan *plan, struct stand s)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (same_stand(stand_of(plan, i), s))
            return true;
    }
    return false;
}

static void compare_point(struct moved_list *l, const struct datapoint_plan *before, size_t id,
                          const struct datapoint_plan *after)
{
    const struct datapoint *d = &before->points[id].face;
    struct stand was = stand_of(before, id);
    int now = datapoint_find(after, str_of(d->name));

    if (now < 0) {
        if (!is_taken(after, was) && begin(l)) {
            buf_printf(l->out, "'%s': gone, was ", d->name);
            write_stand(l->out, was);
        }
        return;
    }
    struct stand is = stand_of(after, (size_t)now);
    if (!same_stand(was, is)) {
        if (begin(l)) {
            buf_printf(l->out, "'%s': ", d->name);
            write_stand(l->out, is);
            buf_append_str(l->out, ", was ");
            write_stand(l->out, was);
        }
    } else if (was.bits && values_of(&after->points[now].face) < values_of(d) && begin(l)) {
        buf_printf(l->out, "'%s': %u values, had %u", d->name, values_of(&after->points[now].face), values_of(d));
    }
}

size_t datapoint_moved(const struct datapoint_plan *before, const struct datapoint_plan *after, size_t most,
                       struct buf *out)
{
    struct moved_list l = { .out = out, .most = most };

    if (before->var_len != after->var_len) {
        if (begin(&l))
            buf_printf(out, "reports have a %s length, had a %s one", after->var_len ? "variable" : "fixed",
                       before->var_len ? "variable" : "fixed");
        return l.count;
    }
    if (!before->var_len && before->image_size != after->image_size && begin(&l))
        buf_printf(out, "a report has %zu bytes, had %zu", 1 + after->image_size, 1 + before->image_size);
    if (before->var_len && before->flags_size != after->flags_size && begin(&l))
        buf_printf(out, "the flags of a report take %zu bytes, took %zu", after->flags_size, before->flags_size);
    for (size_t i = 0; i < before->count; i++)
        compare_point(&l, before, i, after);
    return l.count;
}
