#ifndef MUSTER_SERVE_SERVE_CHECK_H
#define MUSTER_SERVE_SERVE_CHECK_H

#include "ops/settings.h"

/* muster serve --check: checks everything that a start needs: the settings, the files that they name, and the data
 * directory. Prints all errors. Opens no port, changes nothing, keeps nothing open. Exit status: 0: no error; 2:
 * some input is wrong; 1: errors that may be gone the next time. */
int serve_check(const struct settings *settings);

#endif
