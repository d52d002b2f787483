#ifndef MUSTER_SERVE_SERVE_CHECK_H
#define MUSTER_SERVE_SERVE_CHECK_H

#include "ops/settings.h"

/* muster serve --check: looks at all that a start would stumble over, the settings, the files that they name and the
 * data directory, and says everything that is wrong. Opens no port, changes nothing, keeps nothing open. The exit
 * status: 0 nothing is wrong; 2 something that was given is; 1 only what may be right the next time. */
int serve_check(const struct settings *settings);

#endif
