#ifndef MUSTER_COMMAND_ROW_READER_H
#define MUSTER_COMMAND_ROW_READER_H

#include "command/row_source.h"
#include "registry/import.h"
#include "registry/values.h"

/* The rows of a CSV or NDJSON file, as import.h takes them. */

enum row_format { FORMAT_CSV, FORMAT_NDJSON };
/* By its word ("csv", "ndjson", "jsonl"), else by a file's name, in any case. false: neither tells. */
bool row_reader_format(const char *word, const char *file, enum row_format *out);

/* How CSV says that a field is to be cleared; quoted it is a text like any other. */
#define ROW_CLEAR STR("\\N")

struct row_reader {
    struct row_source source;
    enum import_kind kind;
    enum row_format format;
    struct import_column columns[ROW_CELLS_MAX]; /* of a CSV file, from its first row */
    size_t column_count;
    struct values values; /* of an NDJSON row */
    struct buf foreign;   /* of what is not UTF-8, the beginning */
};

/* ROW_FOUND, or why in source.why: the first row of a CSV file does not name the kind's columns. Its cells
 * are separated by commas, semicolons, tabs or bars, whichever that row has first, or as a line "sep=;"
 * before it says. Rows without anything but separators are skipped. */
enum row_found row_reader_open(struct row_reader *r, int fd, enum import_kind kind, enum row_format format);
void row_reader_close(struct row_reader *r);

/* Appends the next row. Nothing, unless it is ROW_FOUND. */
enum row_found row_reader_next(struct row_reader *r, struct buf *out);

/* By what was read so far: the encoding, by the name that iconv knows, that the file is likely in. NULL: all
 * was UTF-8. */
const char *row_reader_encoding(const struct row_reader *r);

#endif
