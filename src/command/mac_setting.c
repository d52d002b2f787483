#include "command/mac_setting.h"

#include <stdio.h>
#include <string.h>

bool mac_setting(const struct settings *s, bool *lower)
{
    const char *word = setting_text(s, "mac");

    *lower = strcmp(word, "lower") == 0;
    if (*lower || strcmp(word, "keep") == 0)
        return true;
    fprintf(stderr, "muster %s: --mac: '%s' is neither keep nor lower\n", s->command, word);
    return false;
}
