/* Reads what a command is told: its options and arguments, then the configuration file (settings_file.c). */

#include "ops/settings.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "postgres/pg.h"
#include "ops/settings_private.h"

/* The file to read, or NULL. --config names one. --data or --store alone names the stores: then no file adds to it. A
 * server never reads the default file by itself: started as root by mistake, it would take the place of the machine's
 * server. */
static const char *file_to_read(struct settings *s, const struct setting *in_file)
{
    const struct setting *config = setting_find(s->command->settings, "config"),
                         *data = setting_find(s->command->settings, "data"),
                         *store = setting_find(s->command->settings, "store");
    const char *standard = getenv(SETTINGS_FILE_VARIABLE);

    if (!config || *setting_place(s, config))
        return config ? *setting_place(s, config) : NULL;
    if ((!data && !store) || (data && *setting_place(s, data)) || (store && *setting_place(s, store)) ||
        s->command->settings == in_file)
        return NULL;
    if (!standard)
        standard = access(SETTINGS_FILE, F_OK) == 0 ? SETTINGS_FILE : "";
    return *standard ? standard : NULL;
}

/* --- options and arguments --------------------------------------------------------------------------*/

static enum mu_err wrong(const struct settings *s, const char *what, const char *arg)
{
    char shown[SETTING_SHOWN_TEXT];

    fprintf(stderr, "muster %s: %s '%s' (see muster %s --help)\n", s->command->name, what, setting_show(arg, shown),
            s->command->name);
    return MU_E_SYNTAX;
}

/* getopt_long takes the beginning of a name for the name. */
static bool is_beginning(const struct settings *s, const char *text)
{
    for (const struct setting *t = s->command->settings; t->name; t++)
        if (*text && strncmp(t->name, text, strlen(text)) == 0)
            return true;
    return false;
}

static enum mu_err unknown_option(const struct settings *s, const char *arg)
{
    char name[NEAREST_WORD_MAX + 2] = "", shown[SETTING_SHOWN_TEXT];
    struct nearest n;

    if (strncmp(arg, "--", 2) == 0)
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
    if (is_beginning(s, name))
        return wrong(s, "more than one option begins so:", arg);
    n = nearest_to(name);
    for (const struct setting *t = s->command->settings; t->name; t++)
        nearest_try(&n, t->name);
    if (!n.best)
        return wrong(s, "unknown option", arg);
    fprintf(stderr, "muster %s: unknown option '%s'; did you mean '--%s'? (see muster %s --help)\n", s->command->name,
            setting_show(arg, shown), n.best, s->command->name);
    return MU_E_SYNTAX;
}

enum { LONG_OPTION = 256 }; /* getopt_long returns this for the first long option; for a short one its letter */

static void make_options(const struct setting *list, struct option *options, char *letters)
{
    *letters++ = ':'; /* makes getopt_long distinguish a missing value from an unknown option */
    for (int i = 0; list[i].name; i++) {
        bool is_switch = list[i].kind == SETTING_SWITCH;
        options[i] =
            (struct option){ list[i].name, is_switch ? optional_argument : required_argument, NULL, LONG_OPTION + i };
        if (list[i].letter) {
            *letters++ = list[i].letter;
            if (!is_switch)
                *letters++ = ':';
        }
    }
}

static const struct setting *option_found(const struct settings *s, int found)
{
    const struct setting *t = s->command->settings;

    assert(found > 0 && found < LONG_OPTION + SETTINGS_MAX);
    if (found >= LONG_OPTION)
        return &t[found - LONG_OPTION];
    while (t->letter != found)
        t++;
    return t;
}

static enum mu_err take_option(struct settings *s, const struct setting *t, char *text)
{
    const char *value = text ? text : "yes";
    char wrong[SETTING_WRONG_TEXT];

    assert(t->name);
    if (*setting_place(s, t)) {
        fprintf(stderr, "muster %s: option '--%s' is given twice (see muster %s --help)\n", s->command->name, t->name,
                s->command->name);
        return MU_E_SYNTAX;
    }
    if (!setting_fits(t, value)) {
        fprintf(stderr, "muster %s: option '--%s' %s\n", s->command->name, t->name,
                setting_wrong(t, value, wrong, sizeof(wrong)));
        return MU_E_SYNTAX;
    }
    setting_set(setting_place(s, t), value);
    if (t->kind == SETTING_STORE || (t->kind == SETTING_PLACE && pg_is_uri(value)))
        pg_hide_secrets(text); /* everybody on this machine can read the list of processes */
    return MU_OK;
}

