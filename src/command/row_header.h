#ifndef MUSTER_COMMAND_ROW_HEADER_H
#define MUSTER_COMMAND_ROW_HEADER_H

#include "command/row_reader.h"

/* For row_reader only: reads the header of a CSV file; `ahead` is the beginning of the file. Returns as
 * row_reader_open. */
enum row_found row_header_read(struct row_reader *r, struct str ahead);

/* Keeps text that is not UTF-8 for row_reader_encoding. */
void row_header_note_foreign(struct row_reader *r, struct str text);

#endif
