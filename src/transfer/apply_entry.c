/* What every kind of entry needs: reporting mistakes, reading fields by a table, keys and secrets. */
#include "transfer/apply_entry.h"

#include <assert.h>

/* --- mistakes and secrets -------------------------------------------------------------------------*/

void apply_mistake(const struct apply_entry *e, const char *field, const char *format, ...)
{
    struct apply *a = e->apply;
    size_t start = a->report->len;
    va_list args;

    assert(a->rows || e->list);
    if (a->mistakes++ >= APPLY_MISTAKES_MAX && !a->rows)
        return;
    if (a->rows)
        buf_printf(a->report, "line %zu: %s%s", e->index, field, *field ? ": " : "");
    else
        buf_printf(a->report, "%s[%zu]%s%s: ", e->list, e->index, *field ? "." : "", field);
    va_start(args, format);
    buf_vprintf(a->report, format, args);
    va_end(args);
    buf_make_plain(a->report, start);
    buf_append_u8(a->report, '\n');
}

void apply_generated(const struct apply_entry *e, const char *what, const char *key, const char *field,
                     const char *value)
{
    struct json_out *j = &e->apply->generated_json;

    if (!e->apply->json) {
        buf_printf(&e->apply->generated, "%s %s: generated %s %s\n", what, key, field, value);
        return;
    }
    json_object_begin(j);
    json_put_text(j, "kind", what);
    json_put_text(j, "id", key);
    json_put_text(j, "field", field);
    json_put_text(j, "value", value);
    json_object_end(j);
}

/* --- fields ---------------------------------------------------------------------------------------*/

static void set_text(const struct apply_entry *e, const struct apply_field *f, const struct value *v, char *out)
{
    const char *spoilt;

    if (v->type != VALUE_TEXT) {
        apply_mistake(e, f->name, "must be a text");
        return;
    }
    if (f->type == APPLY_CODE && (spoilt = id_spoilt(v->text)) != NULL) {
        apply_mistake(e, f->name, "%s", spoilt);
        return;
    }
    assert(f->size > 1);
    /* The rest of the array is cleared too, since rows are compared as bytes. */
    memset(out, 0, f->size);
    if (!str_copy(out, f->size, v->text))
        apply_mistake(e, f->name, "must not be longer than %zu bytes", f->size - 1);
}

static void set_count(const struct apply_entry *e, const struct apply_field *f, const struct value *v, void *out)
{
    if (v->type == VALUE_INTEGER && v->integer >= 0 && v->integer <= UINT32_MAX)
        memcpy(out, &(uint32_t){ (uint32_t)v->integer }, sizeof(uint32_t));
    else
        apply_mistake(e, f->name, "must be an integer from 0 to %u", UINT32_MAX);
}

static void set_time(const struct apply_entry *e, const struct apply_field *f, const struct value *v, void *out)
{
    /* In the year 2106. A later time was given in milliseconds. */
    static const int64_t latest = UINT32_MAX;

    const char *spoilt = v->type == VALUE_REAL                                 ? "; a spreadsheet may have rounded it"
                         : v->type == VALUE_TEXT && strpbrk(v->text.at, "/-:") ? ", not a date"
                                                                               : "";

    if (v->type == VALUE_INTEGER && v->integer >= 0 && v->integer <= latest)
        memcpy(out, &v->integer, sizeof(v->integer));
    else
        apply_mistake(e, f->name, "must be a time in Unix seconds%s", spoilt);
}

static void set_word(const struct apply_entry *e, const struct apply_field *f, const struct value *v, void *out)
{
    char all[200] = "";
    size_t len = 0;

    for (unsigned i = 0; f->words[i]; i++) {
        if (v->type == VALUE_TEXT && strcmp(v->text.at, f->words[i]) == 0) {
            memcpy(out, &i, sizeof(i));
            return;
        }
        assert(len < sizeof(all));
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s\"%s\"", i ? ", " : "", f->words[i]);
    }
    apply_mistake(e, f->name, "must be one of %s", all);
}

static void set_field(const struct apply_entry *e, const struct apply_field *f, const struct value *v, void *out,
                      const void *cleared)
{
    if (v->type == VALUE_NULL && f->type != APPLY_TIME) {
        memcpy(out, cleared, f->size);
        return;
    }
    switch (f->type) {
    case APPLY_OWN: break;
    case APPLY_TEXT:
    case APPLY_CODE: set_text(e, f, v, out); break;
    case APPLY_BOOL:
        if (v->type == VALUE_BOOL)
            *(bool *)out = v->truth;
        else
            apply_mistake(e, f->name, "must be true or false");
        break;
    case APPLY_COUNT: set_count(e, f, v, out); break;
    case APPLY_TIME: set_time(e, f, v, out); break;
    case APPLY_WORD: set_word(e, f, v, out); break;
    }
}

