/* Values of entries, and their rows.
 *
 * A row: the length of the rest (4 bytes), the line (8), then the values. A value: its type, the length of its name,
 * the length of its content (4 bytes each), the name, NUL, the content, NUL. All numbers are in this machine's byte
 * order, since rows never leave the machine. */
#include "transfer/values.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/json_in.h"

static void clear(struct values *v)
{
    for (size_t i = 0; i < v->count; i++)
        json_decref(v->at[i].json);
    v->count = 0;
}

void values_free(struct values *v)
{
    clear(v);
    free(v->at);
    *v = (struct values){ 0 };
}

const struct value *values_find(const struct values *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++) {
        if (value_named(v->at[i].name, name))
            return &v->at[i];
    }
    return NULL;
}

static struct value *add(struct values *v, const char *name)
{
    if (!ARRAY_RESERVE(v->at, v->room, v->count + 1))
        return NULL;
    v->at[v->count] = (struct value){ .name = name };
    return &v->at[v->count++];
}

static void set_number(struct value *value, enum value_type type, int64_t integer, double real)
{
    value->type = type;
    value->integer = integer;
    value->real = real;
}

/* --- of JSON --------------------------------------------------------------------------------------*/

static void set_json(struct value *value, json_t *json)
{
    int64_t integer;

    value->json = json_incref(json);
    switch (json_typeof(json)) {
    case JSON_NULL: value->type = VALUE_NULL; break;
    case JSON_TRUE:
    case JSON_FALSE:
        value->type = VALUE_BOOL;
        value->truth = json_is_true(json);
        break;
    case JSON_INTEGER:
        set_number(value, VALUE_INTEGER, json_integer_value(json), (double)json_integer_value(json));
        break;
    case JSON_REAL:
        if (json_whole(json, &integer))
            set_number(value, VALUE_INTEGER, integer, json_real_value(json));
        else
            set_number(value, VALUE_REAL, 0, json_real_value(json));
        break;
    case JSON_STRING:
        value->type = VALUE_TEXT;
        value->text = (struct str){ json_string_value(json), json_string_length(json) };
        break;
    case JSON_ARRAY:
    case JSON_OBJECT: value->type = VALUE_JSON; break;
    }
}

enum mu_err values_of_json(struct values *v, const json_t *object)
{
    const char *name;
    json_t *json;

    clear(v);
    json_object_foreach((json_t *)object, name, json)
    {
        struct value *value = add(v, name);
        if (!value)
            return MU_E_NOMEM;
        set_json(value, json);
    }
    return MU_OK;
}

/* --- rows -----------------------------------------------------------------------------------------*/

struct head {
    uint32_t type, name_len, len;
};

size_t values_row_begin(struct buf *out, size_t line)
{
    size_t begun = out->len;
    uint32_t len = 0;
    uint64_t number = line;

    buf_append(out, &len, sizeof(len));
    buf_append(out, &number, sizeof(number));
    return begun;
}

void values_row_end(struct buf *out, size_t begun)
{
    uint32_t len = (uint32_t)(out->len - begun - sizeof(len));

    assert(out->err != MU_OK || out->len >= begun + sizeof(len) + sizeof(uint64_t));
    if (out->err == MU_OK)
        memcpy(out->data + begun, &len, sizeof(len));
}

static void append(struct buf *out, enum value_type type, struct str name, const void *content, size_t len)
{
    struct head head = { type, (uint32_t)name.len, (uint32_t)len };
    size_t all = sizeof(head) + name.len + 1 + len + 1;
    uint8_t *at = buf_reserve(out, all);

    if (!at)
        return;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    memcpy(at, name.at, name.len);
    at[name.len] = '\0';
    at += name.len + 1;
    if (len)
        memcpy(at, content, len);
    at[len] = '\0';
    out->len += all;
}

void values_row_add(struct buf *out, struct str name, const struct value *value)
{
    char *json;

    switch (value->type) {
    case VALUE_NULL: append(out, VALUE_NULL, name, NULL, 0); break;
    case VALUE_BOOL: append(out, VALUE_BOOL, name, &value->truth, sizeof(value->truth)); break;
    case VALUE_INTEGER: append(out, VALUE_INTEGER, name, &value->integer, sizeof(value->integer)); break;
    case VALUE_REAL: append(out, VALUE_REAL, name, &value->real, sizeof(value->real)); break;
    case VALUE_TEXT: append(out, VALUE_TEXT, name, value->text.at, value->text.len); break;
    case VALUE_JSON:
        assert(value->json);
        json = json_dumps(value->json, JSON_COMPACT);
        if (json)
            append(out, VALUE_JSON, name, json, strlen(json));
        else
            out->err = MU_E_NOMEM;
        free(json);
        break;
    }
}

static bool set_content(struct value *value, enum value_type type, const char *at, size_t len)
{
    value->type = type;
    switch (type) {
    case VALUE_NULL: return len == 0;
    case VALUE_BOOL: value->truth = *at != 0; return len == sizeof(value->truth);
    case VALUE_INTEGER:
        if (len == sizeof(value->integer))
            memcpy(&value->integer, at, len);
        value->real = (double)value->integer;
        return len == sizeof(value->integer);
    case VALUE_REAL:
        if (len == sizeof(value->real))
            memcpy(&value->real, at, len);
        return len == sizeof(value->real);
    case VALUE_TEXT: value->text = (struct str){ at, len }; return true;
    case VALUE_JSON: value->json = json_loadb(at, len, 0, NULL); return value->json != NULL;
    }
    return false;
}

/* Takes the first n bytes off; NULL: there are fewer. */
static const char *take(struct str *s, size_t n)
{
    const char *at = s->at;

    if (n > s->len)
        return NULL;
    s->at += n;
    s->len -= n;
    return at;
}

/* Takes len bytes and a NUL off; NULL: they are not there. */
static const char *take_terminated(struct str *s, uint32_t len)
{
    const char *at = take(s, (size_t)len + 1);

    return at && at[len] == '\0' ? at : NULL;
}

static enum mu_err take_value(struct str *row, struct values *values)
{
    struct head head;
    const char *at = take(row, sizeof(head)), *name;
    struct value *value;

    if (!at)
        return MU_E_SYNTAX;
    memcpy(&head, at, sizeof(head));
    if (!(name = take_terminated(row, head.name_len)) || !(at = take_terminated(row, head.len)))
        return MU_E_SYNTAX;
    if (!(value = add(values, name)))
        return MU_E_NOMEM;
    return set_content(value, (enum value_type)head.type, at, head.len) ? MU_OK : MU_E_SYNTAX;
}

enum mu_err values_row_take(struct str *rows, size_t *line, struct values *values)
{
    uint32_t len;
    uint64_t number;
    const char *at = take(rows, sizeof(len));
    enum mu_err err = MU_OK;
    struct str row;

    clear(values);
    if (!at)
        return MU_E_SYNTAX;
    memcpy(&len, at, sizeof(len));
    if (!(row.at = take(rows, len)))
        return MU_E_SYNTAX;
    row.len = len;
    if (!(at = take(&row, sizeof(number))))
        return MU_E_SYNTAX;
    memcpy(&number, at, sizeof(number));
    *line = (size_t)number;
    while (row.len && err == MU_OK)
        err = take_value(&row, values);
    return err;
}
