#ifndef MUSTER_COMMAND_ROW_READER_H
#define MUSTER_COMMAND_ROW_READER_H

#include "command/row_source.h"
#include "transfer/import.h"
#include "transfer/values.h"

/* Reads the rows of a CSV or NDJSON file in the form that import.h takes. */

enum row_format { FORMAT_CSV, FORMAT_NDJSON };
/* The format named by word ("csv", "ndjson", "jsonl"); without a word, by the end of the file's name, in upper or
 * lower case. false: neither says. */
bool row_reader_format(const char *word, const char *file, enum row_format *out);

/* In CSV this clears a field; in quotes it is normal text. */
#define ROW_CLEAR STR("\\N")

struct row_reader {
    struct row_source source;
    enum import_kind kind;
    enum row_format format;
    struct import_column columns[ROW_CELLS_MAX]; /* of a CSV file, from its first row */
    size_t column_count;
    struct values values; /* of an NDJSON row */
    struct buf foreign;   /* the beginning of text that is not UTF-8 */
};

/* ROW_FOUND, or the reason in source.why: the first row of a CSV file does not name the kind's columns. Cells are
 * separated by commas, semicolons, tabs or bars: by the one that comes first in that row, or that a line "sep=;"
 * before it names. Rows that have only separators are skipped. */
enum row_found row_reader_open(struct row_reader *r, int fd, enum import_kind kind, enum row_format format);
void row_reader_close(struct row_reader *r);

/* Appends the next row to out. Appends nothing if the result is not ROW_FOUND. */
enum row_found row_reader_next(struct row_reader *r, struct buf *out);

/* The likely encoding of the file, judged by what was read so far, with the name that iconv uses. NULL: all of it
 * was UTF-8. */
const char *row_reader_encoding(const struct row_reader *r);

#endif
