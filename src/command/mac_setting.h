#ifndef MUSTER_COMMAND_MAC_SETTING_H
#define MUSTER_COMMAND_MAC_SETTING_H

#include "ops/settings.h"

/* --mac, of the commands that take devices from files. */
/* clang-format off */
#define MAC_SETTING \
    { .name = "mac", .kind = SETTING_TEXT, .standard = "keep", .metavar = "keep|lower", \
      .help = "lower: a MAC-48 is taken in lower case and without separators, as\n" \
              "modules register; other identifiers stay as they are" }
/* clang-format on */

/* false: it is neither, which is told. */
bool mac_setting(const struct settings *s, bool *lower);

#endif
