/* The first row of a CSV file: the separator of cells, and the meaning of each column. */
#include "command/row_header.h"

#include <ctype.h>
#include <stdio.h>

static bool find_column(enum import_kind kind, struct str name, struct import_column *out)
{
    for (size_t i = 0; import_column(kind, i, out); i++) {
        if (str_eq(name, str_of(out->name)))
            return true;
    }
    return false;
}

/* The first of these characters in the first row is the separator: no column has one of them in its name. */
static char find_separator(struct str ahead)
{
    for (size_t i = 0; i < ahead.len; i++) {
        if (memchr(",;\t|", ahead.at[i], 4))
            return ahead.at[i];
        if (ahead.at[i] == '\n' && i && ahead.at[i - 1] != '\n' && ahead.at[i - 1] != '\r')
            break;
    }
    return ',';
}

/* Reads a line "sep=;", with which some spreadsheets begin a file. */
static enum row_found read_separator(struct row_reader *r, struct str ahead)
{
    struct row_source *s = &r->source;
    bool quoted = str_starts(ahead, STR("\"sep="));
    size_t at = quoted + strlen("sep=");

    s->separator = find_separator(ahead);
    if ((!quoted && !str_starts(ahead, STR("sep="))) || ahead.len <= at)
        return ROW_FOUND;
    s->separator = ahead.at[at];
    if (s->separator != '\t' && (!ispunct((unsigned char)s->separator) || s->separator == '"')) {
        snprintf(s->why, sizeof(s->why), "what follows sep= is not a separator");
        return ROW_BAD;
    }
    return row_source_line(s);
}

/* Explains why the whole line is read as one name. Commas need no explanation. */
static const char *separator_words(char separator, char words[50])
{
    if (separator == ',')
        return "";
    if (separator == '\t')
        return " (columns are separated by tabs here)";
    snprintf(words, 50, " (columns are separated by '%c' here)", separator);
    return words;
}

static enum row_found read_name(struct row_reader *r, size_t i)
{
    struct row_source *s = &r->source;
    struct str name = s->cells[i].text;
    char words[50];

    if (!str_utf8(name)) {
        row_header_note_foreign(r, name);
        snprintf(s->why, sizeof(s->why), "the name of column %zu is not UTF-8", i + 1);
    } else if (!name.len) {
        snprintf(s->why, sizeof(s->why), "column %zu has no name, and others follow it", i + 1);
    } else if (!find_column(r->kind, name, &r->columns[i])) {
        size_t shown = name.len < 60 ? name.len : 60;
        while (shown < name.len && (name.at[shown] & 0xc0) == 0x80)
            shown--;
        snprintf(s->why, sizeof(s->why), "%s have no column '%.*s%s'%s", import_kind_words[r->kind], (int)shown,
                 name.at, shown < name.len ? "..." : "", separator_words(s->separator, words));
    } else {
        size_t k = 0;
        while (r->columns[k].name != r->columns[i].name)
            k++;
        if (k == i)
            return ROW_FOUND;
        snprintf(s->why, sizeof(s->why), "the column '%s' is there twice", r->columns[i].name);
    }
    return ROW_BAD;
}

enum row_found row_header_read(struct row_reader *r, struct str ahead)
{
    struct row_source *s = &r->source;
    enum row_found found = read_separator(r, ahead);

    while (found == ROW_FOUND && (found = row_source_csv(s)) == ROW_FOUND && !s->filled)
        ;
    if (found == ROW_NONE) {
        snprintf(s->why, sizeof(s->why), "the file is empty; its first line names the columns");
        return ROW_BAD;
    }
    for (size_t i = 0; found == ROW_FOUND && i < s->filled && i < ROW_CELLS_MAX; i++)
        found = read_name(r, i);
    r->column_count = s->filled;
    return found;
}
