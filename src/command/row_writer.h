#ifndef MUSTER_COMMAND_ROW_WRITER_H
#define MUSTER_COMMAND_ROW_WRITER_H

#include <stdio.h>

#include "command/row_reader.h"

/* Writes rows to a file in such a form that row_reader reads the same rows from it. */
struct row_writer {
    FILE *file;
    enum import_kind kind;
    enum row_format format;
    bool begun; /* the names of the columns have been written */
    struct buf cell;
};

void row_writer_init(struct row_writer *w, FILE *file, enum import_kind kind, enum row_format format);
/* Writes JSON objects, one in each line; rows may be empty. The first call writes the names of CSV's columns.
 * MU_E_SYNTAX, MU_E_NOMEM; ferror(file) tells whether writing failed. */
MU_MUST_USE enum mu_err row_writer_add(struct row_writer *w, struct str rows);
void row_writer_free(struct row_writer *w);

#endif
