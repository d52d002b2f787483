#ifndef MUSTER_OPS_SETTINGS_H
#define MUSTER_OPS_SETTINGS_H

#include <stddef.h>

#include "base/err.h"
#include "ops/command_table.h"

/* The settings of a command. They come from options (--name VALUE, --name=VALUE, -n), which may stand before,
 * between and behind the arguments ("--" ends them), and from an INI file. An option wins over the file.
 *
 * The file is the server's: its names are those of `muster serve`. Another command takes the settings that it has,
 * too, and ignores the rest.
 *
 * getopt_long splits the options. argp would not do better here: it writes --help by itself (man pages, completion
 * and the file need the tables anyway), ends with exit statuses of its own, and needs a function that handles each
 * option in addition to the table. */

#define SETTINGS_MAX 48 /* options of one command; the server has 38 */

struct settings {
    const struct command *command;
    char *values[SETTINGS_MAX];                   /* in the order of command->settings; NULL = not given */
    const char *arguments[COMMAND_ARGUMENTS + 1]; /* NULL = not given */
};

/* The file that is read without --data and --config. This environment variable names another file, or "" for none. */
#define SETTINGS_FILE          "/etc/muster.ini"
#define SETTINGS_FILE_VARIABLE "MUSTER_CONFIG"

/* Reads argv; argv[0] is the command's name. in_file: the names that may stand in the file (the server's settings).
 * MU_OK, also when --help or --version is on: then the rest was not looked at. Or MU_E_SYNTAX after one clear line
 * on stderr (exit status 2). s must be freed in both cases. */
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
