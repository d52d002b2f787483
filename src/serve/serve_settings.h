#ifndef MUSTER_SERVE_SERVE_SETTINGS_H
#define MUSTER_SERVE_SERVE_SETTINGS_H

#include "ops/settings.h"

/* Every setting of `muster serve` with its default; docs/operating.md lists the same ones (a test
 * compares). */
struct settings serve_settings(void);

#endif
