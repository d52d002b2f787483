#include <string.h>

#include "ops/help.h"
#include "pages.h"

/* The package's own choice of those that have no default. */
static const char *packaged(const struct setting *t)
{
    return strcmp(t->name, "data") == 0 ? "/var/lib/muster" : NULL;
}

void ini_file(FILE *to, const struct command *serve)
{
    fputs("# Settings of the muster server, read at its start (systemctl restart muster).\n"
          "# A line without # is set; all others show what holds by itself, or the form of\n"
          "# a value. muster.ini(5) is the manual of this file.\n",
          to);
    for (const struct setting *t = serve->settings; t->name; t++) {
        if (t->flag_only)
            continue;
        fputc('\n', to);
        help_wrapped(to, "# ", t->help);
        if (t->kind == SETTING_WORD)
            fprintf(to, "# %s\n", t->metavar);
        if (t->max != 0)
            fprintf(to, "# from %.10g to %.10g\n", t->min, t->max);
        if (packaged(t))
            fprintf(to, "%s = %s\n", t->name, packaged(t));
        else
            fprintf(to, "#%s = %s\n", t->name, t->standard ? t->standard : t->metavar ? t->metavar : "yes");
    }
}
