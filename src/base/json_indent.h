#ifndef MUSTER_BASE_JSON_INDENT_H
#define MUSTER_BASE_JSON_INDENT_H

#include "base/buf.h"
#include "base/text.h"

/* Appends JSON text that a json_out has written, with line ends and two blanks a level, for people. Pure;
 * errors are the buffer's. */
void json_indent(struct buf *out, struct str json);

#endif
