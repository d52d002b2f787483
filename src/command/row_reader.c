#include "command/row_header.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "base/json_in.h"

/* Reads rows of CSV or NDJSON files into the form that an import takes (row_reader.h). */

#define FOREIGN_MAX 4096 /* enough to tell encodings apart */

bool row_reader_format(const char *word, const char *file, enum row_format *out)
{
    const char *end = word ? word : strrchr(file, '.');

    if (!end)
        return false;
    struct str kind = str_of(end + (*end == '.'));
    *out = str_eq_nocase(kind, STR("csv")) ? FORMAT_CSV : FORMAT_NDJSON;
    return *out == FORMAT_CSV || str_eq_nocase(kind, STR("ndjson")) || str_eq_nocase(kind, STR("jsonl"));
}

/* --- encodings ------------------------------------------------------------------------------------*/

void row_header_note_foreign(struct row_reader *r, struct str text)
{
    size_t room = FOREIGN_MAX - r->foreign.len;

    assert(r->foreign.len <= FOREIGN_MAX);
    buf_append(&r->foreign, text.at, text.len < room ? text.len : room);
}

const char *row_reader_encoding(const struct row_reader *r)
{
    return encoding_guess((struct str){ (const char *)r->foreign.data, r->foreign.len });
}

enum row_found row_reader_open(struct row_reader *r, int fd, enum import_kind kind, enum row_format format)
{
    struct row_source *s = &r->source;
    struct str ahead;

    r->kind = kind;
    r->format = format;
    r->values = (struct values){ 0 };
    buf_init(&r->foreign, FOREIGN_MAX);
    row_source_init(s, fd);
    if (row_source_begin(s, &ahead) == ROW_UNREADABLE)
        return ROW_UNREADABLE;
    const char *wide = encoding_guess_wide(ahead);
    if (wide) {
        row_header_note_foreign(r, ahead);
        snprintf(s->why, sizeof(s->why), "the file is %s, not UTF-8", wide);
        return ROW_BAD;
    }
    return format == FORMAT_CSV ? row_header_read(r, ahead) : ROW_FOUND;
}

void row_reader_close(struct row_reader *r)
{
    row_source_free(&r->source);
    values_free(&r->values);
    buf_free(&r->foreign);
}

/* --- cells ----------------------------------------------------------------------------------------*/

static size_t digits(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && s.at[at + n] >= '0' && s.at[at + n] <= '9')
        n++;
    return n;
}

/* Whether it is a number as JSON writes one. */
static bool is_number(struct str s)
{
    size_t at = s.len && s.at[0] == '-', n = digits(s, at);

    if (n == 0 || (n > 1 && s.at[at] == '0'))
        return false;
    at += n;
    if (at < s.len && s.at[at] == '.') {
        if ((n = digits(s, ++at)) == 0)
            return false;
        at += n;
    }
    if (at < s.len && (s.at[at] == 'e' || s.at[at] == 'E')) {
        at++;
        at += at < s.len && (s.at[at] == '-' || s.at[at] == '+');
        if ((n = digits(s, at)) == 0)
            return false;
        at += n;
    }
    return at == s.len;
}

static bool read_number(struct str text, struct value *out)
{
    char number[400]; /* longer than any double needs */

    if (str_int64(text, &out->integer) && is_number(text)) {
        out->type = VALUE_INTEGER;
        return true;
    }
    if (!is_number(text) || !str_copy(number, sizeof(number), text))
        return false;
    out->type = VALUE_REAL;
    out->real = strtod(number, NULL);
    return isfinite(out->real);
}

static bool read_bool(struct str text, struct value *out)
{
    out->type = VALUE_BOOL;
    out->truth = str_eq_nocase(text, STR("true")) || str_eq(text, STR("1"));
    return out->truth || str_eq_nocase(text, STR("false")) || str_eq(text, STR("0"));
}

static bool read_json(struct str text, struct value *out)
{
    out->type = VALUE_JSON;
    out->json = json_read(text, JSON_REJECT_DUPLICATES, NULL);
    return out->json != NULL;
}

