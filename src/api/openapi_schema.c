#include "api/openapi.h"

#include <inttypes.h>

/* Writes JSON schemas and examples from declarations: of a parameter, of a body, of an answer. */

/* --- parameters ------------------------------------------------------------------------------- */
static void write_choices(struct json_out *j, const struct param *p)
{
    json_put_text(j, "type", "string");
    json_put_array(j, "enum");
    for (size_t i = 0; p->choices[i]; i++)
        json_text(j, p->choices[i]);
    json_array_end(j);
    if (p->fallback >= 0)
        json_put_text(j, "default", p->choices[p->fallback]);
}

/* Writes the members of a value's schema, without the braces. */
static void write_schema_members(struct json_out *j, const struct param *p)
{
    switch (p->type) {
    case PARAM_INT:
        json_put_text(j, "type", "integer");
        json_put_int(j, "minimum", p->min);
        if (p->max != INT64_MAX)
            json_put_int(j, "maximum", p->max);
        if (p->fallback >= p->min)
            json_put_int(j, "default", p->fallback);
        break;
    case PARAM_FLAG:
        if (p->in == IN_BODY) {
            json_put_text(j, "type", "boolean");
            break;
        }
        json_put_text(j, "type", "integer");
        json_put_raw(j, "enum", STR("[0,1]"));
        break;
    case PARAM_CHOICE: write_choices(j, p); break;
    case PARAM_JSON:
        json_put_array(j, "allOf");
        json_raw(j, str_of(p->schema));
        json_array_end(j);
        break;
    default: json_put_text(j, "type", "string"); break;
    }
}

static void write_example(struct json_out *j, const struct param *p)
{
    if (p->type == PARAM_INT || p->type == PARAM_FLAG || p->type == PARAM_JSON)
        json_raw(j, str_of(p->example));
    else
        json_text(j, p->example);
}

void openapi_write_params(struct json_out *j, const struct api_route *route, enum lang lang)
{
    static const char *const places[] = { [IN_PATH] = "path", [IN_QUERY] = "query", [IN_HEADER] = "header" };

    json_put_array(j, "parameters");
    for (size_t i = 0; i < route->param_count; i++) {
        const struct param *p = &route->params[i];
        if (p->in == IN_BODY)
            continue;
        json_object_begin(j);
        json_put_text(j, "name", p->name);
        json_put_text(j, "in", places[p->in]);
        json_put_text(j, "description", openapi_words(&p->text, lang));
        json_put_bool(j, "required", p->required);
        json_put_object(j, "schema");
        write_schema_members(j, p);
        json_object_end(j);
        json_key(j, "example");
        write_example(j, p);
        json_object_end(j);
    }
    json_array_end(j);
}

/* --- the body --------------------------------------------------------------------------------- */
static void write_body_properties(struct json_out *j, const struct api_route *route, enum lang lang)
{
    json_put_object(j, "properties");
    for (size_t i = 0; i < route->param_count; i++) {
        const struct param *p = &route->params[i];
        if (p->in != IN_BODY)
            continue;
        json_put_object(j, p->name);
        json_put_text(j, "description", openapi_words(&p->text, lang));
        write_schema_members(j, p);
        json_put_array(j, "examples");
        write_example(j, p);
        json_array_end(j);
        json_object_end(j);
    }
    json_object_end(j);
    json_put_array(j, "required");
    for (size_t i = 0; i < route->param_count; i++) {
        if (route->params[i].in == IN_BODY && route->params[i].required)
            json_text(j, route->params[i].name);
    }
    json_array_end(j);
}

