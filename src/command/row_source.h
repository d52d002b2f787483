#ifndef MUSTER_COMMAND_ROW_SOURCE_H
#define MUSTER_COMMAND_ROW_SOURCE_H

#include "base/buf.h"
#include "base/text.h"

/* A file of rows, read once from its beginning to its end with the memory of one row. */

#define ROW_TEXT_MAX  (1024u * 1024) /* a row; 4,000 days of activity one by one are 44 KB */
#define ROW_CELLS_MAX 64             /* the widest kind has 26 columns */

struct row_cell {
    struct str text; /* until the next row */
    bool quoted;
};

enum row_found {
    ROW_FOUND,
    ROW_BAD,        /* why says what is wrong; the next one may be good */
    ROW_NONE,       /* the end */
    ROW_UNREADABLE, /* the file cannot be read on; why says so */
};

struct row_source {
    int fd;
    uint64_t taken; /* bytes of the file that have been dealt with */
    size_t line;    /* at which the present row begins; the first is 1 */
    char why[200];

    struct row_cell cells[ROW_CELLS_MAX];
    size_t cell_count; /* of a CSV row; those beyond the maximum are counted, not kept */
    size_t filled;     /* of them up to the last one that is not empty */
    char separator;    /* of cells: ',' unless the caller knows better */
    struct buf text;   /* of the present row */

    uint8_t data[65536]; /* the source's own, from here on */
    size_t at, len, next_line;
    size_t starts[ROW_CELLS_MAX];
};

void row_source_init(struct row_source *s, int fd);
void row_source_free(struct row_source *s);

/* Before all others, at will: the beginning of the file up to its first line that is not blank, that
 * included (or the first 64 KiB), without the mark of UTF-8; nothing is taken. ROW_FOUND, ROW_NONE or
 * ROW_UNREADABLE. */
enum row_found row_source_begin(struct row_source *s, struct str *ahead);
/* A line without its end; blank lines are skipped. */
enum row_found row_source_line(struct row_source *s);
/* A row of RFC 4180: cells between separators; one that begins with a quote ends with one, a quote in
 * it is doubled, and it may hold separators and line ends. Lines end with LF or CRLF. Blank lines are
 * skipped; nothing is trimmed. What is not so is bad, and so is a NUL; reading goes on behind the line
 * on which that was noticed. */
enum row_found row_source_csv(struct row_source *s);

#endif
