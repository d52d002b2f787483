/* A product's datapoint definition: checked, and brought into the one form that is stored. */
#include "registry/apply_entry.h"

#include "base/json_out.h"
#include "model/datapoint.h"

/* The largest definition seen is 66 KiB; 512 points with long enums come to about 200. */
#define DEFINITION_MAX (1024 * 1024)

/* Not jansson's own writer: that one turns a ratio of 0.1 into 0.10000000000000001. */
static void write_value(struct json_out *out, const json_t *json)
{
    const char *key;
    json_t *value;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        json_object_begin(out);
        json_object_foreach((json_t *)json, key, value) {
            json_key(out, key);
            write_value(out, value);
        }
        json_object_end(out);
        break;
    case JSON_ARRAY:
        json_array_begin(out);
        json_array_foreach(json, i, value)
            write_value(out, value);
        json_array_end(out);
        break;
    case JSON_STRING:
        json_str(out, (struct str){ json_string_value(json), json_string_length(json) });
        break;
    case JSON_INTEGER:
        json_int(out, json_integer_value(json));
        break;
    case JSON_REAL:
        json_double(out, json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_bool(out, json_is_true(json));
        break;
    case JSON_NULL:
        json_no_value(out);
        break;
    }
}

static void write_definition(struct buf *text, const json_t *json, const struct product_row *product)
{
    struct json_out out = json_out_to(text);
    const json_t *kind = json_object_get(json, "protocolType"), *ui = json_object_get(json, "ui");

    json_object_begin(&out);
    json_key(&out, "name");
    json_text(&out, product->name);
    json_key(&out, "entities");
    write_value(&out, json_object_get(json, "entities"));
    json_key(&out, "protocolType");
    json_text(&out, kind ? json_string_value(kind) : "standard");
    json_key(&out, "product_key");
    json_text(&out, product->product_key);
    json_key(&out, "packetVersion");
    json_text(&out, "0x00000004");
    if (json_is_object(ui)) {
        json_key(&out, "ui");
        write_value(&out, ui);
    }
    json_object_end(&out);
}

/* Everything that the compiler does not look at. */
static void check_frame(const struct entry *e, const json_t *json)
{
    static const char *const names[] = { "name", "entities", "protocolType", "product_key",
                                         "packetVersion", "ui" };
    const json_t *ui = json_object_get(json, "ui");
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)json, name, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            known |= strcmp(name, names[i]) == 0;
        if (!known)
            apply_mistake(e, "datapoint", "unknown field \"%s\"", name);
    }
    if (ui && !json_is_object(ui) && !json_is_null(ui))
        apply_mistake(e, "datapoint", "ui must be an object");
}

enum mu_err apply_definition(const struct entry *e, const json_t *json,
                             const struct product_row *product, struct buf *out, bool *good)
{
    struct datapoint_plan *plan = NULL;
    unsigned mistakes = e->apply->mistakes;
    char why[300] = "";
    enum mu_err err;

    buf_init(out, DEFINITION_MAX);
    *good = false;
    if (!json_is_object(json)) {
        apply_mistake(e, "datapoint", "must be an object");
        return MU_OK;
    }
    check_frame(e, json);
    err = datapoint_plan_compile(json, &plan, why, sizeof(why));
    datapoint_plan_free(plan);
    if (err == MU_E_NOMEM)
        return err;
    if (err != MU_OK)
        apply_mistake(e, "datapoint", "%s", why);
    if (e->apply->mistakes != mistakes)
        return MU_OK;

    write_definition(out, json, product);
    if (out->err == MU_E_LIMIT)
        apply_mistake(e, "datapoint", "is larger than %d bytes", DEFINITION_MAX);
    else if (out->err != MU_OK)
        return out->err;
    *good = out->err == MU_OK;
    return MU_OK;
}
