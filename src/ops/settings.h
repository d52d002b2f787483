#ifndef MUSTER_OPS_SETTINGS_H
#define MUSTER_OPS_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* Settings of a command: flags (--name VALUE or --name=VALUE) and, where the command has a
 * `config` setting, an INI file with the same names. A flag wins over the file. */

enum setting_kind {
    SETTING_TEXT,
    SETTING_NUMBER, /* a non-negative decimal, fraction allowed */
    SETTING_COUNT,  /* a non-negative integer */
    SETTING_SWITCH, /* a flag without a value; in the file: yes or no */
};

struct setting {
    const char *name;
    enum setting_kind kind;
    const char *metavar;  /* what --help shows for the value; NULL for a switch */
    const char *standard; /* the default as text; NULL = none */
    const char *help;     /* one line or more, separated by \n */
    bool required;        /* a text that must be given, here or in the file */
    double min, max;      /* of a number or count, both included; max 0 = no bounds */
    const char *value;    /* set by settings_parse, which owns it */
};

struct settings {
    const char *command;  /* "serve" */
    const char *usage;    /* what follows "muster" in the first line of --help */
    const char *summary;  /* one sentence */
    struct setting *list; /* ended by a NULL name */
    int positional_min, positional_max;
    const char *positional[2]; /* set by settings_parse */
};

/* Reads argv (behind the command's name). MU_OK, or MU_E_CLOSED when --help was asked for and has
 * been printed to stdout, or MU_E_SYNTAX after one clear line on stderr (exit status 2). */
MU_MUST_USE enum mu_err settings_parse(struct settings *s, int argc, char **argv);

/* The value, or the default, or NULL. The name must exist. */
const char *setting_text(const struct settings *s, const char *name);
double setting_number(const struct settings *s, const char *name);
unsigned long setting_count(const struct settings *s, const char *name);
bool setting_on(const struct settings *s, const char *name);

void settings_free(struct settings *s);

#endif
