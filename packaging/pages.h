#ifndef MUSTER_PACKAGING_PAGES_H
#define MUSTER_PACKAGING_PAGES_H

#include <stdio.h>

#include "ops/command_table.h"

/* What the package has beside the program, each made from the tables of the commands, as --help is. All write to
 * a file that the caller looks after. */

/* Man pages, in roff: muster(1), muster-COMMAND(1), muster.ini(5). list: ended by NULL. */
void man_program(FILE *to, const struct command *const *list);
void man_command(FILE *to, const struct command *command);
void man_settings_file(FILE *to, const struct command *serve);

/* /etc/muster.ini: every setting of the server, those but the data directory as a comment. */
void ini_file(FILE *to, const struct command *serve);

/* A script for bash that completes commands, options and their values. */
void completion(FILE *to, const struct command *const *list);

#endif
