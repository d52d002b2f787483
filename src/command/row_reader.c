#include "command/row_reader.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"

bool row_format_find(const char *word, const char *file, enum row_format *out)
{
    const char *end = word ? word : strrchr(file, '.');

    if (!end)
        return false;
    end += *end == '.';
    *out = strcmp(end, "csv") == 0 ? FORMAT_CSV : FORMAT_NDJSON;
    return *out == FORMAT_CSV || strcmp(end, "ndjson") == 0;
}

/* --- the header of a CSV file ---------------------------------------------------------------------*/

static bool find_column(enum import_kind kind, struct str name, struct import_column *out)
{
    for (size_t i = 0; import_column(kind, i, out); i++) {
        if (str_eq(name, str_of(out->name)))
            return true;
    }
    return false;
}

static enum row_found read_header(struct row_reader *r)
{
    struct row_source *s = &r->source;
    enum row_found found = row_source_csv(s);

    if (found == ROW_NONE) {
        snprintf(s->why, sizeof(s->why), "the file is empty; its first line names the columns");
        return ROW_BAD;
    }
    if (found == ROW_BAD && strstr(s->why, "NUL"))
        snprintf(s->why, sizeof(s->why), "the file is no UTF-8 text (UTF-16?)");
    if (found != ROW_FOUND)
        return found;
    for (size_t i = 0; i < s->cell_count && i < ROW_CELLS_MAX; i++) {
        struct str name = s->cells[i].text;
        if (!str_utf8(name) || !find_column(r->kind, name, &r->columns[i])) {
            snprintf(s->why, sizeof(s->why), "%s have no column '%.*s'", import_kind_words[r->kind],
                     str_utf8(name) && name.len < 60 ? (int)name.len : 0, name.at);
            return ROW_BAD;
        }
        for (size_t k = 0; k < i; k++) {
            if (r->columns[k].name == r->columns[i].name) {
                snprintf(s->why, sizeof(s->why), "the column '%s' is there twice", r->columns[i].name);
                return ROW_BAD;
            }
        }
    }
    r->column_count = s->cell_count;
    return ROW_FOUND;
}

enum row_found row_reader_open(struct row_reader *r, int fd, enum import_kind kind,
                               enum row_format format)
{
    r->kind = kind;
    r->format = format;
    row_source_init(&r->source, fd);
    return format == FORMAT_CSV ? read_header(r) : ROW_FOUND;
}

void row_reader_close(struct row_reader *r)
{
    row_source_free(&r->source);
}

/* --- cells ----------------------------------------------------------------------------------------*/

static size_t digits(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && s.at[at + n] >= '0' && s.at[at + n] <= '9')
        n++;
    return n;
}

/* As JSON writes them. */
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

/* On one line, whatever it was; false: it is no JSON. */
static bool write_json(struct json_out *j, struct str text)
{
    json_t *json = json_loadb(text.at, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    char *line = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    json_decref(json);
    if (line)
        json_raw(j, str_of(line));
    free(line);
    return line != NULL;
}

/* What is not written as the column wants it goes on as the text it is, and is refused as such. */
static void write_cell(struct json_out *j, enum import_cell form, const struct row_cell *cell)
{
    struct str text = cell->text;

    switch (form) {
    case CELL_BOOL:
        if (str_eq_nocase(text, STR("true")) || str_eq(text, STR("1")))
            return json_bool(j, true);
        if (str_eq_nocase(text, STR("false")) || str_eq(text, STR("0")))
            return json_bool(j, false);
        break;
    case CELL_NUMBER:
        if (is_number(text))
            return json_raw(j, text);
        break;
    case CELL_JSON:
        if (write_json(j, text))
            return;
        break;
    case CELL_TEXT:
        break;
    }
    json_str(j, text);
}

/* An empty cell is a field that is absent. */
static enum row_found write_cells(struct row_reader *r, struct buf *out)
{
    struct row_source *s = &r->source;
    struct json_out j = json_out_to(out);

    if (s->cell_count != r->column_count) {
        snprintf(s->why, sizeof(s->why), "has %zu columns, the first line has %zu", s->cell_count,
                 r->column_count);
        return ROW_BAD;
    }
    json_object_begin(&j);
    for (size_t i = 0; i < r->column_count; i++) {
        const struct row_cell *cell = &s->cells[i];
        if (!cell->text.len)
            continue;
        if (!str_utf8(cell->text)) {
            snprintf(s->why, sizeof(s->why), "%s: is not UTF-8", r->columns[i].name);
            return ROW_BAD;
        }
        json_key(&j, r->columns[i].name);
        if (!cell->quoted && str_eq(cell->text, ROW_CLEAR))
            json_no_value(&j);
        else
            write_cell(&j, r->columns[i].cell, cell);
    }
    json_object_end(&j);
    return ROW_FOUND;
}

enum row_found row_reader_next(struct row_reader *r, struct buf *out)
{
    struct row_source *s = &r->source;
    enum row_found found = r->format == FORMAT_CSV ? row_source_csv(s) : row_source_line(s);
    size_t before = out->len;

    if (found != ROW_FOUND)
        return found;
    buf_printf(out, "%zu ", s->line);
    if (r->format == FORMAT_CSV)
        found = write_cells(r, out);
    else
        buf_append(out, s->text.data, s->text.len);
    buf_append_u8(out, '\n');
    if (found != ROW_FOUND)
        out->len = before;
    return found;
}
