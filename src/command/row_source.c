#include "command/row_source.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Reads lines and CSV rows from a file, byte by byte, with the memory of one row (row_source.h). */

void row_source_init(struct row_source *s, int fd)
{
    s->fd = fd;
    s->separator = ',';
    s->taken = 0;
    s->line = s->next_line = 1;
    s->at = s->len = 0;
    buf_init(&s->text, ROW_TEXT_MAX);
}

void row_source_free(struct row_source *s)
{
    buf_free(&s->text);
}

/* --- bytes ----------------------------------------------------------------------------------------*/

enum { END = -1, FAILED = -2 };

static int fill(struct row_source *s)
{
    ssize_t n = read(s->fd, s->data, sizeof(s->data));

    assert(s->at == s->len);
    if (n < 0) {
        snprintf(s->why, sizeof(s->why), "cannot read on: %s", strerror(errno));
        return FAILED;
    }
    s->at = 0;
    s->len = (size_t)n;
    return n ? 0 : END;
}

/* Returns the next byte, END or FAILED, and moves on. */
static int next(struct row_source *s)
{
    int failed;

    if (s->at == s->len && (failed = fill(s)) != 0)
        return failed;
    s->taken++;
    int c = s->data[s->at++];
    s->next_line += c == '\n';
    return c;
}

/* Returns the next byte, END or FAILED, without moving on. */
static int peek(struct row_source *s)
{
    int failed;

    if (s->at == s->len && (failed = fill(s)) != 0)
        return failed;
    return s->data[s->at];
}

static void keep(struct row_source *s, int c)
{
    buf_append_u8(&s->text, (uint8_t)c);
}

static enum row_found bad(struct row_source *s, const char *why)
{
    snprintf(s->why, sizeof(s->why), "%s", why);
    return ROW_BAD;
}

static enum row_found skip_line(struct row_source *s, int c)
{
    while (c != '\n' && c >= 0)
        c = next(s);
    return c == FAILED ? ROW_UNREADABLE : ROW_BAD;
}

/* --- the beginning --------------------------------------------------------------------------------*/

/* The length up to the end of the first line that is not blank; 0: it is not complete yet. */
static size_t first_line(struct str s)
{
    size_t at = s.len - str_skip_mark(s).len;
    const char *end;

    while (at < s.len && (s.at[at] == '\r' || s.at[at] == '\n'))
        at++;
    end = at < s.len ? memchr(s.at + at, '\n', s.len - at) : NULL;
    return end ? (size_t)(end + 1 - s.at) : 0;
}

enum row_found row_source_begin(struct row_source *s, struct str *ahead)
{
    struct str all = { (const char *)s->data, s->len };
    ssize_t n = 1;

    while (n && s->len < sizeof(s->data) && !first_line(all)) {
        n = read(s->fd, s->data + s->len, sizeof(s->data) - s->len);
        if (n < 0) {
            snprintf(s->why, sizeof(s->why), "cannot be read: %s", strerror(errno));
            return ROW_UNREADABLE;
        }
        all.len = s->len += (size_t)n;
    }
    if (s->taken == 0)
        s->at = s->taken = all.len - str_skip_mark(all).len;
    /* Return only that much, so that the result does not depend on the size of reads. */
    size_t end = first_line(all) ? first_line(all) : s->len;
    *ahead = (struct str){ all.at + s->at, end - s->at };
    return ahead->len ? ROW_FOUND : ROW_NONE;
}

static bool begin(struct row_source *s)
{
    struct str ahead;

    return s->len || s->taken || row_source_begin(s, &ahead) != ROW_UNREADABLE;
}

/* --- lines ----------------------------------------------------------------------------------------*/

static bool is_blank(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] != ' ' && text->data[i] != '\t')
            return false;
    }
    return true;
}

enum row_found row_source_line(struct row_source *s)
{
    int c;

    if (!begin(s))
        return ROW_UNREADABLE;
    do {
        s->line = s->next_line;
        buf_clear(&s->text);
        while ((c = next(s)) >= 0 && c != '\n')
            keep(s, c);
        if (c == FAILED)
            return ROW_UNREADABLE;
        if (s->text.err != MU_OK)
            return bad(s, s->text.err == MU_E_LIMIT ? "is longer than 1 MiB" : mu_err_text(s->text.err));
        if (s->text.len && s->text.data[s->text.len - 1] == '\r')
            s->text.len--;
    } while (is_blank(&s->text) && c != END);
    return is_blank(&s->text) ? ROW_NONE : ROW_FOUND;
}