/* A cell that does not have the column's type is passed on as text, and refused by the import. */
static void add_cell(struct buf *out, const struct import_column *column, const struct row_cell *cell)
{
    struct value value = { 0 };
    bool good = false;

    if (!cell->quoted && str_eq(cell->text, ROW_CLEAR))
        good = true; /* VALUE_NULL */
    else if (column->cell == CELL_BOOL)
        good = read_bool(cell->text, &value);
    else if (column->cell == CELL_NUMBER)
        good = read_number(cell->text, &value);
    else if (column->cell == CELL_JSON)
        good = read_json(cell->text, &value);
    if (!good)
        value = (struct value){ .type = VALUE_TEXT, .text = cell->text };
    values_row_add(out, str_of(column->name), &value);
    json_decref(value.json);
}

/* An empty cell means that the field is absent. */
static enum row_found add_cells(struct row_reader *r, struct buf *out)
{
    struct row_source *s = &r->source;

    if (s->cell_count < r->column_count || s->filled > r->column_count) {
        snprintf(s->why, sizeof(s->why), "has %zu columns, the first line has %zu",
                 s->filled > r->column_count ? s->filled : s->cell_count, r->column_count);
        return ROW_BAD;
    }
    assert(r->column_count <= ROW_CELLS_MAX);
    for (size_t i = 0; i < r->column_count; i++) {
        const struct row_cell *cell = &s->cells[i];
        if (!cell->text.len)
            continue;
        if (!str_utf8(cell->text)) {
            row_header_note_foreign(r, cell->text);
            snprintf(s->why, sizeof(s->why), "%s: is not UTF-8", r->columns[i].name);
            return ROW_BAD;
        }
        add_cell(out, &r->columns[i], cell);
    }
    return ROW_FOUND;
}

/* The text is made plain, since jansson's messages quote the file. */
static void tell_no_json(struct row_source *s, const json_error_t *error)
{
    struct buf why;

    buf_init(&why, sizeof(s->why) - 1);
    buf_printf(&why, "not JSON: %s", error->text);
    buf_make_plain(&why, 0);
    snprintf(s->why, sizeof(s->why), "%.*s", (int)why.len, (const char *)why.data);
    buf_free(&why);
}

static enum row_found add_object(struct row_reader *r, struct buf *out)
{
    struct row_source *s = &r->source;
    json_error_t error;
    json_t *json = json_read((struct str){ (const char *)s->text.data, s->text.len }, JSON_REJECT_DUPLICATES, &error);
    bool is_object = json_is_object(json);

    if (!json && !str_utf8((struct str){ (const char *)s->text.data, s->text.len })) {
        row_header_note_foreign(r, (struct str){ (const char *)s->text.data, s->text.len });
        snprintf(s->why, sizeof(s->why), "is not UTF-8");
    } else if (!json)
        tell_no_json(s, &error);
    else if (!is_object)
        snprintf(s->why, sizeof(s->why), "must be an object");
    if (values_of_json(&r->values, json) != MU_OK)
        out->err = MU_E_NOMEM;
    for (size_t i = 0; i < r->values.count; i++)
        values_row_add(out, str_of(r->values.at[i].name), &r->values.at[i]);
    json_decref(json);
    return is_object ? ROW_FOUND : ROW_BAD;
}

static enum row_found next_row(struct row_reader *r)
{
    struct row_source *s = &r->source;
    enum row_found found;

    if (r->format != FORMAT_CSV)
        return row_source_line(s);
    while ((found = row_source_csv(s)) == ROW_FOUND && !s->filled)
        ;
    return found;
}

enum row_found row_reader_next(struct row_reader *r, struct buf *out)
{
    struct row_source *s = &r->source;
    enum row_found found = next_row(r);

    if (found != ROW_FOUND)
        return found;
    size_t begun = values_row_begin(out, s->line);
    found = r->format == FORMAT_CSV ? add_cells(r, out) : add_object(r, out);
    if (found == ROW_FOUND)
        values_row_end(out, begun);
    else
        out->len = begun;
    return found;
}
