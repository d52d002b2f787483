#ifndef MUSTER_OPS_SETTINGS_H
#define MUSTER_OPS_SETTINGS_H

#include <stddef.h>

#include "base/err.h"
#include "ops/command_table.h"

/* What a command is told: options (--name VALUE, --name=VALUE, -n), which may stand before, between and behind its
 * arguments ("--" ends them), and an INI file. An option wins over the file.
 *
 * The file is the server's: its names are those of `muster serve`. Another command takes from it what it has a
 * setting for, and leaves the rest.
 *
 * getopt_long takes the options apart. argp does not do better here: it writes --help by itself, where man pages,
 * completion and the file need the tables anyway, ends with statuses of its own, and calls a function for each
 * option, which would come on top of the table. */

#define SETTINGS_MAX 48 /* options of one command; the server has 38 */

struct settings {
    const struct command *command;
    char *values[SETTINGS_MAX];                   /* in the order of command->settings; NULL = not given */
    const char *arguments[COMMAND_ARGUMENTS + 1]; /* NULL = not given */
};

/* The file that is read without --data and --config; another one, or "" for none, by this variable. */
#define SETTINGS_FILE          "/etc/muster.ini"
#define SETTINGS_FILE_VARIABLE "MUSTER_CONFIG"

/* Reads argv, of which the first is the command's name. in_file: the names that may stand in the file (the
 * server's settings). MU_OK, also when --help or --version is on: then the rest has not been looked at. Or
 * MU_E_SYNTAX after one clear line on stderr (exit status 2). s is to be freed in both cases. */
MU_MUST_USE enum mu_err settings_parse(struct settings *s, const struct command *command, const struct setting *in_file,
                                       int argc, char **argv);

/* The value, or the default, or NULL. The name must exist. */
const char *setting_text(const struct settings *s, const char *name);
double setting_number(const struct settings *s, const char *name);
unsigned long setting_count(const struct settings *s, const char *name);
bool setting_on(const struct settings *s, const char *name);
bool setting_exists(const struct settings *s, const char *name);

void settings_free(struct settings *s);

/* True if `word` is one of `words` ("keep|lower"). */
bool setting_word_in(const char *words, const char *word);

#endif