/* --- CSV ------------------------------------------------------------------------------------------*/

static void begin_cell(struct row_source *s, bool quoted)
{
    if (s->cell_count < ROW_CELLS_MAX) {
        s->starts[s->cell_count] = s->text.len;
        s->cells[s->cell_count].quoted = quoted;
    }
    s->cell_count++;
}

static void end_row(struct row_source *s)
{
    size_t kept = s->cell_count < ROW_CELLS_MAX ? s->cell_count : ROW_CELLS_MAX;
    /* NULL: no memory was needed yet, since all cells are empty. */
    const char *text = s->text.data ? (const char *)s->text.data : "";

    assert(s->filled <= s->cell_count);
    for (size_t i = 0; i < kept; i++) {
        size_t end = i + 1 < s->cell_count && i + 1 < ROW_CELLS_MAX ? s->starts[i + 1] : s->text.len;
        assert(s->starts[i] <= end && end <= s->text.len);
        s->cells[i].text = (struct str){ text + s->starts[i], end - s->starts[i] };
    }
}

/* Reads a quoted cell. Returns the byte that ends it. *why stays NULL if the cell is good. */
static int read_quoted(struct row_source *s, const char **why)
{
    int c;

    for (;;) {
        c = next(s);
        if (c == '"' && peek(s) == '"')
            c = next(s);
        else if (c == '"')
            break;
        if (c < 0) {
            *why = "a quote is not closed until the end of the file";
            return c;
        }
        if (c == 0 || s->text.err != MU_OK) {
            *why = c == 0 ? "contains a NUL byte" : "is longer than 1 MiB; a quote may not be closed";
            return c;
        }
        keep(s, c);
    }
    c = next(s);
    if (c == '\r' && peek(s) == '\n')
        c = next(s);
    if (c >= 0 && c != s->separator && c != '\n')
        *why = "something follows the closing quote of a cell";
    return c;
}

static int read_plain(struct row_source *s, int c, const char **why)
{
    size_t start = s->text.len;

    for (; c >= 0 && c != s->separator && c != '\n'; c = next(s)) {
        if (c == '\r' && peek(s) == '\n')
            continue;
        if (c == '"' && s->text.len == start + 1 && s->text.data[start] == '=')
            *why = "a cell is a spreadsheet's formula (=\"...\"); write its text alone, and let the column be text";
        else if (c == '"')
            *why = "a quote is in a cell that does not begin with one";
        else if (c == '\r')
            *why = "a carriage return is alone in a cell without quotes";
        else if (c == 0)
            *why = "contains a NUL byte";
        else if (s->text.err != MU_OK)
            *why = "is longer than 1 MiB";
        if (*why)
            return c;
        keep(s, c);
    }
    return c;
}

static int begin_row(struct row_source *s)
{
    int c;

    if (!begin(s))
        return FAILED;
    do {
        s->line = s->next_line;
        c = next(s);
        if (c == '\r' && peek(s) == '\n')
            c = next(s);
    } while (c == '\n');
    return c;
}

enum row_found row_source_csv(struct row_source *s)
{
    const char *why = NULL;
    int c = begin_row(s);

    buf_clear(&s->text);
    s->cell_count = s->filled = 0;
    if (c < 0)
        return c == END ? ROW_NONE : ROW_UNREADABLE;
    for (;;) {
        size_t start = s->text.len;
        begin_cell(s, c == '"');
        c = c == '"' ? read_quoted(s, &why) : read_plain(s, c, &why);
        if (c == FAILED)
            return ROW_UNREADABLE;
        if (why) {
            bad(s, why);
            return skip_line(s, c);
        }
        if (s->text.len > start)
            s->filled = s->cell_count;
        if (c != s->separator)
            break;
        if ((c = next(s)) == END || c == '\n') { /* a separator at the end of the line: one more empty cell */
            begin_cell(s, false);
            break;
        }
    }
    if (s->text.err != MU_OK)
        return bad(s, "is longer than 1 MiB");
    end_row(s);
    return ROW_FOUND;
}
