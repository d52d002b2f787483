#ifndef MUSTER_SERVE_SERVE_H
#define MUSTER_SERVE_SERVE_H

#include "ops/command_table.h"

/* `muster serve`: starts the server, waits for signals, ends it. Exit status: 0: it ended cleanly; 1: it could not
 * start, or failed; 2: the command line or a file was wrong. */
extern const struct command serve_command;

#endif