/* Whether it is a field that is read into `told`. */
static bool is_told(const struct apply_entry *e, const char *name)
{
    for (size_t i = 0; e->apply->told && i < apply_told_fields.count; i++) {
        if (value_named(apply_told_fields.at[i].name, name))
            return true;
    }
    return false;
}

void apply_fields(const struct apply_entry *e, const struct apply_field *fields, size_t count, void *row,
                  const void *defaults)
{
    const struct values *values = &e->apply->values;

    for (size_t i = 0; i < values->count; i++) {
        const struct value *v = &values->at[i];
        const struct apply_field *f = fields;
        while (f < fields + count && !value_named(f->name, v->name))
            f++;
        if (f == fields + count && !is_told(e, v->name))
            apply_mistake(e, v->name, "unknown field");
        else if (f < fields + count && f->type != APPLY_OWN)
            set_field(e, f, v, (char *)row + f->offset, (const char *)defaults + f->offset);
    }
}

/* --- what is given --------------------------------------------------------------------------------*/

const struct value *apply_value(const struct apply_entry *e, const char *field)
{
    return values_find(&e->apply->values, field);
}

bool apply_is_null(const struct apply_entry *e, const char *field)
{
    const struct value *v = apply_value(e, field);
    return v && v->type == VALUE_NULL;
}

bool apply_is_true(const struct apply_entry *e, const char *field)
{
    const struct value *v = apply_value(e, field);
    return v && v->type == VALUE_BOOL && v->truth;
}

const json_t *apply_given_json(const struct apply_entry *e, const char *field)
{
    const struct value *v = apply_value(e, field);
    return v ? v->json : NULL;
}

/* --- keys and secrets -----------------------------------------------------------------------------*/

void apply_field(const struct apply_entry *e, const struct apply_field *field, void *row, const void *defaults)
{
    const struct value *v = apply_value(e, field->name);

    if (v)
        set_field(e, field, v, (char *)row + field->offset, (const char *)defaults + field->offset);
}

enum mu_err apply_product_named(const struct apply_entry *e, enum given *given)
{
    struct apply *a = e->apply;
    const struct value *key = apply_value(e, "product_key");
    struct group_row root;
    enum mu_err err;

    *given = GIVEN_WELL;
    if (key && key->type == VALUE_TEXT && a->product.no && strcmp(key->text.at, a->product.product_key) == 0)
        return MU_OK;
    a->product.no = 0;
    err = apply_reference(e, "product_key", "product", tx_product_by_key, given, &a->product);
    if (err != MU_OK || *given != GIVEN_WELL)
        return err;
    err = tx_root_group(a->tx, a->product.no, &root);
    a->has_groups = err != MU_E_NOT_FOUND;
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum given apply_bool(const struct apply_entry *e, const char *field, bool *out)
{
    const struct value *v = apply_value(e, field);

    if (!v)
        return GIVEN_NOT;
    if (v->type != VALUE_BOOL) {
        apply_mistake(e, field, "must be true or false");
        return GIVEN_WRONG;
    }
    *out = v->truth;
    return GIVEN_WELL;
}

enum given apply_text(const struct apply_entry *e, const char *field, bool (*valid)(struct str), const char *form,
                      char *out, size_t size)
{
    const struct value *v = apply_value(e, field);
    const char *spoilt = v && v->type == VALUE_TEXT ? id_spoilt(v->text) : NULL;

    if (!v)
        return GIVEN_NOT;
    if (spoilt) {
        apply_mistake(e, field, "%s", spoilt);
        return GIVEN_WRONG;
    }
    if (v->type != VALUE_TEXT || !valid(v->text)) {
        apply_mistake(e, field, "must be %s", form);
        return GIVEN_WRONG;
    }
    memset(out, 0, size);
    if (!str_copy(out, size, v->text)) {
        apply_mistake(e, field, "must not be longer than %zu bytes", size - 1);
        return GIVEN_WRONG;
    }
    return GIVEN_WELL;
}

enum given apply_id(const struct apply_entry *e, const char *field, char out[ID_HEX_LEN + 1])
{
    return apply_text(e, field, id_is_hex, "32 lower-case hex digits", out, ID_HEX_LEN + 1);
}

void apply_new_id(const struct apply_entry *e, const char *what, const char *field, char id[ID_HEX_LEN + 1])
{
    if (e->apply->rows) {
        apply_mistake(e, field, "missing");
        return;
    }
    id_new_hex(id);
    apply_generated(e, what, id, field, id);
}
