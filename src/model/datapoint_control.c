#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_in.h"
#include "model/datapoint_plan.h"

/* Builds the P0 of a control from the attributes of a call. */

#define ACTION_CONTROL     0x01
#define ACTION_VAR_CONTROL 0x11

/* A control while it is built. */
struct datapoint_control {
    const struct datapoint_plan *plan;
    enum binary_coding coding;
    char *why;
    size_t why_size;
    uint8_t flags[LIMIT_POINTS / 8];
    uint8_t image[LIMIT_IMAGE];
    uint8_t bytes[LIMIT_BINARY_POINT]; /* of the binary value that is being read */
};

static enum api_error refuse(struct datapoint_control *c, enum api_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum api_error refuse(struct datapoint_control *c, enum api_error error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->why, c->why_size, format, args);
    va_end(args);
    return error;
}

static enum api_error read_bool(struct datapoint_control *c, const struct datapoint *d, const json_t *json, uint32_t *x)
{
    int64_t number = 0;

    if (!json_is_boolean(json) && !(json_whole(json, &number) && (number == 0 || number == 1)))
        return refuse(c, API_ATTR_INVALID, "'%s' takes true, false, 1 or 0", d->name);
    *x = json_is_true(json) || number == 1;
    return API_OK;
}

static enum api_error read_enum(struct datapoint_control *c, const struct datapoint *d, const json_t *json, uint32_t *x)
{
    const char *text = json_string_value(json);
    int64_t index;

    if (json_whole(json, &index) && index >= 0 && index < d->enum_count) {
        *x = (uint32_t)index;
        return API_OK;
    }
    for (*x = 0; text && *x < d->enum_count; ++*x) {
        if (strcmp(text, d->enum_texts[*x]) == 0)
            return API_OK;
    }
    return refuse(c, API_ATTR_INVALID, "'%s' takes one of its texts or an index from 0 to %u", d->name,
                  d->enum_count - 1);
}

static enum api_error read_number(struct datapoint_control *c, const struct plan_point *p, const json_t *json,
                                  uint32_t *x)
{
    if (!json_is_number(json) || !plan_number_x(p, json_number_value(json), x))
        return refuse(c, API_ATTR_INVALID, "'%s' takes a number from %.15g to %.15g", p->face.name,
                      plan_number_shown(p, p->face.min), plan_number_shown(p, p->face.max));
    return API_OK;
}

/* Reads the bytes of a binary value into c->bytes. If they do not fit, *len says how many there are, and c->bytes is
 * unspecified. False if the value is not binary. */
static bool read_bytes(struct datapoint_control *c, const json_t *json, size_t *len)
{
    const char *text = json_string_value(json);
    size_t text_len = json_string_length(json);

    if (json_is_array(json)) {
        *len = json_array_size(json);
        for (size_t i = 0; i < *len; i++) {
            int64_t v;
            if (!json_whole(json_array_get(json, i), &v) || v < 0 || v > UINT8_MAX)
                return false;
            if (i < sizeof(c->bytes))
                c->bytes[i] = (uint8_t)v;
        }
        return true;
    }
    if (!text)
        return false;
    bool base64 = c->coding == CODING_BASE64;
    *len = base64 ? text_len / 4 * 3 : text_len / 2;
    if (*len > sizeof(c->bytes))
        return true;
    return (base64 ? base64_decode(text, text_len, c->bytes, len) : hex_decode(text, text_len, c->bytes)) == MU_OK;
}

static enum api_error read_binary(struct datapoint_control *c, const struct datapoint *d, const json_t *json)
{
    size_t len;

    if (!read_bytes(c, json, &len))
        return refuse(c, API_ATTR_INVALID, "'%s' takes %u bytes as %s text or as an array", d->name, d->size,
                      c->coding == CODING_BASE64 ? "base64" : "hex");
    if (len != d->size)
        return refuse(c, API_ATTR_INVALID, "'%s' takes exactly %u bytes, not %zu", d->name, d->size, len);
    return API_OK;
}

static enum api_error read_attr(struct datapoint_control *c, const char *name, const json_t *json)
{
    int id = datapoint_find(c->plan, str_of(name));
    struct point_value value = { .bytes = c->bytes };
    enum api_error error = API_OK;

    if (id < 0)
        return refuse(c, API_ATTR_UNKNOWN, "there is no datapoint '%s'", name);
    const struct plan_point *p = &c->plan->points[id];
    if (p->face.access != POINT_WRITABLE)
        return refuse(c, API_ATTR_INVALID, "'%s' is not writable", name);
    switch (p->face.type) {
    case POINT_BOOL: error = read_bool(c, &p->face, json, &value.x); break;
    case POINT_ENUM: error = read_enum(c, &p->face, json, &value.x); break;
    case POINT_UINT8:
    case POINT_UINT16:
    case POINT_UINT32: error = read_number(c, p, json, &value.x); break;
    case POINT_BINARY: error = read_binary(c, &p->face, json); break;
    }
    if (error != API_OK)
        return error;
    plan_image_put(p, c->image, value);
    plan_section_write(c->flags, c->plan->flags_size, (uint32_t)id, 1, 1);
    return API_OK;
}

enum api_error datapoint_control(const struct datapoint_plan *plan, const struct datapoint_asked *asked,
                                 struct buf *out, char *why, size_t why_size)
{
    struct datapoint_control c = { .plan = plan, .coding = asked->coding, .why = why, .why_size = why_size };
    const uint8_t *state = asked->state;
    void *object = (void *)(uintptr_t)asked->attrs; /* jansson iterates only over an object that it may change */

    if (json_object_size(object) == 0)
        return refuse(&c, API_FORM_INVALID, "attrs has to be an object with at least one datapoint");
    if (!plan->var_len && state && state[0])
        memcpy(c.image, state + plan->known_size, plan->image_size);
    else
        plan_image_fill(plan, c.image);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        enum api_error error = read_attr(&c, json_object_iter_key(at), json_object_iter_value(at));
        if (error != API_OK)
            return error;
    }
    if (plan->var_len) {
        buf_append_u8(out, ACTION_VAR_CONTROL);
        plan_var_append(plan, c.flags, c.image, out);
    } else {
        buf_append_u8(out, ACTION_CONTROL);
        buf_append(out, c.flags, plan->flags_size);
        buf_append(out, c.image, plan->control_size);
    }
    why[0] = '\0';
    return API_OK;
}

enum mu_err datapoint_read_control(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                                   struct point_value *values)
{
    if (len == 0 || p0[0] != (plan->var_len ? ACTION_VAR_CONTROL : ACTION_CONTROL))
        return MU_E_FRAME;
    if (plan->var_len)
        return plan_var_decode(plan, p0 + 1, len - 1, values);
    if (len != 1 + plan->flags_size + plan->control_size)
        return MU_E_FRAME;

    const uint8_t *flags = p0 + 1, *image = flags + plan->flags_size;
    memset(values, 0, plan->count * sizeof(*values));
    for (size_t i = 0; i < plan->flag_count; i++) {
        const struct datapoint *d = &plan->points[i].face;
        if (!plan_section_read(flags, plan->flags_size, (uint32_t)i, 1))
            continue;
        values[i] = plan_image_get(&plan->points[i], image);
        if (d->type == POINT_ENUM && values[i].x >= d->enum_count)
            return MU_E_VALUE;
    }
    return MU_OK;
}
