#ifndef MUSTER_SERVE_SERVE_H
#define MUSTER_SERVE_SERVE_H

/* `muster serve`: starts the server, waits for signals, ends it. Takes the arguments behind the command's
 * name and returns the exit status: 0 ended cleanly, 1 could not start or failed, 2 the command line or a
 * file was wrong. */
int serve_command(int argc, char **argv);

#endif
