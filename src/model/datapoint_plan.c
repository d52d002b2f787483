#include "model/datapoint_plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Far beyond any real value; so what is computed from them stays finite. */
#define RATIO_MAX    1e9
#define ADDITION_MAX 1e12
/* A double has 15 to 16 decimal digits. Within this bound each step of x shows as a different number, so a shown value
 * can be sent to a device again. */
#define RATIO_DIGITS 1e-14

enum mu_err plan_refuse(struct plan_compiler *c, const char *format, ...)
{
    int n;

    if (c->name)
        n = snprintf(c->why, c->why_size, "datapoint '%s' (id %lld): ", c->name, c->id);
    else if (c->id >= 0)
        n = snprintf(c->why, c->why_size, "datapoint at place %lld of attrs: ", c->id);
    else
        n = snprintf(c->why, c->why_size, "datapoint definition: ");
    if (n >= 0 && (size_t)n < c->why_size) {
        va_list args;
        va_start(args, format);
        vsnprintf(c->why + n, c->why_size - (size_t)n, format, args);
        va_end(args);
    }
    return MU_E_VALUE;
}

static enum mu_err copy_text(struct plan_compiler *c, const json_t *json, const char **out)
{
    *out = arena_strndup(&c->plan->memory, json_string_value(json), json_string_length(json));
    return *out ? MU_OK : MU_E_NOMEM;
}

/* The place of a word in a list of n, or -1. */
static int find_word(const json_t *json, const char *const *words, int n)
{
    const char *text = json_string_value(json);

    for (int i = 0; text && i < n; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    return -1;
}

static enum mu_err read_types(struct plan_compiler *c, const json_t *attr, struct datapoint *d)
{
    static const char *const accesses[] = { "status_writable", "status_readonly", "alert", "fault" };
    static const char *const types[] = { "bool", "enum", "uint8", "uint16", "uint32", "binary" };

    int access = find_word(json_object_get(attr, "type"), accesses, 4);
    if (access < 0)
        return plan_refuse(c, "type is none of status_writable, status_readonly, alert, fault");
    int type = find_word(json_object_get(attr, "data_type"), types, 6);
    if (type < 0)
        return plan_refuse(c, "data_type is none of bool, enum, uint8, uint16, uint32, binary");
    d->access = (enum point_access)access;
    d->type = (enum point_type)type;
    if (access >= POINT_ALERT && type != POINT_BOOL)
        return plan_refuse(c, "an alert or a fault has to be a bool");
    return MU_OK;
}

static bool read_int(const json_t *object, const char *key, int64_t low, int64_t high, int64_t *out)
{
    const json_t *json = json_object_get(object, key);
    double real = json_number_value(json);

    /* Numbers like 255.0 occur in the field. */
    if (!json_is_number(json) || real != trunc(real) || real < (double)low || real > (double)high)
        return false;
    *out = (int64_t)real;
    return true;
}

static enum mu_err read_position(struct plan_compiler *c, const json_t *attr, struct plan_point *p)
{
    static const uint32_t widths[] = {
        [POINT_BOOL] = 1,
        [POINT_UINT8] = 1,
        [POINT_UINT16] = 2,
        [POINT_UINT32] = 4,
    };
    const json_t *position = json_object_get(attr, "position");
    const char *unit = plan_point_is_bits(p) ? "bit" : "byte";
    int64_t byte_offset = 0, bit_offset = 0, len;

    if (!json_is_object(position))
        return plan_refuse(c, "it has no position");
    if (find_word(json_object_get(position, "unit"), &unit, 1) != 0)
        return plan_refuse(c, "the unit of its position is not '%s'", unit);
    int64_t most = p->face.type == POINT_ENUM ? ENUM_BITS_MAX : LIMIT_BINARY_POINT;
    if (!read_int(position, "len", 1, most, &len))
        return plan_refuse(c, "the len of its position is not from 1 to %lld", (long long)most);
    if (p->face.type != POINT_ENUM && p->face.type != POINT_BINARY && len != widths[p->face.type])
        return plan_refuse(c, "the len of its position is %lld, but its type takes %u %ss", (long long)len,
                           widths[p->face.type], unit);
    /* A variable-length definition has no positions; entries for them are ignored. */
    if (!c->plan->var_len) {
        if (!read_int(position, "byte_offset", 0, LIMIT_IMAGE - 1, &byte_offset))
            return plan_refuse(c, "its byte_offset is not from 0 to %d", LIMIT_IMAGE - 1);
        if (plan_point_is_bits(p) && !read_int(position, "bit_offset", 0, 8 * LIMIT_IMAGE - 1, &bit_offset))
            return plan_refuse(c, "its bit_offset is not from 0 to %d", 8 * LIMIT_IMAGE - 1);
    }
    p->face.size = (uint32_t)len;
    p->offset = (uint32_t)byte_offset;
    p->shift = (uint32_t)bit_offset;
    return MU_OK;
}

static enum mu_err read_enum(struct plan_compiler *c, const json_t *attr, struct datapoint *d)
{
    const json_t *list = json_object_get(attr, "enum");
    size_t n = json_array_size(list);
    enum mu_err err;

    if (n == 0)
        return plan_refuse(c, "an enum without values");
    if (n > 1u << d->size)
        return plan_refuse(c, "%zu values do not fit %u bits", n, d->size);
    const char **texts = arena_alloc(&c->plan->memory, n * sizeof(*texts));
    if (!texts)
        return MU_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_array_get(list, i);
        if (!json_is_string(text) || json_string_length(text) > LIMIT_NAME)
            return plan_refuse(c, "enum value %zu is not a text of up to %d bytes", i, LIMIT_NAME);
        if ((err = copy_text(c, text, &texts[i])) != MU_OK)
            return err;
    }
    d->enum_texts = texts;
    d->enum_count = (uint32_t)n;
    return MU_OK;
}

