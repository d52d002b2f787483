#ifndef MUSTER_PROGRAM_H
#define MUSTER_PROGRAM_H

#include "ops/command_table.h"

/* Every command of the program with all that it takes, ended by NULL, in the order in which they are shown. Constant:
 * man pages and bash completion are made by walking it. */
extern const struct command *const program_commands[];

/* What main does: the exit status of the command that argv names. */
int program_run(int argc, char **argv);

#endif
