#ifndef MUSTER_REGISTRY_VALUES_H
#define MUSTER_REGISTRY_VALUES_H

#include <jansson.h>

#include "base/buf.h"
#include "base/text.h"

/* What an entry gives for its fields, whether it is a JSON object of a file or a row of an import; and
 * the form in which rows come to the registry, which costs a fraction of what JSON costs to read. */

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_JSON };

struct value {
    const char *name;
    enum value_type type;
    bool truth;
    int64_t integer;
    double real;     /* of an integer, too */
    struct str text; /* UTF-8, terminated, without NUL */
    json_t *json;    /* a reference. In a file: of every value; in a row: of a list or an object */
};

/* Owned by who holds them, { 0 } at first. Names and texts belong to what they were read from. */
struct values {
    struct value *at;
    size_t count;
    uint32_t room;
};
void values_free(struct values *v);

/* Most names differ in their first letter. */
static inline bool value_named(const char *name, const char *other)
{
    return *name == *other && strcmp(name, other) == 0;
}

/* NULL: the entry does not give it. */
const struct value *values_find(const struct values *v, const char *name);

/* In the place of what was there: an object's members; of what is no object, none. MU_E_NOMEM. */
MU_MUST_USE enum mu_err values_of_json(struct values *v, const json_t *object);

/* --- rows: its line's number and its values ------------------------------------------------------ */

/* Where it begins, for values_row_end. */
size_t values_row_begin(struct buf *out, size_t line);
/* The name is the given one. Of VALUE_JSON, what json says. */
void values_row_add(struct buf *out, struct str name, const struct value *value);
void values_row_end(struct buf *out, size_t begun);

/* The first row, which is taken off; values is as after values_of_json and points into it.
 * MU_E_SYNTAX if it is none, MU_E_NOMEM. */
MU_MUST_USE enum mu_err values_row_take(struct str *rows, size_t *line, struct values *values);

#endif