static enum mu_err read_spec(struct plan_compiler *c, const json_t *attr, struct plan_point *p)
{
    const json_t *spec = json_object_get(attr, "uint_spec");
    const json_t *ratio = json_object_get(spec, "ratio"), *addition = json_object_get(spec, "addition");
    struct datapoint *d = &p->face;
    int64_t width_max = (INT64_C(1) << 8 * d->size) - 1, min = 0, max = width_max;

    if (json_object_get(spec, "min") && !read_int(spec, "min", 0, width_max, &min))
        return plan_refuse(c, "min is not a whole number from 0 to %lld", (long long)width_max);
    if (json_object_get(spec, "max") && !read_int(spec, "max", 0, width_max, &max))
        return plan_refuse(c, "max is not a whole number from 0 to %lld", (long long)width_max);
    if (min > max)
        return plan_refuse(c, "min %lld is greater than max %lld", (long long)min, (long long)max);
    d->min = (uint32_t)min;
    d->max = (uint32_t)max;
    d->ratio = ratio ? json_number_value(ratio) : 1;
    d->addition = json_number_value(addition);
    if (!(d->ratio > 0 && d->ratio <= RATIO_MAX))
        return plan_refuse(c, "ratio is not a number over 0 and up to %g", RATIO_MAX);
    if ((addition && !json_is_number(addition)) || fabs(d->addition) > ADDITION_MAX)
        return plan_refuse(c, "addition is not a number from %g to %g", -ADDITION_MAX, ADDITION_MAX);
    if (d->ratio < RATIO_DIGITS * fabs(d->addition))
        return plan_refuse(c, "ratio %g is too small beside addition %g: its steps cannot be told apart", d->ratio,
                           d->addition);
    plan_number_prepare(p);
    return MU_OK;
}

static enum mu_err read_name(struct plan_compiler *c, const json_t *attr, size_t place, struct plan_point **out)
{
    struct datapoint_plan *plan = c->plan;
    const json_t *name = json_object_get(attr, "name"), *shown = json_object_get(attr, "display_name");
    int64_t id;
    enum mu_err err;

    c->name = NULL;
    c->id = (long long)place;
    if (json_string_length(name) == 0 || json_string_length(name) > LIMIT_NAME)
        return plan_refuse(c, "its name is not a text of 1 to %d bytes", LIMIT_NAME);
    if (!read_int(attr, "id", 0, (int64_t)plan->count - 1, &id))
        return plan_refuse(c, "the id of '%s' is not from 0 to %zu", json_string_value(name), plan->count - 1);
    c->name = json_string_value(name);
    c->id = id;
    struct plan_point *p = &plan->points[id];
    if (p->face.name)
        return plan_refuse(c, "datapoint '%s' has the same id", p->face.name);
    if (json_string_length(shown) > LIMIT_NAME)
        return plan_refuse(c, "its display_name is longer than %d bytes", LIMIT_NAME);
    if ((err = copy_text(c, name, &p->face.name)) != MU_OK)
        return err;
    p->face.display_name = "";
    if (json_is_string(shown) && (err = copy_text(c, shown, &p->face.display_name)) != MU_OK)
        return err;
    *out = p;
    return MU_OK;
}

