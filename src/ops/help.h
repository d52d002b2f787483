#ifndef MUSTER_OPS_HELP_H
#define MUSTER_OPS_HELP_H

#include <stdio.h>

#include "ops/command_table.h"

/* What --help shows, 80 columns wide. */

extern const char *const help_group_titles[COMMAND_GROUPS];

/* "muster apply --data DIR [options] FILE.json", without a newline at its end, and with one where it is long. */
void help_usage(FILE *to, const struct command *command);
/* A text, 80 columns wide, in lines that all begin with `before` (ASCII). Breaks lines at spaces, and where the text
 * does. */
void help_wrapped(FILE *to, const char *before, const char *text);
/* All of one command: usage, description, arguments, options, examples. */
void help_command(FILE *to, const struct command *command);
/* All commands, by group. list: ended by NULL. */
void help_program(FILE *to, const struct command *const *list);

#endif
