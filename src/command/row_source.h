#ifndef MUSTER_COMMAND_ROW_SOURCE_H
#define MUSTER_COMMAND_ROW_SOURCE_H

#include "base/buf.h"
#include "base/text.h"

/* A file of rows. It is read once, from beginning to end, with the memory of one row. */

#define ROW_TEXT_MAX  (1024u * 1024) /* a row; 4,000 single days of activity are 44 KB */
#define ROW_CELLS_MAX 64             /* the widest kind has 26 columns */

struct row_cell {
    struct str text; /* valid until the next row */
    bool quoted;
};

enum row_found {
    ROW_FOUND,
    ROW_BAD,        /* why says what is wrong; the next row may be good */
    ROW_NONE,       /* the end of the file */
    ROW_UNREADABLE, /* reading failed; why says how */
};

struct row_source {
    int fd;
    uint64_t taken; /* bytes of the file that have been processed */
    size_t line;    /* where the present row begins; the first line is 1 */
    char why[200];

    struct row_cell cells[ROW_CELLS_MAX];
    size_t cell_count; /* of a CSV row; cells beyond the maximum are counted, but not kept */
    size_t filled;     /* number of cells up to the last one that is not empty */
    char separator;    /* between cells: ',' unless the caller sets another */
    struct buf text;   /* of the present row */

    uint8_t data[65536]; /* from here on, only the source uses the fields */
    size_t at, len, next_line;
    size_t starts[ROW_CELLS_MAX];
};

void row_source_init(struct row_source *s, int fd);
void row_source_free(struct row_source *s);

/* Optional, before all other calls: gives the beginning of the file up to its first line that is not blank,
 * including that line (at most 64 KiB), without the byte order mark. Nothing is consumed. ROW_FOUND, ROW_NONE or
 * ROW_UNREADABLE. */
enum row_found row_source_begin(struct row_source *s, struct str *ahead);
/* Reads a line, without its end. Blank lines are skipped. */
enum row_found row_source_line(struct row_source *s);
/* Reads a row of RFC 4180: cells between separators. A cell that begins with a quote ends with one; a quote in it is
 * doubled, and it may contain separators and line ends. Lines end with LF or CRLF. Blank lines are skipped; nothing
 * is trimmed. Everything else is bad, also a NUL. After a bad row, reading goes on after the line where that was
 * noticed. */
enum row_found row_source_csv(struct row_source *s);

#endif
