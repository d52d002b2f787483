#ifndef MUSTER_OPS_COMMAND_TABLE_H
#define MUSTER_OPS_COMMAND_TABLE_H

#include <stdbool.h>

/* The names, options and texts of the program's commands: one constant table for each (src/program.h lists them).
 * The parser (ops/settings.h), --help (ops/help.h), the man pages and bash completion all read these tables. */

/* The kind of a value. Values are checked when they are read, and completed in a shell. */
enum setting_kind {
    SETTING_SWITCH, /* an option without a value; in the file: yes or no */
    SETTING_TEXT,
    SETTING_FILE,      /* the path of a file */
    SETTING_DIRECTORY, /* the path of a directory */
    SETTING_PLACE,     /* the path of a directory, or a URI as of SETTING_STORE */
    SETTING_STORE,     /* the URI of a database; a password in it is never shown */
    SETTING_WORD,      /* one of the words that its metavar names: "keep|lower" */
    SETTING_COUNT,     /* a non-negative integer */
    SETTING_NUMBER,    /* a non-negative decimal, fraction allowed */
};

/* An option. In the texts below, \n breaks a line; a text that is longer than a line is wrapped when it is shown. */
struct setting {
    const char *name; /* "data": --data */
    char letter;      /* its short form, or 0 */
    enum setting_kind kind;
    const char *metavar;  /* what --help shows for the value; NULL for a switch */
    const char *standard; /* the default as text; NULL = none */
    const char *help;
    bool required;        /* must be given, here or in the file */
    const char *in_place; /* another setting of the table: if that one is given, this one is not required */
    bool flag_only;       /* for this one run: it cannot stand in the file */
    double min, max;      /* of a number or count, both included; max 0 = no bounds */
};

/* An argument that stands behind the options; its place says which it is. */
struct argument {
    const char *name; /* "FILE.json"; of a SETTING_WORD the words: "device|user" */
    enum setting_kind kind;
    const char *help; /* NULL: the description says it */
    bool optional;    /* then those behind it are optional, too */
};

struct example {
    const char *line; /* "muster apply --data /var/lib/muster products.json" */
    const char *what; /* "applies a file" */
};

/* What a command is about: the headings of muster --help, in this order. */
enum command_group {
    COMMAND_SERVER,
    COMMAND_CONFIGURATION,
    COMMAND_DEVICES,
    COMMAND_DATA,
    COMMAND_OTHER,
    COMMAND_GROUPS,
};

#define COMMAND_ARGUMENTS 2
#define COMMAND_EXAMPLES  4

struct settings;

struct command {
    const char *name;
    enum command_group group;
    const char *summary;                              /* one line, as "runs the server" */
    const char *description;                          /* sentences */
    const struct setting *settings;                   /* ended by a NULL name */
    struct argument arguments[COMMAND_ARGUMENTS + 1]; /* likewise */
    struct example examples[COMMAND_EXAMPLES + 1];    /* ended by a NULL line */
    /* Returns the exit status (ops/operation.h). It prints its own error. */
    int (*run)(const struct settings *s);
};

/* Options that mean the same in every command. */
/* clang-format off: a table */
#define STORE_METAVAR "postgresql://…"
#define DATA_SETTING                                                                   \
    {                                                                                  \
        .name = "data", .kind = SETTING_DIRECTORY, .required = true, .metavar = "DIR", \
        .help = "the data directory (required, here or in the configuration file)"     \
    }
/* Both, for a command that needs no files of embedded stores. */
#define STORES_SETTINGS                                                                                          \
    { .name = "data",                                                                                            \
      .kind = SETTING_DIRECTORY,                                                                                 \
      .required = true,                                                                                          \
      .in_place = "store",                                                                                       \
      .metavar = "DIR",                                                                                          \
      .help = "the data directory (required without --store, here or in the configuration file)" },              \
    {                                                                                                            \
        .name = "store", .kind = SETTING_STORE, .metavar = STORE_METAVAR,                                        \
        .help = "the database that holds the stores in place of the data directory. Where the server of --data " \
                "runs, it runs the command"                                                                      \
    }
#define CONFIG_SETTING                                                                                     \
    {                                                                                                      \
        .name = "config", .kind = SETTING_FILE, .flag_only = true, .metavar = "FILE",                      \
        .help = "the server's configuration file: --data and --store are read from it. Without these and " \
                "--config it is /etc/muster.ini, if there is one"                                          \
    }
#define JSON_SETTING(text)                                                      \
    {                                                                           \
        .name = "json", .kind = SETTING_SWITCH, .flag_only = true, .help = text \
    }
#define QUIET_SETTING                                                              \
    {                                                                              \
        .name = "quiet", .letter = 'q', .kind = SETTING_SWITCH, .flag_only = true, \
        .help = "say nothing when all went well"                                   \
    }
/* The end of every table. */
#define COMMON_SETTINGS                                                                                              \
    { .name = "help", .letter = 'h', .kind = SETTING_SWITCH, .flag_only = true, .help = "show this text" },          \
        { .name = "version", .letter = 'V', .kind = SETTING_SWITCH, .flag_only = true, .help = "show the version" }, \
    {                                                                                                                \
        0                                                                                                            \
    }
/* clang-format on */

#endif
