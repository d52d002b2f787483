#include "model/datapoint_ui.h"

#include <math.h>
#include <stdio.h>

#include "base/limits.h"

/* The keys stand in the order of real definitions, so that people can compare the two. */

static json_t *number(double v)
{
    return v == trunc(v) && fabs(v) < 1e15 ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *items_of(const struct datapoint *d)
{
    json_t *items = json_array();

    for (uint32_t i = 0; items && i < d->enum_count; i++) {
        if (json_array_append_new(items, json_string(d->enum_texts[i])) != 0) {
            json_decref(items);
            return NULL;
        }
    }
    return items;
}

static json_t *element(const struct datapoint_plan *plan, size_t id)
{
    const struct datapoint *d = datapoint_at(plan, id);
    const char *title = *d->display_name ? d->display_name : d->name;
    const char *perm = d->access == POINT_WRITABLE ? "W" : "N";
    char key[sizeof("entity0.") + LIMIT_NAME];

    snprintf(key, sizeof(key), "entity0.%s", d->name);
    if (d->type == POINT_BOOL)
        return json_pack("{s:b, s:{s:s, s:[s], s:s}, s:s, s:s, s:s}", "boolValue", 0, "object", "action", "entity0",
                         "bind", key, "perm", perm, "type", "QBooleanElement", "key", key, "title", title);
    if (d->type == POINT_ENUM)
        return json_pack("{s:o, s:{s:s, s:[s], s:s}, s:s, s:s, s:s}", "items", items_of(d), "object", "action",
                         "entity0", "bind", key, "perm", perm, "type", "QRadioElement", "key", key, "title", title);
    if (d->type == POINT_BINARY)
        return json_pack("{s:s, s:s, s:{s:s, s:[s], s:s}, s:i, s:s, s:i, s:s}", "keyboardType", "NumbersAndPunctuation",
                         "title", title, "object", "action", "entity0", "bind", key, "perm", perm, "value", 0, "key",
                         key, "maxLength", (int)(2 * d->size), "type", "QMultilineElement");

    double min = datapoint_shown(plan, id, d->min), max = datapoint_shown(plan, id, d->max);
    if (d->access == POINT_WRITABLE)
        return json_pack("{s:s, s:s, s:{s:s, s:[s], s:{s:o, s:o, s:o}, s:s}, s:i, s:s, s:o, s:o, s:s}", "title", title,
                         "bind", "floatValue:float", "object", "action", "entity0", "bind", key, "uint_spec", "max",
                         number(max), "step", number(d->ratio), "min", number(min), "perm", perm, "value", 0, "key",
                         key, "maximumValue", number(max), "minimumValue", number(min), "type", "QFloatElement");
    return json_pack("{s:{s:s, s:[s], s:{s:o, s:o, s:o}, s:s}, s:s, s:s, s:s}", "object", "action", "entity0", "bind",
                     key, "uint_spec", "max", number(max), "step", number(d->ratio), "min", number(min), "perm", perm,
                     "type", "QLabelElement", "key", key, "title", title);
}

json_t *datapoint_ui(const struct datapoint_plan *plan)
{
    json_t *elements = json_array();

    for (size_t id = 0; elements && id < datapoint_count(plan); id++) {
        enum point_access access = datapoint_at(plan, id)->access;
        if (access != POINT_WRITABLE && access != POINT_READONLY)
            continue;
        if (json_array_append_new(elements, element(plan, id)) != 0) {
            json_decref(elements);
            return NULL;
        }
    }
    return json_pack("{s:{s:i, s:b}, s:[{s:o}]}", "object", "version", 4, "showEditButton", 0, "sections", "elements",
                     elements);
}
