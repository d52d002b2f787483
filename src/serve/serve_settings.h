#ifndef MUSTER_SERVE_SERVE_SETTINGS_H
#define MUSTER_SERVE_SERVE_SETTINGS_H

#include "ops/command_table.h"

/* Every setting of `muster serve`, with its default. Exactly these names may stand in the configuration file.
 * docs/operating.md lists the same ones (a test compares). */
extern const struct setting serve_settings[];

#endif