void openapi_write_body(struct json_out *j, const struct api_route *route, enum lang lang)
{
    json_put_object(j, "requestBody");
    json_put_raw(j, "required", str_of(route->body_optional ? "false" : "true"));
    json_put_object(j, "content");
    json_put_object(j, "application/json");
    json_put_object(j, "schema");
    json_put_text(j, "type", "object");
    write_body_properties(j, route, lang);
    json_object_end(j);
    json_put_raw(j, "example", str_of(route->body_example));
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

/* --- the answer ------------------------------------------------------------------------------- */
static const char *const type_names[] = {
    [FIELD_TEXT] = "string",   [FIELD_INT] = "integer", [FIELD_NUMBER] = "number", [FIELD_BOOL] = "boolean",
    [FIELD_OBJECT] = "object", [FIELD_ARRAY] = "array", [FIELD_TEXTS] = "array",
};

static void write_object_members(struct json_out *j, const struct field *fields, enum lang lang);

static void write_field(struct json_out *j, const struct field *f, enum lang lang)
{
    json_object_begin(j);
    json_key(j, "type");
    if (f->may & MAY_BE_NULL) {
        json_array_begin(j);
        json_text(j, type_names[f->type]);
        json_text(j, "null");
        json_array_end(j);
    } else {
        json_text(j, type_names[f->type]);
    }
    json_put_text(j, "description", openapi_words(&f->text, lang));
    if (f->type == FIELD_ARRAY) {
        json_put_object(j, "items");
        json_put_text(j, "type", "object");
        write_object_members(j, f->fields, lang);
        json_object_end(j);
    } else if (f->type == FIELD_TEXTS) {
        json_put_raw(j, "items", STR("{\"type\":\"string\"}"));
    } else if (f->fields) {
        write_object_members(j, f->fields, lang);
    }
    json_object_end(j);
}

static void write_object_members(struct json_out *j, const struct field *fields, enum lang lang)
{
    json_put_object(j, "properties");
    for (const struct field *f = fields; f->name; f++) {
        json_key(j, f->name);
        write_field(j, f, lang);
    }
    json_object_end(j);
    json_put_array(j, "required");
    for (const struct field *f = fields; f->name; f++) {
        if (!(f->may & MAY_BE_ABSENT))
            json_text(j, f->name);
    }
    json_array_end(j);
}

static void write_object_schema(struct json_out *j, const struct field *fields, enum lang lang)
{
    json_object_begin(j);
    json_put_text(j, "type", "object");
    if (fields)
        write_object_members(j, fields, lang);
    else
        json_put_int(j, "maxProperties", 0);
    json_object_end(j);
}

void openapi_write_answer_schema(struct json_out *j, const struct api_route *route, enum lang lang)
{
    if (route->answer_schema) {
        json_raw(j, str_of(route->answer_schema));
        return;
    }
    if (!route->paged) {
        write_object_schema(j, route->fields, lang);
        return;
    }
    json_object_begin(j);
    json_put_text(j, "type", "object");
    json_put_raw(j, "required", STR("[\"meta\",\"objects\"]"));
    json_put_object(j, "properties");
    json_put_raw(j, "meta", STR("{\"$ref\":\"#/components/schemas/Meta\"}"));
    json_put_object(j, "objects");
    json_put_text(j, "type", "array");
    json_key(j, "items");
    write_object_schema(j, route->fields, lang);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void write_object_example(struct json_out *j, const struct field *fields)
{
    json_object_begin(j);
    for (const struct field *f = fields; f && f->name; f++) {
        if (!f->example && !f->fields)
            continue; /* not in every answer, and not in the example */
        json_key(j, f->name);
        if (f->example) {
            json_raw(j, str_of(f->example));
        } else if (f->type == FIELD_ARRAY) {
            json_array_begin(j);
            write_object_example(j, f->fields);
            json_array_end(j);
        } else {
            write_object_example(j, f->fields);
        }
    }
    json_object_end(j);
}

void openapi_write_answer_example(struct json_out *j, const struct api_route *route)
{
    if (route->answer_example) {
        json_raw(j, str_of(route->answer_example));
        return;
    }
    if (!route->paged) {
        write_object_example(j, route->fields);
        return;
    }
    json_object_begin(j);
    json_put_raw(j, "meta", STR("{\"previous\":null,\"skip\":0,\"total\":1,\"limit\":20,\"next\":null}"));
    json_put_array(j, "objects");
    write_object_example(j, route->fields);
    json_array_end(j);
    json_object_end(j);
}
