#ifndef MUSTER_OPS_HELP_H
#define MUSTER_OPS_HELP_H

#include <stdio.h>

#include "ops/command_table.h"

/* What --help shows, 80 columns wide. */

extern const char *const help_group_titles[COMMAND_GROUPS];

/* Prints a text, 80 columns wide, in lines that all begin with `before` (ASCII). Lines are broken at spaces, and
 * where the text has a newline. */
void help_wrapped(FILE *to, const char *before, const char *text);
/* Everything about one command: usage, description, arguments, options, examples. */
void help_command(FILE *to, const struct command *command);
/* All commands, by group. list: ended by NULL. */
void help_program(FILE *to, const struct command *const *list);

#endif
