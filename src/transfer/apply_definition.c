/* Checks a product's datapoint definition, and writes it in the one form that is stored. */
#include "transfer/apply_entry.h"

#include "base/json_out.h"
#include "model/datapoint.h"
#include "transfer/definition_text.h"

/* jansson's own writer would turn a ratio of 0.1 into 0.10000000000000001. */
static void write_value(struct json_out *out, const json_t *json)
{
    const char *key;
    json_t *value;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        json_object_begin(out);
        json_object_foreach((json_t *)json, key, value)
        {
            json_key(out, key);
            write_value(out, value);
        }
        json_object_end(out);
        break;
    case JSON_ARRAY:
        json_array_begin(out);
        json_array_foreach(json, i, value) write_value(out, value);
        json_array_end(out);
        break;
    case JSON_STRING: json_str(out, (struct str){ json_string_value(json), json_string_length(json) }); break;
    case JSON_INTEGER: json_int(out, json_integer_value(json)); break;
    case JSON_REAL: json_double(out, json_real_value(json)); break;
    case JSON_TRUE:
    case JSON_FALSE: json_bool(out, json_is_true(json)); break;
    case JSON_NULL: json_no_value(out); break;
    }
}

/* --- what a client may count on ------------------------------------------------------------------
 * The API's document shows these fields in every definition. The compiler needs only some of them. */
static bool complete(json_t *object, const char *key, bool is_there, json_t *value)
{
    if (!is_there)
        return json_object_set_new(object, key, value) == 0;
    json_decref(value);
    return true;
}

static bool complete_text(json_t *object, const char *key, const char *text)
{
    return complete(object, key, json_is_string(json_object_get(object, key)), json_string(text));
}

static bool complete_int(json_t *object, const char *key, json_int_t number)
{
    return complete(object, key, json_is_number(json_object_get(object, key)), json_integer(number));
}

static bool complete_spec(json_t *attr, const struct datapoint *point)
{
    const json_t *given = json_object_get(attr, "uint_spec");

    if (point->type != POINT_UINT8 && point->type != POINT_UINT16 && point->type != POINT_UINT32)
        return true;
    if (!complete(attr, "uint_spec", json_is_object(given), json_object()))
        return false;
    json_t *spec = json_object_get(attr, "uint_spec");
    return complete_int(spec, "min", point->min) && complete_int(spec, "max", point->max) &&
           complete_int(spec, "ratio", 1) && complete_int(spec, "addition", 0);
}

static bool complete_attr(json_t *attr, const struct datapoint_plan *plan)
{
    size_t id = (size_t)json_number_value(json_object_get(attr, "id"));
    json_t *position = json_object_get(attr, "position");

    return complete_text(attr, "display_name", json_string_value(json_object_get(attr, "name"))) &&
           complete_text(attr, "desc", "") && complete_int(position, "byte_offset", 0) &&
           complete_int(position, "bit_offset", 0) && complete_spec(attr, datapoint_at(plan, id));
}

/* The entities of a definition that has compiled, with all their fields; NULL: no memory. */
static json_t *completed_entities(const json_t *json, const struct datapoint_plan *plan,
                                  const struct product_row *product)
{
    json_t *entities = json_deep_copy(json_object_get(json, "entities"));
    json_t *entity = json_array_get(entities, 0), *attr;
    bool done = complete_int(entity, "id", 0) && complete_text(entity, "name", "entity0") &&
                complete_text(entity, "display_name", product->name);
    size_t i;

    json_array_foreach(json_object_get(entity, "attrs"), i, attr) done = done && complete_attr(attr, plan);
    if (done)
        return entities;
    json_decref(entities);
    return NULL;
}

static void write_definition(struct buf *text, const json_t *json, const json_t *entities,
                             const struct product_row *product)
{
    struct json_out out = json_out_to(text);
    const json_t *kind = json_object_get(json, "protocolType"), *ui = json_object_get(json, "ui");

    json_object_begin(&out);
    json_put_text(&out, "name", product->name);
    json_key(&out, "entities");
    write_value(&out, entities);
    json_put_text(&out, "protocolType", kind ? json_string_value(kind) : "standard");
    json_put_text(&out, "product_key", product->product_key);
    json_put_text(&out, "packetVersion", "0x00000004");
    if (json_is_object(ui)) {
        json_key(&out, "ui");
        write_value(&out, ui);
    }
    json_object_end(&out);
}

struct str definition_text_behind_name(struct str stored)
{
    static const char next[] = ",\"entities\":"; /* in a name each quote has a backslash before it */
    const char *at = memmem(stored.at, stored.len, next, sizeof(next) - 1);

    return at ? (struct str){ at, stored.len - (size_t)(at - stored.at) } : stored;
}

/* Checks everything that the compiler does not check. */
static void check_frame(const struct apply_entry *e, const json_t *json)
{
    static const char *const names[] = { "name", "entities", "protocolType", "product_key", "packetVersion", "ui" };
    const json_t *ui = json_object_get(json, "ui");
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)json, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            known |= strcmp(name, names[i]) == 0;
        if (!known)
            apply_mistake(e, "datapoint", "unknown field \"%s\"", name);
    }
    if (ui && !json_is_object(ui) && !json_is_null(ui))
        apply_mistake(e, "datapoint", "ui must be an object");
}

enum mu_err apply_definition(const struct apply_entry *e, const json_t *json, const struct product_row *product,
                             struct buf *out, bool *good)
{
    struct datapoint_plan *plan = NULL;
    json_t *entities = NULL;
    unsigned mistakes = e->apply->mistakes;
    char why[300] = "";
    enum mu_err err;

    buf_init(out, LIMIT_DEFINITION);
    *good = false;
    if (!json_is_object(json)) {
        apply_mistake(e, "datapoint", "must be an object");
        return MU_OK;
    }
    check_frame(e, json);
    err = datapoint_plan_compile(json, &plan, why, sizeof(why));
    if (err == MU_E_NOMEM)
        goto out;
    if (err != MU_OK)
        apply_mistake(e, "datapoint", "%s", why);
    err = MU_OK;
    if (e->apply->mistakes != mistakes || (err = apply_layout(e, product, plan)) != MU_OK)
        goto out;

    err = MU_E_NOMEM;
    if (!(entities = completed_entities(json, plan, product)))
        goto out;
    write_definition(out, json, entities, product);
    err = out->err;
    *good = err == MU_OK;
    if (err == MU_E_LIMIT) {
        apply_mistake(e, "datapoint", "is larger than %d bytes", LIMIT_DEFINITION);
        err = MU_OK;
    }
out:
    json_decref(entities);
    datapoint_plan_free(plan);
    return err;
}
