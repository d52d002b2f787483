#ifndef MUSTER_COMMAND_MAC_SETTING_H
#define MUSTER_COMMAND_MAC_SETTING_H

#include "ops/settings.h"

/* --mac, for commands that read devices from files. */
/* clang-format off */
#define MAC_SETTING \
    { .name = "mac", .kind = SETTING_WORD, .flag_only = true, .standard = "keep", .metavar = "keep|lower", \
      .help = "lower: a MAC-48 is taken in lower case and without separators, as modules register; other " \
              "identifiers stay as they are" }
/* clang-format on */

static inline bool mac_lower(const struct settings *s)
{
    return setting_text(s, "mac")[0] == 'l';
}

#endif