static enum mu_err read_point(struct plan_compiler *c, const json_t *attr, size_t place)
{
    struct plan_point *p = NULL;
    enum mu_err err;

    if ((err = read_name(c, attr, place, &p)) != MU_OK || (err = read_types(c, attr, &p->face)) != MU_OK ||
        (err = read_position(c, attr, p)) != MU_OK)
        return err;
    if (p->face.type == POINT_ENUM)
        return read_enum(c, attr, &p->face);
    if (!plan_point_is_bits(p) && p->face.type != POINT_BINARY)
        return read_spec(c, attr, p);
    return MU_OK;
}

static int compare_names(const void *a, const void *b, void *points)
{
    const struct plan_point *p = points;
    return strcmp(p[*(const uint16_t *)a].face.name, p[*(const uint16_t *)b].face.name);
}

static enum mu_err index_names(struct plan_compiler *c)
{
    struct datapoint_plan *plan = c->plan;

    if (!(plan->by_name = arena_alloc(&plan->memory, plan->count * sizeof(*plan->by_name))))
        return MU_E_NOMEM;
    for (size_t i = 0; i < plan->count; i++)
        plan->by_name[i] = (uint16_t)i;
    qsort_r(plan->by_name, plan->count, sizeof(*plan->by_name), compare_names, plan->points);
    for (size_t i = 1; i < plan->count; i++) {
        c->name = plan->points[plan->by_name[i]].face.name;
        c->id = plan->by_name[i];
        if (compare_names(&plan->by_name[i - 1], &plan->by_name[i], plan->points) == 0)
            return plan_refuse(c, "the datapoint of id %u has the same name", plan->by_name[i - 1]);
    }
    return MU_OK;
}

static enum mu_err compile(struct plan_compiler *c, const json_t *definition)
{
    static const char *const kinds[] = { "standard", "var_len" };
    struct datapoint_plan *plan = c->plan;
    const json_t *kind = json_object_get(definition, "protocolType");
    const json_t *entity = json_array_get(json_object_get(definition, "entities"), 0);
    const json_t *attrs = json_object_get(entity, "attrs");
    enum mu_err err;

    int kind_index = kind ? find_word(kind, kinds, 2) : 0;
    if (kind_index < 0)
        return plan_refuse(c, "protocolType is neither 'standard' nor 'var_len'");
    plan->var_len = kind_index == 1;
    plan->count = json_array_size(attrs);
    if (plan->count == 0 || plan->count > LIMIT_POINTS)
        return plan_refuse(c, "entities[0].attrs is not a list of 1 to %d datapoints", LIMIT_POINTS);
    if (!(plan->points = arena_alloc(&plan->memory, plan->count * sizeof(*plan->points))))
        return MU_E_NOMEM;
    for (size_t i = 0; i < plan->count; i++) {
        if ((err = read_point(c, json_array_get(attrs, i), i)) != MU_OK)
            return err;
    }
    if ((err = index_names(c)) != MU_OK)
        return err;
    return plan_layout(c);
}

enum mu_err datapoint_plan_compile(const json_t *definition, struct datapoint_plan **out, char *why, size_t why_size)
{
    struct datapoint_plan *plan = calloc(1, sizeof(*plan));
    struct plan_compiler c = { .plan = plan, .why = why, .why_size = why_size, .id = -1 };

    if (!plan)
        return MU_E_NOMEM;
    /* The caller has limited the definition's text, and the plan's size follows from it. */
    arena_init(&plan->memory, SIZE_MAX);
    enum mu_err err = compile(&c, definition);
    if (err != MU_OK) {
        datapoint_plan_free(plan);
        return err;
    }
    *out = plan;
    return MU_OK;
}

void datapoint_plan_free(struct datapoint_plan *plan)
{
    if (!plan)
        return;
    arena_free(&plan->memory);
    free(plan);
}

size_t datapoint_count(const struct datapoint_plan *plan)
{
    return plan->count;
}

const struct datapoint *datapoint_at(const struct datapoint_plan *plan, size_t id)
{
    return &plan->points[id].face;
}

bool datapoint_is_var_len(const struct datapoint_plan *plan)
{
    return plan->var_len;
}

int datapoint_find(const struct datapoint_plan *plan, struct str name)
{
    size_t low = 0, high = plan->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int id = plan->by_name[middle];
        const char *other = plan->points[id].face.name;
        size_t len = strlen(other);
        int order = memcmp(other, name.at, len < name.len ? len : name.len);
        if (order == 0 && len == name.len)
            return id;
        if (order < 0 || (order == 0 && len < name.len))
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}