static bool asks_only(const struct settings *s)
{
    return setting_on(s, "help") || setting_on(s, "version");
}

static enum mu_err read_options(struct settings *s, int argc, char **argv)
{
    struct option options[SETTINGS_MAX + 1] = { 0 };
    char letters[2 * SETTINGS_MAX + 2] = "";
    int found;
    enum mu_err err = MU_OK;

    make_options(s->command->settings, options, letters);
    optind = 0; /* makes getopt_long start anew */
    opterr = 0;
    while (err == MU_OK && !asks_only(s) && (found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        /* Below 0 it is a byte of a letter that is not of ASCII. */
        char letter[] = { '-', optopt > 0 ? (char)optopt : '?', '\0' };
        if (found == '?')
            err = unknown_option(s, optopt && optopt < LONG_OPTION ? letter : argv[optind - 1]);
        else if (found == ':')
            err = wrong(s, "no value for option", argv[optind - 1]);
        else
            err = take_option(s, option_found(s, found), optarg);
    }
    return err;
}

static enum mu_err take_arguments(struct settings *s, int argc, char **argv)
{
    const struct argument *a = s->command->arguments;
    char words[SETTING_WORDS_TEXT], shown[SETTING_SHOWN_TEXT];
    int i = 0;

    for (; i < argc; i++) {
        if (!a[i].name)
            return wrong(s, "unexpected argument", argv[i]);
        if (a[i].kind == SETTING_WORD && !setting_word_in(a[i].name, argv[i])) {
            fprintf(stderr, "muster %s: '%s' is none of %s\n", s->command->name, setting_show(argv[i], shown),
                    setting_words(a[i].name, words, sizeof(words)));
            return MU_E_SYNTAX;
        }
        s->arguments[i] = argv[i];
    }
    if (!a[i].name || a[i].optional)
        return MU_OK;
    fprintf(stderr, "muster %s: %s is missing (see muster %s --help)\n", s->command->name, a[i].name, s->command->name);
    return MU_E_SYNTAX;
}

static enum mu_err check_required(struct settings *s)
{
    for (const struct setting *t = s->command->settings; t->name; t++)
        if (t->required && !*setting_place(s, t) && !(t->in_place && setting_text(s, t->in_place))) {
            fprintf(stderr, "muster %s: --%s%s%s is missing (see muster %s --help)\n", s->command->name, t->name,
                    t->in_place ? " or --" : "", t->in_place ? t->in_place : "", s->command->name);
            return MU_E_SYNTAX;
        }
    return MU_OK;
}

enum mu_err settings_parse(struct settings *s, const struct command *command, const struct setting *in_file, int argc,
                           char **argv)
{
    size_t count = 0;
    enum mu_err err;

    while (command->settings[count].name)
        count++;
    assert(count <= SETTINGS_MAX);
    *s = (struct settings){ .command = command };
    if ((err = read_options(s, argc, argv)) != MU_OK || asks_only(s) ||
        (err = take_arguments(s, argc - optind, argv + optind)) != MU_OK)
        return err;
    const char *path = file_to_read(s, in_file);
    if (path && (err = settings_read_file(s, in_file, path)) != MU_OK)
        return err;
    return check_required(s);
}

/* --- reading --------------------------------------------------------------------------------------*/

const char *setting_text(const struct settings *s, const char *name)
{
    const struct setting *t = setting_find(s->command->settings, name);
    assert(t);
    const char *value = s->values[t - s->command->settings];
    return value ? value : t->standard;
}

double setting_number(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text ? strtod(text, NULL) : 0;
}

unsigned long setting_count(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text ? strtoul(text, NULL, 10) : 0;
}

bool setting_on(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text && strcmp(text, "yes") == 0;
}

bool setting_exists(const struct settings *s, const char *name)
{
    return setting_find(s->command->settings, name) != NULL;
}

void settings_free(struct settings *s)
{
    for (size_t i = 0; i < SETTINGS_MAX; i++) {
        free(s->values[i]);
        s->values[i] = NULL;
    }
}
