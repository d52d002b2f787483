#ifndef MUSTER_COMMAND_ROW_WRITER_H
#define MUSTER_COMMAND_ROW_WRITER_H

#include <stdio.h>

#include "command/row_reader.h"

/* Rows to a file, such that row_reader reads the same from it. */
struct row_writer {
    FILE *file;
    enum import_kind kind;
    enum row_format format;
    bool begun; /* the names of the columns are written */
    struct buf cell;
};

void row_writer_init(struct row_writer *w, FILE *file, enum import_kind kind, enum row_format format);
/* Writes JSON objects, one a line, or none; the first call writes the names of CSV's columns. MU_E_SYNTAX,
 * MU_E_NOMEM; ferror(file) tells whether writing has failed. */
MU_MUST_USE enum mu_err row_writer_add(struct row_writer *w, struct str rows);
void row_writer_free(struct row_writer *w);

#endif
