#ifndef MUSTER_TRANSFER_VALUES_H
#define MUSTER_TRANSFER_VALUES_H

#include <jansson.h>

#include "base/buf.h"
#include "base/text.h"

/* The values that an entry gives for its fields. The entry is a JSON object of a file or a row of an import. Also the
 * form in which rows come to the registry; reading it costs a fraction of reading JSON. */

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_JSON };

struct value {
    const char *name;
    enum value_type type;
    bool truth;
    int64_t integer;
    double real;     /* set for an integer, too */
    struct str text; /* UTF-8, terminated, without NUL */
    json_t *json;    /* a counted reference. In a file: for every value; in a row: for a list or an object */
};

/* The holder owns it; { 0 } at first. Names and texts point into what they were read from. */
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

/* The value with that name; NULL: the entry does not give it. */
const struct value *values_find(const struct values *v, const char *name);

/* Replaces the values by the members of an object; none if `object` is not an object. MU_E_NOMEM. */
MU_MUST_USE enum mu_err values_of_json(struct values *v, const json_t *object);

/* --- rows: its line's number and its values -------------------------------------------------------*/

/* Begins a row and returns its place, for values_row_end. */
size_t values_row_begin(struct buf *out, size_t line);
/* Adds a value under the given name (not under value->name). A VALUE_JSON adds its `json`. */
void values_row_add(struct buf *out, struct str name, const struct value *value);
void values_row_end(struct buf *out, size_t begun);

/* Takes the first row off rows. `values` is replaced, as by values_of_json, and points into the row. MU_E_SYNTAX: it is
 * not a row; MU_E_NOMEM. */
MU_MUST_USE enum mu_err values_row_take(struct str *rows, size_t *line, struct values *values);

#endif
