#ifndef MUSTER_TRANSFER_IMPORT_FIXTURE_H
#define MUSTER_TRANSFER_IMPORT_FIXTURE_H

/* What the tests of import share: rows from text. */

#include "transfer/apply_fixture.h"

#include "transfer/values.h"

/* Makes a row of each line: a number, and an object with ' instead of ". */
static inline void write_rows(struct buf *out, const char *text)
{
    char *json = strdup(text), *end;
    struct values values = { 0 };

    for (char *at = json; *at; at++)
        if (*at == '\'')
            *at = '"';
    for (char *at = json; *at; at = end + 1) {
        size_t line = strtoul(at, &at, 10), begun = values_row_begin(out, line);
        end = strchr(at, '\n');
        json_t *object = json_loadb(at, (size_t)(end - at), 0, NULL);
        assert_non_null(object);
        assert_int_equal(values_of_json(&values, object), MU_OK);
        for (size_t i = 0; i < values.count; i++)
            values_row_add(out, str_of(values.at[i].name), &values.at[i]);
        values_row_end(out, begun);
        json_decref(object);
    }
    values_free(&values);
    free(json);
}

#endif
