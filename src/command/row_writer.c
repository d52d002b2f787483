#include "command/row_writer.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/json_out.h"

/* Writes rows as CSV or NDJSON (row_writer.h). */

/* --- cells ----------------------------------------------------------------------------------------*/

/* A text that would otherwise be read as something else is put in quotes. */
static void put_text(FILE *file, struct str s)
{
    bool quoted = str_eq(s, ROW_CLEAR);

    for (size_t i = 0; i < s.len && !quoted; i++)
        quoted = memchr(",\"\r\n", s.at[i], 4) != NULL;
    if (!quoted) {
        fwrite(s.at, 1, s.len, file);
        return;
    }
    fputc('"', file);
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '"')
            fputc('"', file);
        fputc(s.at[i], file);
    }
    fputc('"', file);
}

static enum mu_err put_cell(struct row_writer *w, const json_t *value)
{
    struct json_out j = json_out_to(&w->cell);
    char *text;

    if (json_is_string(value)) {
        put_text(w->file, (struct str){ json_string_value(value), json_string_length(value) });
        return MU_OK;
    }
    buf_clear(&w->cell);
    if (json_is_boolean(value)) {
        json_bool(&j, json_is_true(value));
    } else if (json_is_integer(value)) {
        json_int(&j, json_integer_value(value));
    } else if (json_is_real(value)) {
        json_double(&j, json_real_value(value));
    } else {
        if (!(text = json_dumps(value, JSON_COMPACT)))
            return MU_E_NOMEM;
        json_raw(&j, str_of(text));
        free(text);
    }
    put_text(w->file, (struct str){ (const char *)w->cell.data, w->cell.len });
    return w->cell.err;
}

/* --- rows -----------------------------------------------------------------------------------------*/

void row_writer_init(struct row_writer *w, FILE *file, enum import_kind kind, enum row_format format)
{
    *w = (struct row_writer){ .file = file, .kind = kind, .format = format };
    buf_init(&w->cell, ROW_TEXT_MAX);
}

void row_writer_free(struct row_writer *w)
{
    buf_free(&w->cell);
}

static void put_header(struct row_writer *w)
{
    struct import_column column;

    assert(!w->begun);
    for (size_t i = 0; import_column(w->kind, i, &column); i++)
        fprintf(w->file, "%s%s", i ? "," : "", column.name);
    fputc('\n', w->file);
    w->begun = true;
}

static enum mu_err put_row(struct row_writer *w, struct str line)
{
    json_t *row = json_loadb(line.at, line.len, 0, NULL);
    struct import_column column;
    enum mu_err err = row ? MU_OK : MU_E_SYNTAX;

    for (size_t i = 0; err == MU_OK && import_column(w->kind, i, &column); i++) {
        const json_t *value = json_object_get(row, column.name);
        if (i)
            fputc(',', w->file);
        if (value)
            err = put_cell(w, value);
    }
    fputc('\n', w->file);
    json_decref(row);
    return err;
}

enum mu_err row_writer_add(struct row_writer *w, struct str rows)
{
    enum mu_err err = MU_OK;

    if (w->format == FORMAT_NDJSON) {
        fwrite(rows.at, 1, rows.len, w->file);
        return MU_OK;
    }
    if (!w->begun)
        put_header(w);
    for (const char *end; err == MU_OK && rows.len && (end = memchr(rows.at, '\n', rows.len));) {
        size_t len = (size_t)(end - rows.at);
        err = put_row(w, (struct str){ rows.at, len });
        rows.at += len + 1;
        rows.len -= len + 1;
    }
    return err;
}
